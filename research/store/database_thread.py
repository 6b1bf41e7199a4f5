"""One thread that does all of a process's writing, several sessions' transactions in one commit.

SQLite has one writer, and a durable commit waits for the disk. What waits in line together is committed
together: each piece of work in a savepoint of its own, so that one that fails takes nobody along. Alone in
line, a piece is its own transaction.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError, connection, connections, transaction

MOST_TOGETHER = 32  # pieces in one commit


@dataclass
class _Piece:
    work: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future)


class DatabaseThread:
    """Use as a context manager; `submit` from any thread."""

    def __init__(self, name: str = "database") -> None:
        self._pieces: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After everything in line is done; idempotent."""
        if self._thread.is_alive():
            self._pieces.put(None)
            self._thread.join()

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        piece = _Piece(work)
        self._pieces.put(piece)
        return piece.done

    def _serve(self) -> None:
        more = True
        while more:
            pieces, more = self._next()
            if len(pieces) == 1:
                _settle(pieces[0], _outcome(pieces[0].work))
            elif pieces:
                self._together(pieces)
        connections.close_all()

    def _next(self) -> tuple[list[_Piece], bool]:
        """The pieces that stand in line now, at least one; False with the last ones."""
        piece = self._pieces.get()
        pieces: list[_Piece] = []
        while piece is not None:
            pieces.append(piece)
            if len(pieces) == MOST_TOGETHER or self._pieces.empty():
                return pieces, True
            piece = self._pieces.get()
        return pieces, False

    def _together(self, pieces: list[_Piece]) -> None:
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            with transaction.atomic():
                outcomes.extend(_outcome_in_savepoint(piece.work) for piece in pieces)
        except (OperationalError, InterfaceError) as error:
            connection.close()
            outcomes = [(None, error)] * len(pieces)
        for piece, outcome in zip(pieces, outcomes, strict=True):
            _settle(piece, outcome)


def _outcome(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001  carried to whoever waits, as an executor does
        return None, error


def _outcome_in_savepoint(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        with transaction.atomic():
            return work(), None
    except (OperationalError, InterfaceError):
        raise  # the database is away: nobody's work is in
    except Exception as error:  # noqa: BLE001  undone in its savepoint, carried to whoever waits
        return None, error


def _settle(piece: _Piece, outcome: tuple[Any, BaseException | None]) -> None:
    result, error = outcome
    if error is None:
        piece.done.set_result(result)
    else:
        piece.done.set_exception(error)
