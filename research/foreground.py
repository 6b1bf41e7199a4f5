"""Work on a session in this process, or watch one that anybody works on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from django.db import connections

from research.models import OWED, Session
from research.wiring import Worker
from telemetry import queries, wakes

P = ParamSpec("P")
R = TypeVar("R")

LOOK_SECONDS = 0.5  # a death makes no sound, and a nudge may be lost
PAGE = 500  # events at once
Tell = Callable[[dict[str, Any]], object]  # gets every event
GONE = "gone"  # the session was deleted
_NOT_OURS = {"busy", "lost"}  # somebody else works on it


class OrmThread:
    """Django's ORM refuses a thread with an event loop; this is one beside it, with its own connection."""

    def __enter__(self) -> OrmThread:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="foreground-database")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.submit(connections.close_all)
        self._pool.shutdown()

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))


def status_of(session_id: uuid.UUID) -> str:
    found = Session.objects.filter(pk=session_id).values_list("status", flat=True).first()
    return found or GONE


async def follow(session_id: uuid.UUID, after: int = 0) -> AsyncIterator[dict[str, Any]]:
    """Every event after a number, as it comes, until the session has ended, waits or is paused."""
    with OrmThread() as database:
        async with wakes.listener(poll_seconds=LOOK_SECONDS) as bell:
            while True:
                # In this order: a status that stands still was committed with its last event.
                status = await database.call(status_of, session_id)
                events = await database.call(queries.events_after, session_id, after, PAGE)
                for event in events:
                    yield event.as_json()
                    after = event.seq
                if len(events) == PAGE:
                    continue
                if status not in OWED:
                    return
                await bell.next()


async def watch(session_id: uuid.UUID, tell: Tell, after: int = 0) -> None:
    async for event in follow(session_id, after):
        tell(event)


async def work_on(worker: Worker, session_id: uuid.UUID) -> str:
    """Work until the session stands still, ready to take over from whoever else holds it. Its status."""
    with OrmThread() as database:
        while True:
            outcome = await worker.run_session(session_id)
            if outcome.status not in _NOT_OURS:
                return outcome.status
            status = await database.call(status_of, session_id)
            if status not in OWED:
                return status
            await asyncio.sleep(LOOK_SECONDS)


async def work_and_tell(worker: Worker, session_id: uuid.UUID, tell: Tell, after: int = 0) -> str:
    """`work_on`, with every event told in order; both have ended when this returns."""
    watching = asyncio.create_task(watch(session_id, tell, after))
    try:
        status = await work_on(worker, session_id)
        await watching
        return status
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
