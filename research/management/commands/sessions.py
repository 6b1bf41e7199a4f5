from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from research import queries
from research.console.tables import sessions_table
from research.management.base import ProwziCommand, whole_number
from research.models import SessionStatus


class Command(ProwziCommand):
    help = "List your sessions, the newest first."
    example = "prowzi sessions --limit 5\nprowzi sessions --status failed --json"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--limit", type=whole_number, default=20, metavar="N", help="at most so many (20)"
        )
        parser.add_argument("--status", choices=SessionStatus.values, help="only these", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        user = self.acting_user(options["user"])
        found = queries.sessions_of(user, status=options["status"])[: options["limit"]]
        documents = [queries.session_json(session) for session in found]
        if options["json"]:
            self.emit_json(documents)
        else:
            self.terminal().print(sessions_table(documents))
