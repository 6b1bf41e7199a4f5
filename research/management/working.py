"""Commands that work on a session in this process: live table or lines, Ctrl-C, answer, exit status."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from rich.console import Console

from research import queries, services
from research.console.monitor import WorkflowMonitor, follow_on
from research.errors import IllegalState
from research.foreground import OrmThread, work_and_tell
from research.management import log_file
from research.management.base import EXIT_OF, INTERRUPTED
from research.management.log_file import log_in_file
from research.management.verbs import SessionCommand
from research.models import ENDED, Session
from research.wiring import Worker, open_worker

_HOW_TO_GO_ON = {"plan": "Agree with: prowzi approve {0}, then go on with: prowzi resume {0}"}


class WorkingCommand(SessionCommand):
    """`work` runs a session here to its end, a pause or a wait, and says how it stands."""

    def work(self, session: Session, actor: User, options: dict[str, Any]) -> int:
        """The exit status."""
        terminal = self.terminal() if self.out.isatty() and not options["json"] else None
        self.note(f"session {session.pk}")
        interrupts = Interrupts(session, actor, self.note, terminal)
        monitor = WorkflowMonitor(document=queries.session_json(session))
        with (
            log_in_file(),
            open_worker() as worker,
            follow_on(monitor, terminal=terminal, say=self.note) as tell,
        ):
            asyncio.run(_work(worker, session, tell, interrupts))
            session.refresh_from_db()
            monitor.show(queries.session_json(session))
        if terminal is None:
            self.answer(session, options)
        return self._close(session, interrupts)

    def _close(self, session: Session, interrupts: Interrupts) -> int:
        if session.status in ENDED:
            if session.error:
                self.note(f"{session.error} (log: {log_file.path()})")
            return EXIT_OF[session.status]
        go_on = _HOW_TO_GO_ON.get(session.reason, "Go on with: prowzi resume {0}")
        self.note(f"The session is {session.status}. " + go_on.format(session.pk))
        return INTERRUPTED if interrupts.count else EXIT_OF.get(session.status, INTERRUPTED)


class Interrupts:
    """The first Ctrl-C pauses the session, the second is a crash, which a living worker repairs."""

    def __init__(
        self, session: Session, actor: User, say: Callable[[str], None], terminal: Console | None
    ) -> None:
        self.count = 0
        self._session = session
        self._actor = actor
        self._say = say
        self._terminal = terminal
        self._pausing: asyncio.Task[None] | None = None

    def __call__(self, worker: Worker) -> None:
        self.count += 1
        if self.count > 1:
            if self._terminal is not None:
                self._terminal.show_cursor(True)
            os._exit(INTERRUPTED)
        say = self._terminal.print if self._terminal else self._say
        say("Pausing as soon as the step under way is kept. Ctrl-C once more stops at once.")
        self._pausing = asyncio.ensure_future(self._pause(worker))

    async def _pause(self, worker: Worker) -> None:
        with OrmThread() as database, suppress(IllegalState):  # it has just ended: nothing to pause
            await database.call(services.pause_session, session=self._session, actor=self._actor)
        worker.heartbeat.look_now()


async def _work(
    worker: Worker, session: Session, tell: Callable[[Any], None], interrupts: Interrupts
) -> None:
    loop = asyncio.get_running_loop()
    work = asyncio.ensure_future(work_and_tell(worker, session.pk, tell))
    loop.add_signal_handler(signal.SIGINT, interrupts, worker)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(ending, work.cancel)  # hands the session over: whoever lives goes on
    with suppress(asyncio.CancelledError):
        await work
