"""Who may write a session: leases, fences, deaths."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from research.conf import conf
from research.errors import LostLease
from research.models import Session
from research.store import commit, heartbeat, journal, lease, owners
from research.store.lease import Held
from research.store.owners import OwnerLock
from telemetry import queries
from tests.integration.worlds import ask, engine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["engine"]
ELSEWHERE = "another-machine/0123"


@pytest.fixture
def run_dir() -> Path:
    return conf().run_dir


@pytest.fixture
def me(run_dir: Path) -> Iterator[OwnerLock]:
    with OwnerLock.create(run_dir) as lock:
        yield lock


def take(session: Session, owner: str, seconds: float = 15) -> Held | None:
    return lease.acquire(session.pk, owner=owner, run_dir=conf().run_dir, seconds=seconds)


def taken(session: Session, owner: str, seconds: float = 15) -> Held:
    held = take(session, owner, seconds)
    assert held is not None
    return held


def statuses(session: Session) -> list[str]:
    return [event.status for event in queries.all_events(session.pk)]


def test_b17_only_one_of_many_gets_the_lease(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    got = [take(session, me.name) for _ in range(50)]
    assert sum(held is not None for held in got) == 1
    assert statuses(session) == ["created", "started"]


def test_a_living_owner_keeps_its_session_and_an_ended_lease_frees_it(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    first = taken(session, ELSEWHERE, seconds=15)
    assert take(session, me.name) is None
    Session.objects.filter(pk=session.pk).update(lease_until=time.time() - 1)
    second = taken(session, me.name)
    assert second.fence > first.fence
    assert statuses(session)[-3:] == ["lease_lost", "taken_over", "continued"]


def test_b16_a_fenced_owner_changes_nothing(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    zombie = commit.begin_stage(taken(session, ELSEWHERE, seconds=-1), "intent")
    ticket = journal.begin(zombie, journal.Call("search", 0, "library", {"q": 1}))
    fresh = taken(session, me.name)
    before = statuses(session)
    writes: list[Callable[[], object]] = [
        lambda: commit.begin_stage(zombie, "intent"),
        lambda: commit.commit_stage(zombie, commit.StageEnd("t", None, 1.0, following="planning")),
        lambda: commit.note_progress(zombie, "query", {}),
        lambda: commit.retry_stage(zombie, error="x", code="y", delay=1, duration=1),
        lambda: commit.fail_session(zombie, error="x", code="y", duration=1),
        lambda: commit.suspend_session(zombie, status="paused", reason="person", message=""),
        lambda: journal.begin(zombie, journal.Call("search", 1, "library", {"q": 2})),
        lambda: journal.settle(zombie, ticket, journal.Settled({})),
        lambda: journal.fail(zombie, ticket, "x"),
    ]
    for write in writes:
        with pytest.raises(LostLease):
            write()
    lease.release(zombie)
    assert statuses(session) == before
    session.refresh_from_db()
    assert (session.lease_owner, session.fence, session.status) == (me.name, fresh.fence, "running")


def test_b12_a_commit_is_all_or_nothing(owner: User, me: OwnerLock, monkeypatch: pytest.MonkeyPatch) -> None:
    session = ask(owner)
    held = commit.begin_stage(taken(session, me.name), "intent")
    before = (statuses(session), Session.objects.values().get(pk=session.pk))

    def die(name: str) -> None:
        raise RuntimeError(name)

    monkeypatch.setattr(commit, "failpoint", die)
    with pytest.raises(RuntimeError, match="FP12"):
        commit.commit_stage(held, commit.StageEnd("t", None, 1.0, following="planning"))
    assert (statuses(session), Session.objects.values().get(pk=session.pk)) == before


def test_b29_a_commit_whose_answer_was_lost_is_not_made_twice(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    held = commit.begin_stage(taken(session, me.name), "intent")
    end = commit.StageEnd("token", None, 1.0, following="planning")
    once = commit.commit_stage(held, end)
    told = statuses(session)
    assert commit.commit_stage(held, end) == once
    assert statuses(session) == told
    with pytest.raises(LostLease):
        commit.commit_stage(held, commit.StageEnd("another", None, 1.0, following="planning"))


def test_a_stage_that_is_committed_is_never_begun_again(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    held = commit.begin_stage(taken(session, me.name), "intent")
    following = commit.commit_stage(held, commit.StageEnd("t", None, 1.0, following="planning"))
    with pytest.raises(LostLease):
        commit.begin_stage(following, "intent")


def test_b49_three_deaths_park_a_session_with_the_reason(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    taken(session, ELSEWHERE, seconds=-1)
    for _ in range(2):
        taken(session, ELSEWHERE, seconds=-1)
    assert take(session, me.name) is None
    session.refresh_from_db()
    assert (session.status, session.reason) == ("paused", "parked")
    assert statuses(session)[-2:] == ["parked", "paused"]


def test_progress_forgives_deaths(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    taken(session, ELSEWHERE, seconds=-1)
    for _ in range(4):
        held = commit.begin_stage(taken(session, ELSEWHERE, seconds=-1), "intent")
        call = journal.begin(held, journal.Call("search", 0, "library", {"n": held.fence}))
        journal.settle(held, call, journal.Settled({}))
    assert take(session, me.name) is not None


def test_b04_calls_in_flight_at_a_death_are_booked_and_marked(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    held = commit.begin_stage(taken(session, ELSEWHERE, seconds=-1), "intent")
    call = journal.Call("ask", 0, "model", {"q": 1}, reserve_microusd=700)
    first = journal.begin(held, call)
    held = commit.begin_stage(taken(session, me.name), "intent")
    assert "in_doubt" in statuses(session)
    again = journal.begin(held, call)
    assert (again.idempotency_key, again.sent) == (first.idempotency_key, 2)
    journal.settle(held, again, journal.Settled({"a": "ü \ud800"}, cost_microusd=500))
    assert journal.begin(held, call).answer == {"a": "ü \ud800"}
    session.refresh_from_db()
    assert (session.cost_microusd, session.in_doubt_microusd) == (500, 700)


def test_b07_an_answer_in_the_journal_is_never_asked_for_again(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    held = commit.begin_stage(taken(session, me.name), "intent")
    call = journal.Call("search", 0, "library", {"q": 1})
    journal.settle(held, journal.begin(held, call), journal.Settled({"hits": []}))
    known = journal.begin(held, call)
    assert (known.answer, known.sent) == ({"hits": []}, 0)
    other = journal.begin(held, journal.Call("search", 0, "library", {"q": 2}))
    assert other.answer is None


def test_s31_parallel_calls_cannot_pass_the_budget_together(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    Session.objects.filter(pk=session.pk).update(budget_microusd=1000)
    held = commit.begin_stage(taken(session, me.name), "intent")
    journal.begin(held, journal.Call("ask", 0, "model", {"q": 1}, reserve_microusd=600))
    with pytest.raises(Exception, match="budget"):
        journal.begin(held, journal.Call("ask", 0, "model", {"q": 2}, reserve_microusd=600))


def test_i4_the_fence_never_goes_down(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    fences = []
    for _ in range(2):
        held = taken(session, ELSEWHERE, seconds=-1)
        fences.append(held.fence)
    lease.release(taken(session, me.name))
    fences.append(taken(session, me.name).fence)
    assert fences == sorted(set(fences))


def test_a_lock_is_freed_by_the_kernel_the_moment_its_process_dies(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from research.store.owners import OwnerLock;"
        "print(OwnerLock.create(Path(sys.argv[1])).name, flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert owners.is_dead(name, tmp_path) is False
        os.kill(child.pid, signal.SIGSTOP)
        assert owners.is_dead(name, tmp_path) is False  # a stopped owner is not dead
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert owners.is_dead(name, tmp_path) is True
        assert owners.sweep(tmp_path) == [name.partition("/")[2]]
    finally:
        child.kill()
        child.communicate()
    assert owners.is_dead("other-host/abc", tmp_path) is None


def test_owed_lists_what_nobody_living_holds(owner: User, me: OwnerLock, run_dir: Path) -> None:
    waiting, mine, dead, ended = (ask(owner) for _ in range(4))
    taken(mine, me.name)
    with OwnerLock.create(run_dir) as gone:
        taken(dead, gone.name)
    taken(ended, ELSEWHERE, seconds=-1)
    assert {each.session_id for each in lease.owed(run_dir)} == {waiting.pk, dead.pk, ended.pk}


def test_b18_the_heartbeat_renews_and_tells_of_a_lost_lease(owner: User, me: OwnerLock) -> None:
    session = ask(owner)
    held = taken(session, me.name, seconds=0.4)
    heard: list[str] = []
    with heartbeat.Heartbeat(me.name, 0.4) as beats:
        beats.watch(session.pk, held.fence, heard.append)
        time.sleep(1.0)
        assert lease.owed(conf().run_dir) == []
        Session.objects.filter(pk=session.pk).update(fence=held.fence + 1, lease_owner=ELSEWHERE)
        _wait_for(lambda: heartbeat.LOST in heard)


def _wait_for(fact: Callable[[], bool]) -> None:
    for _ in range(200):
        if fact():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")


def test_an_unknown_session_is_nobodys(me: OwnerLock) -> None:
    assert lease.acquire(uuid.uuid4(), owner=me.name, run_dir=conf().run_dir, seconds=1) is None


def test_i2_the_lease_of_a_run_that_broke_down_is_not_renewed(owner: User, me: OwnerLock) -> None:
    kept, broken = ask(owner), ask(owner)
    held = [taken(session, me.name, seconds=0.4) for session in (kept, broken)]
    with heartbeat.Heartbeat(me.name, 0.4) as beats:
        for each in held:
            beats.watch(each.session_id, each.fence, lambda news: None)
        beats.forget(broken.pk)
        _wait_for(lambda: [each.session_id for each in lease.owed(conf().run_dir)] == [broken.pk])
