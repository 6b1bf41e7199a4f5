"""SQLite's own counter of foreign commits, read 50 times a second: needs nobody to ring.

It tells of every commit to the file, so it cannot say which session; and it hears through any wall that
the database file passes through, where a doorbell may not.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from telemetry.nudges import Place

LOOK_SECONDS = 0.02


def create(place: Place) -> DataVersion:
    if place.sqlite_path is None:
        raise ValueError("The nudge 'data_version' works on SQLite only. Choose another one.")
    return DataVersion(place.sqlite_path)


class DataVersion:
    def __init__(self, path: Path) -> None:
        self.path = path

    def ring(self, session_id: str) -> None:
        """The commit itself was the ring."""

    async def listen(self) -> DataVersionEar:
        # A raw connection of its own: the counter moves only for commits of other connections.
        address = f"{self.path.absolute().as_uri()}?mode=rw"
        return DataVersionEar(sqlite3.connect(address, uri=True, timeout=0))


class DataVersionEar:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._seen = self._look()

    def _look(self) -> int:
        try:
            return int(self._database.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.OperationalError:  # busy for a moment: counts as a change
            return -1

    async def __anext__(self) -> None:
        while (now := self._look()) == self._seen:
            await asyncio.sleep(LOOK_SECONDS)
        self._seen = now

    async def aclose(self) -> None:
        self._database.close()
