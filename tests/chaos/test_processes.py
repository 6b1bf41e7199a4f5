"""Kill or stop each kind of process: it is replaced, work is taken again, nobody is left behind (B15)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.stack import Stack, migrate, wait_until

pytestmark = pytest.mark.slow

FROZEN_SECONDS = 10.0  # figures.md 2: a cluster frozen by a killed idle worker
ALONE_SECONDS = 5.0  # only the supervisor alive


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("chaos") / "data"
    migrate(data_dir)
    return data_dir


@pytest.fixture(scope="module")
def shared_stack(migrated: Path) -> Iterator[Stack]:
    with Stack(migrated) as started:
        yield started
        started.stop()
        assert started.orphans() == []


@pytest.fixture
def stack(shared_stack: Stack) -> Stack:
    shared_stack.wait_for_full_house()
    return shared_stack


def _kill(pid: int, number: int = signal.SIGKILL) -> None:
    os.kill(pid, number)


def _gone(pids: list[int]) -> bool:
    return not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _holder_of_the_queue(workers: list[int]) -> int:
    """The idle worker that waits on the pipe with the queue's lock; the others wait for the lock."""
    for pid in workers:
        waits_in = Path(f"/proc/{pid}/wchan").read_text()
        if "pipe" in waits_in:
            return pid
    return workers[0]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_b15_the_web_process_is_replaced(stack: Stack, number: int) -> None:
    (web,) = stack.look()["web"]
    _kill(web, number)
    wait_until(lambda: _gone([web]), 12)
    wait_until(stack.is_healthy, 10)


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
def test_b15_a_cluster_without_parent_or_sentinel_ends_and_is_replaced(stack: Stack, kind: str) -> None:
    before = stack.look()
    old = [pid for name in ("cluster", "sentinel", "worker", "monitor", "pusher") for pid in before[name]]
    _kill(before[kind][0])
    wait_until(lambda: _gone(old), 2, "the whole old cluster ends")
    assert stack.wait_for_song(ALONE_SECONDS) < ALONE_SECONDS
    assert before["web"] == stack.look()["web"]


@pytest.mark.parametrize("kind", ["pusher", "monitor", "sweeper"])
def test_b15_a_helper_process_is_replaced(stack: Stack, kind: str) -> None:
    (old,) = stack.look()[kind]
    _kill(old)
    wait_until(lambda: stack.look().get(kind, [old]) != [old], FROZEN_SECONDS)
    stack.wait_for_song(FROZEN_SECONDS)


def test_b15_a_cluster_frozen_by_a_killed_idle_worker_is_found_and_replaced(stack: Stack) -> None:
    for _ in range(3):
        kinds = stack.wait_for_full_house()
        _kill(_holder_of_the_queue(kinds["worker"]))
        assert stack.wait_for_song(FROZEN_SECONDS) < FROZEN_SECONDS


@pytest.mark.parametrize("kind", ["cluster", "sentinel", "pusher"])
def test_a_stopped_process_of_the_cluster_is_found(stack: Stack, kind: str) -> None:
    pids = stack.look()[kind]
    _kill(pids[0], signal.SIGSTOP)
    if kind == "pusher":
        wait_until(lambda: _gone(pids), FROZEN_SECONDS)
        stack.wait_for_song(FROZEN_SECONDS)
    else:
        stack.wait_for_song(2)  # a stopped guard stops no work
        _kill(pids[0], signal.SIGCONT)


def test_b47_a_sigterm_to_the_clusters_whole_group_leaves_nobody_and_work_goes_on(stack: Stack) -> None:
    before = stack.look()
    os.killpg(before["cluster"][0], signal.SIGTERM)
    wait_until(lambda: _gone([*before["cluster"], *before["sentinel"], *before["worker"]]), 10)
    stack.wait_for_song(10)


def test_when_the_supervisor_is_killed_nobody_is_left(migrated: Path, tmp_path: Path) -> None:
    with _copy(migrated, tmp_path) as stack:
        stack.wait_for_full_house()
        stack.look()
        stack.process.kill()
        stack.process.communicate()
        wait_until(lambda: stack.orphans() == [], 2)
        assert len(stack.seen) >= 9
    with Stack(stack.data_dir) as again:  # the data folder is free
        again.wait_for_full_house()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_signal_to_end_ends_all_in_ten_seconds_though_one_is_stopped(
    migrated: Path, tmp_path: Path, number: int
) -> None:
    with _copy(migrated, tmp_path) as stack:
        kinds = stack.wait_for_full_house()
        _kill(kinds["sentinel"][0], signal.SIGSTOP)
        assert stack.stop(number) < 10
        assert stack.orphans() == []


def test_a_worker_of_its_own_sings_and_ends(migrated: Path, tmp_path: Path) -> None:
    with _copy(migrated, tmp_path, command="worker", PROWZI_DRAIN_SECONDS="5") as stack:
        stack.wait_for_song()
        assert "web" not in stack.look()
        assert stack.stop() < 6
        assert stack.orphans() == []


def _copy(migrated: Path, folder: Path, command: str = "up", **settings: str) -> Stack:
    data_dir = folder / "data"
    data_dir.mkdir()
    (data_dir / "prowzi.sqlite3").write_bytes((migrated / "prowzi.sqlite3").read_bytes())
    return Stack(data_dir, command, settings)
