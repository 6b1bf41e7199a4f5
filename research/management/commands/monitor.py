from __future__ import annotations

import sys
from typing import Any

from research import queries
from research.console import watch_session
from research.management.base import DONE, EXIT_OF
from research.management.verbs import SessionCommand


class Command(SessionCommand):
    help = "Watch a session until it ends; on a terminal a live table. The exit status is the run's."
    example = "prowzi monitor 7c9e6679"

    def handle(self, *args: Any, **options: Any) -> None:
        session = queries.find_session(self.acting_user(options["user"]), options["id"])
        terminal = self.terminal() if self.out.isatty() and not options["json"] else None
        status = watch_session(session, terminal=terminal, say=self.note)
        if terminal is None:
            session.refresh_from_db()
            self.answer(session, options)
        sys.exit(EXIT_OF.get(status, DONE))
