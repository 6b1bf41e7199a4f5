"""A session's events as a live stream (Server-Sent Events): `id` is the seq, so nothing is lost or repeated.

One listener and one reading thread serve all streams of this process. A nudge only says "look"; what is
sent comes from the log, and one look a second at all watched logs finds what no nudge told.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DatabaseError, connection, connections

from research import queries
from research.api.auth import Visitor, still_welcome
from research.errors import NotFound
from telemetry import queries as telemetry
from telemetry.events import Event
from telemetry.wakes import listener

P = ParamSpec("P")
R = TypeVar("R")

QUIET_SECONDS = 15.0  # after which a comment keeps the connection open
CHECK_SECONDS = 60.0  # between two looks whether the watcher may still watch
logger = logging.getLogger("prowzi.api")
_HELLO = "retry: 2000\n: prowzi\n\n"
_QUIET = ": quiet\n\n"
_END = "event: end\ndata: {}\n\n"


@dataclass(eq=False)
class Watcher:
    """One stream's ear."""

    hub: Hub
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, seconds: float) -> bool:
        """Whether something was said within the time."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self.news.wait()
        except TimeoutError:
            return False
        self.news.clear()
        return True


class Hub:
    """All streams of one event loop."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watcher]] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._task = asyncio.create_task(self._listen())

    async def read(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """In the thread that owns this hub's database connection; an error gives it a new one."""

        def run() -> R:
            try:
                return function(*args, **kwargs)
            except DatabaseError:
                connection.close()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._reader, run)

    def join(self, session_id: str) -> Watcher:
        watcher = Watcher(self)
        self._watchers.setdefault(session_id, set()).add(watcher)
        return watcher

    def leave(self, session_id: str, watcher: Watcher) -> bool:
        """Whether that was the last one."""
        here = self._watchers.get(session_id, set())
        here.discard(watcher)
        if not here:
            self._watchers.pop(session_id, None)
        return not self._watchers

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.sleep(0)  # the listener's transports say goodbye in the loop's next turn
        self._reader.submit(connections.close_all)  # in that thread, whose connection it is
        self._reader.shutdown(wait=False)

    def _wake(self, session_id: str) -> None:
        for watcher in self._watchers.get(session_id, ()):
            watcher.news.set()

    async def _listen(self) -> None:
        seen: dict[str, int] = {}
        async with listener() as wakes:
            while True:
                session_id = await wakes.next()
                if session_id is None:
                    seen = await self._look(seen)
                else:
                    self._wake(session_id)

    async def _look(self, seen: dict[str, int]) -> dict[str, int]:
        """Wake the watchers of every log that has grown since the last look."""
        try:
            now = await self.read(telemetry.last_seqs, list(self._watchers))
        except DatabaseError:  # the next look is a second away
            return seen
        for session_id, seq in now.items():
            if seen.get(session_id) != seq:
                self._wake(session_id)
        return now


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


@asynccontextmanager
async def watch(session_id: str) -> AsyncIterator[Watcher]:
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    watcher = hub.join(session_id)
    try:
        yield watcher
    finally:
        if hub.leave(session_id, watcher):
            _hubs.pop(loop, None)
            await hub.close()


def frame(event: Event) -> str:
    return f"id: {event.seq}\ndata: {json.dumps(event.as_json(), separators=(',', ':'))}\n\n"


async def stream(visitor: Visitor, session_id: UUID, after: int) -> AsyncIterator[str]:
    """Frames until the session ends, the visitor is no longer welcome, or the database is away.

    Only after an end comes `event: end`; after anything else the client comes back with its last seq.
    """
    try:
        async for text in _frames(visitor, session_id, after):
            yield text
    except DatabaseError as error:
        logger.warning("stream cut", extra={"code": "database_down", "error": str(error)})


async def _frames(visitor: Visitor, session_id: UUID, after: int) -> AsyncIterator[str]:
    clock = asyncio.get_running_loop().time
    check_at, quiet_at = clock() + CHECK_SECONDS, clock() + QUIET_SECONDS
    yield _HELLO
    async with watch(str(session_id)) as watcher:
        while True:
            news = await watcher.hub.read(queries.news_of, session_id, after)
            for event in news.events:
                yield frame(event)
                after = event.seq
            if len(news.events) == telemetry.PAGE:
                continue
            if news.has_ended:
                yield _END
                return
            if news.events:
                quiet_at = clock() + QUIET_SECONDS
            if clock() >= check_at:
                check_at = clock() + CHECK_SECONDS
                if not await watcher.hub.read(_may_watch, visitor, session_id):
                    return
            if not await watcher.hear(min(quiet_at, check_at) - clock()) and clock() >= quiet_at:
                yield _QUIET
                quiet_at = clock() + QUIET_SECONDS


def _may_watch(visitor: Visitor, session_id: UUID) -> bool:
    try:
        queries.get_session(visitor.user, session_id)
    except NotFound:
        return False
    return still_welcome(visitor)
