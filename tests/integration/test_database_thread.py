"""Several sessions' transactions in one commit: together, yet each for itself."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, connections

from research.errors import LostLease
from research.store.database_thread import DatabaseThread
from research.store.gateway import Gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def thread() -> Iterator[DatabaseThread]:
    started = DatabaseThread()
    started.start()
    yield started
    started.stop()


def _line_up(thread: DatabaseThread, pieces: list[Callable[[], object]]) -> list[object]:
    """Let them stand in line together, then wait for their outcomes."""
    gate, taken = threading.Event(), threading.Event()

    def hold() -> None:
        taken.set()
        gate.wait()

    first = thread.submit(hold)
    taken.wait(10)
    waiting = [thread.submit(piece) for piece in pieces]
    gate.set()
    first.result(10)
    return [future.exception(10) or future.result(10) for future in waiting]


def _make_group(name: str) -> str:
    return Group.objects.create(name=name).name


def _depth() -> int:
    return len(connection.savepoint_ids)


def test_what_stands_in_line_together_is_committed_together(thread: DatabaseThread) -> None:
    depths = _line_up(thread, [_depth, _depth, _depth])
    assert depths == [1, 1, 1]
    assert _line_up(thread, [_depth]) == [0]


def test_one_that_fails_takes_nobody_along(thread: DatabaseThread) -> None:
    def add(name: str) -> Callable[[], object]:
        return lambda: Group.objects.create(name=name).name

    def lose() -> object:
        Group.objects.create(name="lost")
        raise LostLease

    first, error, last = _line_up(thread, [add("a"), lose, add("b")])
    assert (first, last) == ("a", "b")
    assert isinstance(error, LostLease)
    assert set(Group.objects.values_list("name", flat=True)) == {"a", "b"}


def test_when_the_database_is_away_nobody_is_in_and_everybody_knows(thread: DatabaseThread) -> None:
    def away() -> object:
        raise OperationalError("disk I/O error")

    outcomes = _line_up(thread, [lambda: Group.objects.create(name="a"), away])
    assert [type(outcome).__name__ for outcome in outcomes] == ["OperationalError", "OperationalError"]
    assert Group.objects.count() == 0
    assert _line_up(thread, [lambda: Group.objects.create(name="later").name]) == ["later"]


def test_b16_a_writer_that_was_stopped_in_its_turn_stops_nobody(tmp_path: Path) -> None:
    turnstile = tmp_path / "run" / "writer.lock"
    turnstile.parent.mkdir()
    with turnstile.open("w") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        thread = DatabaseThread(turnstile)
        thread.start()
        try:
            assert thread.submit(lambda: Group.objects.create(name="on").name).result(10) == "on"
        finally:
            thread.stop()


def test_writers_take_turns_and_give_them_back(tmp_path: Path) -> None:
    turnstile = tmp_path / "writer.lock"
    threads = [DatabaseThread(turnstile) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        done = [threads[n % 2].submit(partial(_make_group, str(n))) for n in range(20)]
        assert {future.result(10) for future in done} == {str(n) for n in range(20)}
    finally:
        for thread in threads:
            thread.stop()
    with turnstile.open("w") as free:
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_after_a_database_failure_its_threads_open_new_connections(tmp_path: Path) -> None:
    with Gateway("me", tmp_path / "run", 15, tmp_path / "reports", ("intent",)) as gateway:
        used = [_used_connection(gateway)]
        used.append(_used_connection(gateway))
        gateway._note_down(OperationalError("gone"))
        used.append(_used_connection(gateway))
        assert used[0] is used[1]
        assert used[1] is not used[2]


def _used_connection(gateway: Gateway) -> object:
    """The driver's own connection that the writing thread has after a query."""

    def query() -> object:
        Group.objects.count()
        return connections["default"].connection

    return gateway._database.submit(query).result(10)
