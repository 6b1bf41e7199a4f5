"""Many sessions on one event loop: adopt what is owed, run it, give everything back on a drain."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from research.runner.choosing import choose, is_suspect
from research.store.lease import Owed

logger = logging.getLogger("prowzi.runner")

LOOK_SECONDS = 0.2  # at the latest: a death makes no sound
QUIET_SECONDS = 0.02  # between two looks, however often the bell rings
LINGER_SECONDS = 60.0  # an idle loop stays, so that the next start is quick
LETTING_GO_SECONDS = 2.0  # for a session to finish what it is writing
PATIENCE_SECONDS = 5.0  # a suspect waits for an empty loop; after this the first loop empties itself
COOL_OFF_SECONDS = 5.0  # before this loop takes up a session again that ended in a bug or was not to be had


class Work(Protocol):
    """What the loop does its work with; the real one is `research.tasks.Sessions`."""

    async def owed(self) -> Sequence[Owed]: ...

    async def running(self) -> Mapping[int, int]:
        """How many sessions of each user anybody runs now."""
        ...

    async def run(self, session_id: uuid.UUID) -> str:
        """Runs one session until it ends, waits or is lost; the outcome's status."""
        ...

    def rings(self) -> AsyncIterator[uuid.UUID | None]:
        """Sessions with something new; None = look at everything."""
        ...


@dataclass(frozen=True)
class Habits:
    concurrency: int = 16
    empties_for_suspects: bool = False  # one loop of a machine does, so that the others go on
    linger_seconds: float = field(default_factory=lambda: LINGER_SECONDS)
    look_seconds: float = LOOK_SECONDS
    patience_seconds: float = PATIENCE_SECONDS


class LoopRunner:
    def __init__(self, work: Work, habits: Habits) -> None:
        self._work = work
        self._habits = habits
        self._held: dict[uuid.UUID, asyncio.Task[str]] = {}
        self._holds_suspect = False
        self._cooling: dict[uuid.UUID, float] = {}  # session -> not before
        self._suspected_since: dict[uuid.UUID, float] = {}
        self._something = asyncio.Event()
        self._is_draining = False
        self._has_worked = False
        self._last_work = 0.0

    def drain(self) -> None:
        """Take nothing new and let go of everything. Call it on the loop's thread."""
        self._is_draining = True
        self._something.set()

    async def run(self) -> None:
        """Until nothing has been owed for a while, or a drain begins."""
        self._last_work = self._now()
        ears = asyncio.create_task(self._listen())
        try:
            while not self._is_draining:
                await self._adopt()
                if self._is_done():
                    return
                await self._rest()
        finally:
            ears.cancel()
            await asyncio.gather(ears, return_exceptions=True)
            await self._let_go()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _is_done(self) -> bool:
        # One that never found work was the second to arrive: it leaves its django-q2 worker free.
        linger = self._habits.linger_seconds if self._has_worked else 0.0
        return not self._held and self._now() - self._last_work >= linger

    async def _rest(self) -> None:
        await asyncio.sleep(QUIET_SECONDS if not self._is_draining else 0)
        try:
            async with asyncio.timeout(self._habits.look_seconds - QUIET_SECONDS):
                await self._something.wait()
        except TimeoutError:
            pass
        self._something.clear()

    async def _listen(self) -> None:
        async for session_id in self._work.rings():
            if session_id not in self._held:
                self._something.set()

    async def _adopt(self) -> None:
        room = self._habits.concurrency - len(self._held)
        if room <= 0 or self._holds_suspect:
            return
        owed = [session for session in await self._work.owed() if self._may_take(session)]
        if not owed or self._waits_for_suspect(owed):
            return
        running = await self._work.running() if len(owed) > 1 else {}
        for session in choose(owed, running=running, held=len(self._held), room=room):
            self._take(session)

    def _may_take(self, session: Owed) -> bool:
        if session.session_id in self._held:
            return False
        return self._cooling.get(session.session_id, 0.0) <= self._now()

    def _waits_for_suspect(self, owed: Sequence[Owed]) -> bool:
        """Whether this loop runs empty now because a suspect has waited too long."""
        now = self._now()
        since = self._suspected_since
        self._suspected_since = {
            session.session_id: since.get(session.session_id, now) for session in owed if is_suspect(session)
        }
        if not (self._held and self._habits.empties_for_suspects and self._suspected_since):
            return False
        return now - min(self._suspected_since.values()) >= self._habits.patience_seconds

    def _take(self, session: Owed) -> None:
        if self._is_draining:
            return
        self._has_worked = True
        self._holds_suspect = is_suspect(session)
        task = asyncio.ensure_future(self._work.run(session.session_id))
        self._held[session.session_id] = task
        task.add_done_callback(lambda ended: self._ended(session.session_id, ended))

    def _ended(self, session_id: uuid.UUID, task: asyncio.Task[str]) -> None:
        del self._held[session_id]
        self._holds_suspect = False
        self._last_work = self._now()
        self._something.set()
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            logger.error("A session broke its run.", extra={"session": str(session_id)}, exc_info=error)
        if error is not None or task.result() in {"busy", "lost"}:
            self._cooling[session_id] = self._now() + (
                COOL_OFF_SECONDS if error else self._habits.look_seconds
            )

    async def _let_go(self) -> None:
        """Cancelled sessions give their leases back; what takes longer is left to the end of its lease."""
        tasks = list(self._held.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LETTING_GO_SECONDS)
