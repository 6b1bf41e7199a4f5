"""Waiting for something new, in asyncio: nudges at once, and a look every second in case one was lost.

    async with listener() as wakes:
        while True:
            session_id = await wakes.next()      # None = look at everything you watch

One per process: hear once here, then fan out in the process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

from telemetry.nudges import Ear, Nudge, Place, open_nudges

DEFAULT_NUDGES = ("doorbell",)
POLL_SECONDS = 1.0
_PENDING_LIMIT = 10_000  # distinct sessions; above it one look at everything is cheaper

logger = logging.getLogger("prowzi.telemetry")


def place_of_settings() -> Place:
    database = settings.DATABASES["default"]
    is_sqlite = str(database["ENGINE"]).endswith("sqlite3")
    return Place(Path(settings.DATA_DIR), Path(str(database["NAME"])) if is_sqlite else None)


@cache
def _default_nudges(place: Place) -> tuple[Nudge, ...]:
    return tuple(open_nudges(DEFAULT_NUDGES, place))


def ring(session_id: str) -> None:
    """Tells every listener of this installation. After the commit; cheap, never blocks, never raises."""
    for nudge in _default_nudges(place_of_settings()):
        nudge.ring(session_id)


def listener(nudges: Sequence[Nudge] | None = None, poll_seconds: float = POLL_SECONDS) -> Listener:
    chosen = _default_nudges(place_of_settings()) if nudges is None else nudges
    return Listener(chosen, poll_seconds)


class Listener:
    """For one consumer. Rings that arrive while it is busy are kept once per session."""

    def __init__(self, nudges: Sequence[Nudge], poll_seconds: float) -> None:
        self._nudges = nudges
        self._poll_seconds = poll_seconds
        self._ears: list[Ear] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._pending: dict[str, None] = {}  # in order of their first ring
        self._is_all_pending = False
        self._something = asyncio.Event()
        self._next_look = 0.0

    async def __aenter__(self) -> Self:
        for nudge in self._nudges:
            self._ears.append(await nudge.listen())
        self._tasks = [asyncio.create_task(self._follow(ear)) for ear in self._ears]
        self._schedule_look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for ear in self._ears:
            await ear.aclose()

    async def next(self, timeout: float | None = None) -> str | None:
        """A session with something new. None = look at everything you watch: something changed
        somewhere, it is time for the regular look, or `timeout` seconds have passed."""
        until_look = self._next_look - asyncio.get_running_loop().time()
        if until_look > 0 and not self._something.is_set():
            await self._wait(until_look if timeout is None else min(timeout, until_look))
        if self._is_all_pending or asyncio.get_running_loop().time() >= self._next_look:
            self._take_all()
            return None
        return self._take_one()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._something.wait()
        except TimeoutError:
            return

    def _take_all(self) -> None:
        self._pending.clear()
        self._is_all_pending = False
        self._something.clear()
        self._schedule_look()

    def _take_one(self) -> str | None:
        session_id = next(iter(self._pending), None)
        if session_id is not None:
            del self._pending[session_id]
        if not self._pending:
            self._something.clear()
        return session_id

    def _schedule_look(self) -> None:
        self._next_look = asyncio.get_running_loop().time() + self._poll_seconds

    async def _follow(self, ear: Ear) -> None:
        try:
            while True:
                self._hear(await ear.__anext__())
        except OSError as error:
            logger.warning(
                "A nudge fell silent (%s); the look every %.1f s goes on.", error, self._poll_seconds
            )

    def _hear(self, session_id: str | None) -> None:
        if session_id is None or len(self._pending) >= _PENDING_LIMIT:
            self._is_all_pending = True
        else:
            self._pending[session_id] = None
        self._something.set()
