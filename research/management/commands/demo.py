from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser
from rich.progress import Progress

from research import demo, queries
from research.console.tables import sessions_table
from research.management.base import ProwziCommand, whole_number
from research.management.log_file import log_in_file


class Command(ProwziCommand):
    help = (
        "Load deterministic example data: finished, failed, paused, resumed, branched and cancelled sessions."
    )
    example = "prowzi demo\nprowzi demo --sessions 20 --events 10000"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        kinds = len(demo.KINDS)
        parser.add_argument(
            "--sessions", type=whole_number, default=kinds, metavar="N", help=f"so many ({kinds})"
        )
        parser.add_argument(
            "--events",
            type=whole_number,
            default=0,
            metavar="N",
            help="give one paused session so many events",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = self.acting_user(options["user"])
        sessions, events = options["sessions"], options["events"]
        with log_in_file(), self._progress(sessions + -(-events // demo.BATCH)) as tell:
            made = demo.make(user, sessions=sessions, events=events, tell=tell)
        rows = queries.sessions_of(user).filter(pk__in=[session.pk for session in made])
        documents = [queries.session_json(session) for session in rows]
        if options["json"]:
            self.emit_json(documents)
        else:
            self.terminal().print(sessions_table(documents))

    @contextmanager
    def _progress(self, steps: int) -> Iterator[Callable[[str], None]]:
        if not self.out.isatty():
            yield lambda said: None
            return
        with Progress(console=self.terminal(), transient=True) as bar:
            task = bar.add_task("Making examples", total=steps)
            yield lambda said: bar.update(task, advance=1, description=said)
