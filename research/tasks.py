"""What django-q2's workers run. The queue says "look at session X"; a loop in a task does the rest."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection
from django.db.models import Count

from research.conf import conf
from research.models import Session, SessionStatus
from research.runner import canary, drain
from research.runner.loop import LOOK_SECONDS, Habits, LoopRunner
from research.runner.slots import Slot, take_slot
from research.store import lease
from research.store.lease import Owed
from research.wiring import Worker, open_worker
from telemetry import wakes

logger = logging.getLogger("prowzi.runner")


def look(session_id: str) -> None:
    """Work on what is owed, here if a loop may live here, else in a loop that lives already.

    A duplicate or late wake-up finds nothing owed and ends at once, without a write (B17).
    """
    run_dir = conf().run_dir
    for _ in range(2):  # a session that came while the slot was given back found a loop that was leaving
        if _is_draining() or not lease.owed(run_dir, limit=1):
            return
        slot = take_slot(run_dir, conf().workers)
        if slot is None:
            wakes.ring(session_id)
            return
        with slot:
            _work(slot)


def sing(song: str) -> None:
    """The canary: a free worker took a task."""
    canary.sing(conf().run_dir, song)


def _is_draining() -> bool:
    pipe = drain.current()
    return pipe is not None and pipe.has_begun


def _work(slot: Slot) -> None:
    habits = Habits(concurrency=conf().concurrency, empties_for_suspects=slot.number == 0)
    with open_worker() as worker:
        asyncio.run(_run_loop(LoopRunner(Sessions(worker), habits)))


async def _run_loop(runner: LoopRunner) -> None:
    loop, pipe = asyncio.get_running_loop(), drain.current()
    if pipe is None:
        await runner.run()
        return

    def begin() -> None:
        loop.remove_reader(pipe.reader)
        runner.drain()

    loop.add_reader(pipe.reader, begin)
    try:
        await runner.run()
    finally:
        loop.remove_reader(pipe.reader)


class Sessions:
    """The loop's work, from this installation's database."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def owed(self) -> list[Owed]:
        return await sync_to_async(_owed)()

    async def running(self) -> dict[int, int]:
        return await sync_to_async(_running)()

    async def run(self, session_id: uuid.UUID) -> str:
        return (await self._worker.run_session(session_id)).status

    async def rings(self) -> AsyncIterator[uuid.UUID | None]:
        async with wakes.listener(poll_seconds=LOOK_SECONDS) as listener:
            while True:
                rung = await listener.next()
                yield uuid.UUID(rung) if rung else None


def _owed() -> list[Owed]:
    try:
        return lease.owed(conf().run_dir)
    except DatabaseError as error:  # those at work pause by themselves; this loop looks again
        logger.warning("The database does not answer.", extra={"code": "database_down", "error": str(error)})
        connection.close()
        return []


def _running() -> dict[int, int]:
    held = Session.objects.filter(status=SessionStatus.RUNNING).exclude(lease_owner="")
    counts = held.order_by().values_list("owner_id").annotate(Count("pk"))
    return dict(counts)
