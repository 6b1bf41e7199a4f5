"""Whether anybody wrote to the database since the last question, for a hundredth of a query's price.

SQLite counts foreign commits; on another database the answer is always yes.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

ANYWAY_SECONDS = 1.0  # the file may have been replaced under our connection


class News:
    def __init__(self, sqlite_path: Path | None) -> None:
        self._path = sqlite_path
        self._counter: sqlite3.Connection | None = None
        self._seen = -1
        self._look_at = 0.0

    def __call__(self) -> bool:
        """Ask before you look: what is written while you look counts as news the next time."""
        if self._path is None:
            return True
        now, count = time.monotonic(), self._count(self._path)
        if count == self._seen and now < self._look_at:
            return False
        self._seen, self._look_at = count, now + ANYWAY_SECONDS
        return True

    def close(self) -> None:
        if self._counter is not None:
            self._counter.close()
            self._counter = None

    def _count(self, path: Path) -> int:
        try:
            if self._counter is None:
                # A connection of its own: the counter moves only for commits of others.
                self._counter = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0)
            return int(self._counter.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.OperationalError:  # busy or away: let the caller look
            return -1 - self._seen
