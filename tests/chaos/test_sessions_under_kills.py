"""Sessions under kills, drains and poison, in real processes; the orchestrator is a sleeper."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.stack import Stack, migrate, wait_until

pytestmark = pytest.mark.slow

Row = tuple[str, str, int, str]  # status, reason, deaths, lease_owner


class Sessions:
    """The rows as a person with sqlite3 sees them."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "prowzi.sqlite3"

    def run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self.path, timeout=20)
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def owe(self, prompt: str, *, user: int = 1) -> str:
        key = uuid.uuid4().hex
        self.run(
            "INSERT INTO research_stagerun (session_id, stage, status, attempt, errors, details, error)"
            " VALUES (?, 'intent', 'queued', 0, 0, '{}', '')",
            [key],
        )
        self.run(
            "INSERT INTO research_session (id, owner_id, prompt, options, status, reason, error, created_at,"
            " lease_owner, lease_until, fence, deaths, retry_at, wish, checkpoint_sequence, commit_token,"
            " cost_microusd, in_doubt_microusd, citations) VALUES"
            " (?, ?, ?, '{}', 'queued', '', '', datetime('now'), '', 0, 0, 0, 0, '', 0, '', 0, 0, '{}')",
            [key, user, prompt],
        )
        return key

    def of(self, key: str) -> Row:
        (row,) = self.run(
            "SELECT status, reason, deaths, lease_owner FROM research_session WHERE id = ?", [key]
        )
        return row  # type: ignore[return-value]

    def count(self, status: str) -> int:
        ((number,),) = self.run("SELECT count(*) FROM research_session WHERE status = ?", [status])
        return int(str(number))

    def add_person(self) -> None:
        self.run(
            "INSERT INTO auth_user (id, username, password, is_superuser, is_staff, is_active, first_name,"
            " last_name, email, date_joined) VALUES (1, 'admin', '!', 1, 1, 1, '', '', '', datetime('now'))"
        )


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    data_dir = tmp_path / "data"
    migrate(data_dir)
    Sessions(data_dir).add_person()
    with Stack(data_dir, settings={"DJANGO_SETTINGS_MODULE": "tests.chaos.sleeping_settings"}) as started:
        started.wait_for_full_house()
        yield started


@pytest.fixture
def sessions(stack: Stack) -> Sessions:
    return Sessions(stack.data_dir)


def test_sessions_that_nobody_was_told_of_start_and_complete_together(
    stack: Stack, sessions: Sessions
) -> None:
    keys = [sessions.owe("sleep 1") for _ in range(20)]
    seconds = wait_until(lambda: sessions.count("completed") == len(keys), 15)
    assert seconds < 10  # one after the other would take 20


def test_b46_a_drain_hands_every_session_over_without_a_death(stack: Stack, sessions: Sessions) -> None:
    keys = [sessions.owe("sleep 3") for _ in range(4)]
    wait_until(lambda: sessions.count("running") == 4, 5)
    assert stack.stop() < 8
    assert [sessions.of(key)[2:] for key in keys] == [(0, "")] * 4
    with Stack(stack.data_dir, settings=stack.settings):
        wait_until(lambda: sessions.count("completed") == 4, 20)
    assert [sessions.of(key)[2] for key in keys] == [0] * 4


def test_b15_a_killed_busy_worker_is_taken_over_by_the_living(stack: Stack, sessions: Sessions) -> None:
    keys = [sessions.owe("sleep 1.5") for _ in range(4)]
    for _ in range(2):
        wait_until(lambda: sessions.count("running") == 4, 10)
        os.kill(_busy_worker(stack), signal.SIGKILL)
        time.sleep(0.3)
    wait_until(lambda: sessions.count("completed") == 4, 20)
    assert max(sessions.of(key)[2] for key in keys) <= 2


def test_b49_a_poison_session_is_parked_and_the_others_complete(stack: Stack, sessions: Sessions) -> None:
    innocent = [sessions.owe("sleep 0.5") for _ in range(3)]
    poison = sessions.owe("poison")
    innocent += [sessions.owe("sleep 0.5") for _ in range(3)]
    wait_until(lambda: sessions.of(poison)[:2] == ("paused", "parked"), 30)
    wait_until(lambda: sessions.count("completed") == len(innocent), 30)
    stack.wait_for_song()


def _busy_worker(stack: Stack) -> int:
    """The process that holds the first loop's slot."""
    for pid in stack.look()["worker"]:
        opened = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
        if any("/run/owners/" in name for name in opened):
            return pid
    raise AssertionError("nobody holds an owner's lock")
