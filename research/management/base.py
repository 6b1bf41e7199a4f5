"""What every command of ours shares: exit statuses, `--json`, `--user`, and one line for an error."""

from __future__ import annotations

import json
import sys
from argparse import RawDescriptionHelpFormatter
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser

from research.console.text import safe
from research.errors import InvalidInput, NotFound, NotReady, ProwziError

DONE, FAILED, WRONG_USAGE, NO_SUCH_THING, WAITS, NOT_READY, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
_STATUS_OF: tuple[tuple[type[ProwziError], int], ...] = (
    (InvalidInput, WRONG_USAGE),
    (NotFound, NO_SUCH_THING),
    (NotReady, NOT_READY),
)
_DJANGOS = {"--version", "-v", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color"}


class ProwziCommand(BaseCommand):
    """Write `add_arguments` (call super) and `handle`; answers go to stdout, everything else through `note`."""

    example: ClassVar[str] = ""  # one or more command lines
    has_json: ClassVar[bool] = True
    requires_system_checks: ClassVar[list[str]] = []  # Django's checks load every page
    suppressed_base_arguments = _DJANGOS  # still understood, but not ours to explain

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        examples = "\n".join(f"  {line}" for line in self.example.splitlines())
        parser = super().create_parser(
            prog_name,
            subcommand,
            epilog=f"example:\n{examples}",
            formatter_class=RawDescriptionHelpFormatter,
            **kwargs,
        )
        parser.prog = f"prowzi {subcommand.replace('_', '-')}"
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", metavar="NAME", help="act for this user (default: the first administrator)")
        if self.has_json:
            parser.add_argument("--json", action="store_true", help="one JSON document on stdout, nothing else there")

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except ProwziError as error:
            self.note(f"prowzi: {error.message}" + (f" {error.hint}" if error.hint else ""))
            sys.exit(exit_status(error))

    def note(self, text: str) -> None:
        """A message for people: on stderr, so that stdout holds the answer alone."""
        self.stderr.write(safe(text), style_func=str)

    def emit_json(self, answer: object) -> None:
        self.stdout.write(json.dumps(answer, ensure_ascii=False, default=str))

    def acting_user(self, name: str | None) -> User:
        """The user of `--user`, otherwise the first administrator, made now where nobody is yet."""
        if name is not None:
            found = User.objects.filter(username=name).first()
            if found is None:
                raise NotFound(f"There is no user {name!r}.", hint="Type: prowzi createsuperuser")
            return found
        return User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first() or _first_user()


def _first_user() -> User:
    from research import first_run  # loads the library; needed once in an installation's life

    return first_run.ensure_admin()


def exit_status(error: ProwziError) -> int:
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), FAILED)
