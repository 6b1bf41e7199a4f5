"""At most so many session loops on one machine: each holds one lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


@dataclass
class Slot:
    number: int
    descriptor: int

    def close(self) -> None:
        os.close(self.descriptor)

    def __enter__(self) -> Slot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(run_dir: Path, number: int) -> int:
    folder = run_dir / "loops"
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def take_slot(run_dir: Path, count: int) -> Slot | None:
    """A free slot, held until it is closed or this process dies; None when `count` loops live."""
    for number in range(count):
        descriptor = _open(run_dir, number)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return Slot(number, descriptor)
    return None


def has_free_slot(run_dir: Path, count: int) -> bool:
    """Only a look: it may disturb a `take_slot` of the same instant, which the next wake-up repeats."""
    for number in range(count):
        descriptor = _open(run_dir, number)
        try:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
        finally:
            os.close(descriptor)
    return False
