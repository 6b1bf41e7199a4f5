"""Places on the commit path where a test may kill, stop or fail this process.

`PROWZI_FAILPOINTS="FP07=kill9@3,FP10=enospc"`: at the third hit of FP07 this process dies by SIGKILL.
Read only with `PROWZI_TESTING=1`; production refuses to start with it (faults.md).
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from dataclasses import dataclass, field


@dataclass
class _Armed:
    action: str
    at: int  # the hit that acts; 0 = every one
    hits: int = 0


@dataclass
class Failpoints:
    armed: dict[str, _Armed] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, spec: str) -> None:
        """Parse `name=action[@n]` pairs. Actions: kill9 stop enospc eio raise."""
        self.armed = {}
        for part in filter(None, (piece.strip() for piece in spec.split(","))):
            name, _, action = part.partition("=")
            action, _, count = action.partition("@")
            self.armed[name] = _Armed(action, int(count or 1))

    def hit(self, name: str) -> None:
        point = self.armed.get(name)
        if point is None:
            return
        with self.lock:
            point.hits += 1
            due = point.at in (0, point.hits)
        if due:
            _act(point.action, name)


def _act(action: str, name: str) -> None:
    if action == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "enospc":
        raise OSError(errno.ENOSPC, f"failpoint {name}")
    elif action == "eio":
        raise OSError(errno.EIO, f"failpoint {name}")
    else:
        raise RuntimeError(f"failpoint {name}")


POINTS = Failpoints()


def armed(name: str) -> bool:
    return name in POINTS.armed


def failpoint(name: str) -> None:
    """Act when a test armed this point; otherwise one dictionary look-up."""
    if POINTS.armed:
        POINTS.hit(name)
