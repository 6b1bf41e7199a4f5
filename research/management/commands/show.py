from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser
from rich.console import RenderableType

from research import queries
from research.console.tables import checkpoints_table, claims_table, events_table, session_view
from research.console.text import safe
from research.management.verbs import SessionCommand
from research.models import Session
from telemetry.queries import all_events


class Command(SessionCommand):
    help = "One session: its stages and how it stands, or its events, checkpoints, claims or report."
    example = "prowzi show 7c9e6679\nprowzi show 7c9e6679 --events --json"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--events", action="store_true", help="its log, in order")
        parser.add_argument("--checkpoints", action="store_true", help="what its stages kept")
        parser.add_argument(
            "--claims", action="store_true", help="the report's sentences with their verdicts"
        )
        parser.add_argument("--report", action="store_true", help="the report as Markdown")

    def handle(self, *args: Any, **options: Any) -> None:
        session = queries.find_session(self.acting_user(options["user"]), options["id"])
        if options["json"]:
            self.emit_json(self._document(session, options))
        else:
            self._print(session, options)

    def _document(self, session: Session, options: dict[str, Any]) -> dict[str, Any]:
        """What is always there, and under the option's name what was asked for besides."""
        document = dict(queries.session_json(session))
        if options["events"]:
            document["events"] = [event.as_json() for event in all_events(session.pk)]
        if options["claims"]:
            document["claims"] = queries.claims_json(session)
        if options["report"]:
            document["report"] = queries.report_text(session)
        return document

    def _print(self, session: Session, options: dict[str, Any]) -> None:
        views: dict[str, Callable[[], RenderableType]] = {
            "events": lambda: events_table(event.as_json() for event in all_events(session.pk)),
            "checkpoints": lambda: checkpoints_table(queries.checkpoints_json(session)),
            "claims": lambda: claims_table(queries.claims_json(session)),
            "": lambda: session_view(queries.session_json(session)),
        }
        asked = [name for name in views if options.get(name)]
        for name in asked or [""] * (not options["report"]):
            self.terminal().print(views[name]())
        if options["report"]:
            self.stdout.write(safe(queries.report_text(session)))
