"""How a cluster tells its session loops to stop: a pipe whose write end only the parent holds.

End of file means "take nothing new, give back what you hold". It comes when the parent closes its end and
also when the parent is killed, so no loop goes on without one.
"""

from __future__ import annotations

import os
import select
from dataclasses import dataclass
from functools import cache


@dataclass
class DrainPipe:
    reader: int
    writer: int  # -1 in children and once the drain has begun

    def begin(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    @property
    def has_begun(self) -> bool:
        return bool(select.select([self.reader], [], [], 0)[0])


_pipe: DrainPipe | None = None


def open_pipe() -> DrainPipe:
    """Call in the cluster's parent before it forks."""
    global _pipe
    _pipe = DrainPipe(*os.pipe())
    _close_in_children()
    return _pipe


def current() -> DrainPipe | None:
    """This process's pipe; None outside of a cluster (one process of its own, tests)."""
    return _pipe


@cache
def _close_in_children() -> None:
    os.register_at_fork(after_in_child=_forget_writer)


def _forget_writer() -> None:
    if _pipe is not None:
        _pipe.begin()
