"""The session loop with scripted work: no database, no process."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from research.runner.loop import Habits, LoopRunner
from research.store.lease import Owed

QUICK = Habits(concurrency=2, linger_seconds=0.0, look_seconds=0.03, patience_seconds=0.0)


@dataclass
class ScriptedWork:
    waiting: list[Owed] = field(default_factory=list)
    seconds: float = 0.05
    stubborn: bool = False
    outcome: str = "completed"
    error: Exception | None = None
    at_once: list[set[uuid.UUID]] = field(default_factory=list)  # who ran together
    order: list[uuid.UUID] = field(default_factory=list)
    let_go: list[uuid.UUID] = field(default_factory=list)
    now_running: set[uuid.UUID] = field(default_factory=set)
    rang: asyncio.Event = field(default_factory=asyncio.Event)

    def owe(self, user: int = 1, deaths: int = 0) -> uuid.UUID:
        session = Owed(uuid.uuid4(), user, deaths, "")
        self.waiting.append(session)
        return session.session_id

    async def owed(self) -> Sequence[Owed]:
        return [session for session in self.waiting if session.session_id not in self.now_running]

    async def running(self) -> Mapping[int, int]:
        return {}

    async def run(self, session_id: uuid.UUID) -> str:
        self.order.append(session_id)
        self.now_running.add(session_id)
        self.at_once.append(set(self.now_running))
        try:
            await asyncio.sleep(self.seconds)
            if self.error is not None:
                raise self.error
        except asyncio.CancelledError:
            self.let_go.append(session_id)
            if self.stubborn:
                await asyncio.sleep(3600)
            raise
        finally:
            self.now_running.discard(session_id)
            if self.outcome == "completed":
                self.waiting = [session for session in self.waiting if session.session_id != session_id]
        return self.outcome

    async def rings(self) -> AsyncIterator[uuid.UUID | None]:
        while True:
            await self.rang.wait()
            self.rang.clear()
            yield None


async def test_it_runs_many_sessions_at_once_but_no_more_than_allowed() -> None:
    work = ScriptedWork()
    for _ in range(5):
        work.owe()
    await LoopRunner(work, QUICK).run()
    assert len(work.order) == 5
    assert max(len(group) for group in work.at_once) == 2


async def test_a_loop_that_finds_nothing_leaves_at_once() -> None:
    async with asyncio.timeout(5):
        await LoopRunner(ScriptedWork(), Habits(linger_seconds=3600)).run()


async def test_an_idle_loop_stays_for_the_next_session_and_hears_the_bell() -> None:
    work = ScriptedWork()
    first = work.owe()
    runner = LoopRunner(work, Habits(linger_seconds=3600, look_seconds=3600))
    task = asyncio.create_task(runner.run())
    async with asyncio.timeout(5):
        while work.order != [first] or work.now_running:
            await asyncio.sleep(0.01)
        second = work.owe()
        work.rang.set()
        while work.order != [first, second]:
            await asyncio.sleep(0.01)
    runner.drain()
    await task


async def test_b46_a_drain_takes_nothing_new_and_lets_go_of_what_it_holds() -> None:
    work = ScriptedWork(seconds=3600)
    held = work.owe()
    runner = LoopRunner(work, QUICK)
    task = asyncio.create_task(runner.run())
    while not work.now_running:
        await asyncio.sleep(0.01)
    runner.drain()
    later = work.owe()
    async with asyncio.timeout(5):
        await task
    assert work.let_go == [held]
    assert later not in work.order


async def test_b46_a_session_that_does_not_let_go_holds_the_drain_up_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("research.runner.loop.LETTING_GO_SECONDS", 0.05)
    work = ScriptedWork(seconds=3600, stubborn=True)
    work.owe()
    runner = LoopRunner(work, QUICK)
    task = asyncio.create_task(runner.run())
    while not work.now_running:
        await asyncio.sleep(0.01)
    runner.drain()
    async with asyncio.timeout(5):
        await task


async def test_b49_nothing_runs_beside_a_suspect() -> None:
    work = ScriptedWork()
    innocent, suspect, another = work.owe(), work.owe(deaths=2), work.owe()
    await LoopRunner(work, QUICK).run()
    assert {suspect} in work.at_once
    assert not any(suspect in group and len(group) > 1 for group in work.at_once)
    assert set(work.order) == {innocent, suspect, another}


async def test_b49_a_patient_suspect_gets_an_empty_loop_though_work_never_ends() -> None:
    work = ScriptedWork(seconds=0.06)
    habits = Habits(
        concurrency=2, linger_seconds=0.0, look_seconds=0.03, patience_seconds=0.2, empties_for_suspects=True
    )
    runner = LoopRunner(work, habits)
    work.owe()
    task = asyncio.create_task(runner.run())
    while not work.now_running:
        await asyncio.sleep(0.01)
    suspect = work.owe(deaths=2)
    async with asyncio.timeout(10):
        while suspect not in work.order:
            if len(work.waiting) < 4:
                work.owe()
            await asyncio.sleep(0.01)
    runner.drain()
    await task
    assert not any(suspect in group and len(group) > 1 for group in work.at_once)


async def test_a_session_that_broke_is_not_taken_up_again_at_once(caplog: pytest.LogCaptureFixture) -> None:
    work = ScriptedWork(seconds=0.0, error=ZeroDivisionError(), outcome="broken")
    work.owe()
    runner = LoopRunner(work, Habits(linger_seconds=0.3, look_seconds=0.03))
    await runner.run()
    assert len(work.order) == 1
    assert "broke its run" in caplog.text


async def test_a_session_that_is_busy_elsewhere_is_not_asked_for_without_pause() -> None:
    work = ScriptedWork(seconds=0.0, outcome="busy")
    work.owe()
    await LoopRunner(work, Habits(linger_seconds=0.0, look_seconds=0.2)).run()
    assert len(work.order) == 1
