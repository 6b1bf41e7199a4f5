"""What the commands on one session share: how it is named, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from research import queries
from research.console.monitor import plain_summary
from research.management.base import ProwziCommand
from research.models import Session


class SessionCommand(ProwziCommand):
    """A command on the session that ID names."""

    takes_id: ClassVar[bool] = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        if self.takes_id:
            parser.add_argument(
                "id", metavar="ID", help="a session id, a checkpoint id, or an unambiguous beginning of one"
            )

    def answer(self, session: Session, options: dict[str, Any]) -> None:
        """How the session stands now, on stdout."""
        document = queries.session_json(session)
        if options["json"]:
            self.emit_json(document)
        else:
            self.stdout.write("\n".join([f"Session: {session.pk}", *plain_summary(document)]))


class VerbCommand(SessionCommand):
    """A person's decision: one service, then how the session stands."""

    verb: ClassVar[Callable[..., Session]]

    def handle(self, *args: Any, **options: Any) -> None:
        user = self.acting_user(options["user"])
        session = queries.find_session(user, options["id"])
        self.answer(type(self).verb(session=session, actor=user), options)
