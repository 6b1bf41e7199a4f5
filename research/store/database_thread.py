"""One thread that does all of a process's writing, several sessions' transactions in one commit.

SQLite has one writer, and a durable commit waits for the disk. What waits in line together is committed
together: each piece of work in a savepoint of its own, so that one that fails takes nobody along. Alone in
line, a piece is its own transaction.
"""

from __future__ import annotations

import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import InterfaceError, OperationalError, connection, connections, transaction

MOST_TOGETHER = 32  # pieces in one commit
PATIENCE_SECONDS = 0.25  # for a turn
LOOK_SECONDS = 0.0003
_Outcome = tuple[Any, BaseException | None]


@dataclass
class _Piece:
    work: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future)


class DatabaseThread:
    """Use as a context manager; `submit` from any thread."""

    def __init__(self, turnstile: Path | None = None) -> None:
        """`turnstile`: a file whose lock the writers of this machine take in turn.

        SQLite lets a second writer sleep for milliseconds and ask again; this asks sooner, and what came into
        line meanwhile goes into the same commit.
        """
        self._turnstile = turnstile
        self._is_stale = threading.Event()  # the connection is to be opened anew
        self._pieces: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="database", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After everything in line is done; idempotent."""
        if self._thread.is_alive():
            self._pieces.put(None)
            self._thread.join()

    def reconnect(self) -> None:
        """Between two transactions, never within one: the next piece finds a new connection."""
        self._is_stale.set()

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        piece = _Piece(work)
        self._pieces.put(piece)
        return piece.done

    def _serve(self) -> None:
        with _opened(self._turnstile) as turnstile:
            more = True
            while more and (first := self._pieces.get()) is not None:
                if self._is_stale.is_set():
                    self._is_stale.clear()
                    connections.close_all()
                with _turn(turnstile):
                    pieces, more = self._with_what_waits(first)
                    outcomes = self._do(pieces)
                for piece, outcome in zip(pieces, outcomes, strict=True):
                    _settle(piece, outcome)
        connections.close_all()

    def _with_what_waits(self, first: _Piece) -> tuple[list[_Piece], bool]:
        """The pieces that stand in line now; False when they are the last ones."""
        pieces = [first]
        while len(pieces) < MOST_TOGETHER and not self._pieces.empty():
            piece = self._pieces.get()
            if piece is None:
                return pieces, False
            pieces.append(piece)
        return pieces, True

    def _do(self, pieces: list[_Piece]) -> list[_Outcome]:
        return [_outcome(pieces[0].work)] if len(pieces) == 1 else self._together(pieces)

    def _together(self, pieces: list[_Piece]) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        try:
            with transaction.atomic():
                outcomes.extend(_outcome_in_savepoint(piece.work) for piece in pieces)
        except (OperationalError, InterfaceError) as error:
            connection.close()
            outcomes = [(None, error)] * len(pieces)
        return outcomes


@contextmanager
def _opened(path: Path | None) -> Iterator[int | None]:
    if path is None:
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _turn(turnstile: int | None) -> Iterator[None]:
    """Only order, not safety: a writer that does not wait is held off by the database itself.

    So nobody waits long: a process that was stopped in its turn (B16) must not stop the others.
    """
    has_turn = turnstile is not None and _wait_for_turn(turnstile)
    try:
        yield
    finally:
        if turnstile is not None and has_turn:
            fcntl.flock(turnstile, fcntl.LOCK_UN)


def _wait_for_turn(turnstile: int) -> bool:
    for _ in range(int(PATIENCE_SECONDS / LOOK_SECONDS)):
        try:
            fcntl.flock(turnstile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK_SECONDS)
        else:
            return True
    return False


def _outcome(work: Callable[[], Any]) -> _Outcome:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001  carried to whoever waits, as an executor does
        return None, error


def _outcome_in_savepoint(work: Callable[[], Any]) -> _Outcome:
    try:
        with transaction.atomic():
            return work(), None
    except (OperationalError, InterfaceError):
        raise  # the database is away: nobody's work is in
    except Exception as error:  # noqa: BLE001  undone in its savepoint, carried to whoever waits
        return None, error


def _settle(piece: _Piece, outcome: _Outcome) -> None:
    result, error = outcome
    if error is None:
        piece.done.set_result(result)
    else:
        piece.done.set_exception(error)
