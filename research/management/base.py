"""What every command of ours shares: exit statuses, `--json`, `--user`, and one line for an error."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any, ClassVar, TextIO

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console

from research import accounts, new_database
from research.console.text import safe
from research.errors import InvalidInput, NotFound, NotReady, ProwziError

DONE, FAILED, WRONG_USAGE, NO_SUCH_THING, WAITS, NOT_READY, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
EXIT_OF = {"completed": DONE, "failed": FAILED, "cancelled": FAILED, "paused": WAITS, "waiting": WAITS}
PIPED_WIDTH = 200  # columns of a table that no terminal bounds
_STATUS_OF: tuple[tuple[type[ProwziError], int], ...] = (
    (InvalidInput, WRONG_USAGE),
    (NotFound, NO_SUCH_THING),
    (NotReady, NOT_READY),
)
_DJANGOS = {"--version", "-v", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color"}


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # the command line's door answers it, as for every other output


class ProwziCommand(BaseCommand):
    """Write `add_arguments` (call super) and `handle`. Answers go to stdout, all else through `note`."""

    example: ClassVar[str] = ""  # one or more command lines
    has_json: ClassVar[bool] = True
    requires_system_checks = []  # Django's checks load every page
    suppressed_base_arguments = _DJANGOS  # still understood, but not ours to explain
    out: TextIO = sys.stdout

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
        parser.add_argument(
            "--user", metavar="NAME", help="act for this user (default: the first administrator)"
        )
        if self.has_json:
            parser.add_argument(
                "--json", action="store_true", help="one JSON document on stdout, nothing else there"
            )

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.out = options.get("stdout") or sys.stdout
        try:
            new_database.migrate_if_new()
            return super().execute(*args, **options)
        except ProwziError as error:
            self.note(f"prowzi: {error.message}" + (f" {error.hint}" if error.hint else ""))
            sys.exit(exit_status(error))

    def note(self, text: str) -> None:
        """A message for people: on stderr, so that stdout holds the answer alone."""
        self.stderr.write(safe(text), style_func=str)

    def emit_json(self, answer: object) -> None:
        # ASCII: nothing in it can steer a terminal, whatever the texts are.
        self.stdout.write(json.dumps(answer, default=str))

    def terminal(self) -> Console:
        """Where Rich draws the answer; without a terminal no colours and no cursor moves."""
        is_terminal = self.out.isatty()
        width = None if is_terminal else PIPED_WIDTH
        return _Terminal(
            file=self.out, force_terminal=is_terminal, width=width, highlight=False, markup=False
        )

    def acting_user(self, name: str | None) -> User:
        """The user of `--user`, otherwise the first administrator."""
        return accounts.acting_user(name)


def whole_number(text: str) -> int:
    """An argparse type: 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def exit_status(error: ProwziError) -> int:
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), FAILED)
