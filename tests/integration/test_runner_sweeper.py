"""Wake-ups and tidying over a real database."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from research import tasks
from research.models import IdempotencyRecord, LoginLink, Session, SessionStatus
from research.runner import sweeper
from research.runner.slots import take_slot

if TYPE_CHECKING:
    from django.contrib.auth.models import User

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "BEGIN IMMEDIATE")


@pytest.fixture
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.PROWZI = {**settings.PROWZI, "workers": 1}
    settings.CHECKPOINT_STORAGE = f"file://{tmp_path}/checkpoints"
    (tmp_path / "run").mkdir()
    return tmp_path


def _session(owner: User, **values: Any) -> Session:
    return Session.objects.create(owner=owner, prompt="Why?", created_at=timezone.now(), **values)


def _rows() -> int:
    return int(OrmQ.objects.count())


def test_an_owed_session_gets_one_wake_up_however_often_the_sweeper_looks(
    owner: User, data_dir: Path
) -> None:
    for _ in range(3):
        _session(owner)
    for _ in range(5):
        sweeper.wake_owed()
    assert _rows() == 1


@pytest.mark.parametrize(
    "values",
    [
        {"status": SessionStatus.COMPLETED},
        {"status": SessionStatus.PAUSED, "reason": "person"},
        {"status": SessionStatus.RETRYING, "retry_at": 4e9},  # not yet
        {"status": SessionStatus.RUNNING, "lease_owner": "elsewhere/1", "lease_until": 4e9},  # somebody's
    ],
)
def test_what_is_not_owed_wakes_nobody(owner: User, data_dir: Path, values: dict[str, Any]) -> None:
    _session(owner, **values)
    with CaptureQueriesContext(connection) as queries:
        sweeper.wake_owed()
    assert _rows() == 0
    assert not [each["sql"] for each in queries if each["sql"].startswith(WRITES)]


def test_a_living_loop_is_rung_for_instead_of_filling_the_queue(
    owner: User, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr("telemetry.wakes.ring", rung.append)
    session = _session(owner)
    slot = take_slot(data_dir / "run", 1)
    assert slot is not None
    with slot:
        sweeper.wake_owed()
    assert rung == [str(session.pk)]
    assert _rows() == 0


def test_a_session_that_lacked_space_goes_on_when_there_is_some(owner: User, data_dir: Path) -> None:
    full = _session(owner, status=SessionStatus.PAUSED, reason="storage_full")
    by_person = _session(owner, status=SessionStatus.PAUSED, reason="person")
    sweeper.resume_paused()
    full.refresh_from_db()
    by_person.refresh_from_db()
    assert (full.status, full.reason) == (SessionStatus.QUEUED, "")
    assert by_person.status == SessionStatus.PAUSED


def test_a_session_that_lacks_space_stays_paused_while_nothing_can_be_written(
    owner: User, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = _session(owner, status=SessionStatus.PAUSED, reason="storage_full")
    (data_dir / "run").rmdir()
    sweeper.resume_paused()
    full.refresh_from_db()
    assert full.status == SessionStatus.PAUSED


def test_records_older_than_a_day_are_deleted_and_younger_ones_kept(owner: User, data_dir: Path) -> None:
    for name, hours in [("old", 25), ("young", 23)]:
        at = timezone.now() - timedelta(hours=hours)
        IdempotencyRecord.objects.create(owner=owner, key=name, operation="o", body_digest="d", created_at=at)
        LoginLink.objects.create(digest=name, user=owner, expires_at=at)
    sweeper.delete_old_records()
    assert list(IdempotencyRecord.objects.values_list("key", flat=True)) == ["young"]
    assert list(LoginLink.objects.values_list("digest", flat=True)) == ["young"]


def test_a_temporary_blob_is_swept_only_when_its_writer_must_be_dead(data_dir: Path) -> None:
    folder = data_dir / "checkpoints" / "a"
    folder.mkdir(parents=True)
    for name, age in [(".tmp-old", 3700), (".tmp-young", 10), ("old.ckpt", 3700)]:
        (folder / name).write_text("")
        os.utime(folder / name, (time.time() - age,) * 2)
    sweeper.delete_old_temporaries()
    assert sorted(path.name for path in folder.iterdir()) == [".tmp-young", "old.ckpt"]


def test_a_chore_that_fails_stops_no_other_and_is_tried_again() -> None:
    done: list[str] = []

    def fail() -> None:
        done.append("fail")
        raise OperationalError("gone")

    todo = [sweeper.Chore(fail, 0.2), sweeper.Chore(lambda: done.append("other"), 0.2)]
    sweeper.do_due(todo, 10.0)
    sweeper.do_due(todo, 10.1)
    sweeper.do_due(todo, 11.5)
    assert done == ["fail", "other", "fail", "other"]


def test_b17_a_wake_up_for_nothing_owed_writes_nothing_and_takes_no_slot(owner: User, data_dir: Path) -> None:
    session = _session(owner, status=SessionStatus.COMPLETED)
    with CaptureQueriesContext(connection) as queries:
        tasks.look(str(session.pk))
    assert not [each["sql"] for each in queries if each["sql"].startswith(WRITES)]
    assert not (data_dir / "run" / "loops").exists()


def test_b17_of_fifty_duplicate_wake_ups_one_works(
    owner: User, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, worked = _session(owner), []

    def work(slot: object) -> None:
        worked.append(session.pk)
        for _ in range(49):
            tasks.look(str(session.pk))  # they arrive while the loop lives
        Session.objects.update(status=SessionStatus.COMPLETED)

    monkeypatch.setattr(tasks, "_work", work)
    tasks.look(str(session.pk))
    assert worked == [session.pk]


class _Run:
    """Stands for the worker: finishes what it is given."""

    def __init__(self) -> None:
        self.ran: list[uuid.UUID] = []

    async def run_session(self, session_id: uuid.UUID) -> Any:
        from asgiref.sync import sync_to_async

        from research.orchestrator import Outcome

        self.ran.append(session_id)
        await sync_to_async(Session.objects.filter(pk=session_id).update)(status=SessionStatus.COMPLETED)
        return Outcome("completed")


@pytest.mark.django_db(transaction=True)
def test_one_wake_up_is_enough_for_everything_that_is_owed(
    owner: User, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = _Run()

    @contextmanager
    def open_worker() -> Iterator[_Run]:
        yield worker

    monkeypatch.setattr(tasks, "open_worker", open_worker)
    monkeypatch.setattr("research.runner.loop.LINGER_SECONDS", 0.0)
    sessions = {_session(owner).pk for _ in range(5)}
    tasks.look(str(next(iter(sessions))))
    assert set(worker.ran) == sessions
    assert len(worker.ran) == 5
    assert not list((data_dir / "run" / "doorbells").iterdir())
