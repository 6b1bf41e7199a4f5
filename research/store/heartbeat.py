"""Renews this process's leases from a thread with a connection of its own, so a busy loop loses none.

It also brings news: a session that is no longer ours, or a person's wish to pause it.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from types import TracebackType

from django.db import DatabaseError, connection

from research.failpoints import failpoint
from research.store import lease
from telemetry.wakes import ring

logger = logging.getLogger("prowzi.lease")

LOST = "lost"
PAUSE = "pause"
Listener = Callable[[str], None]  # called from the heartbeat's thread with LOST or PAUSE


class Heartbeat:
    def __init__(self, owner: str, seconds: float) -> None:
        self._owner = owner
        self._seconds = seconds  # how long a renewed lease lasts
        self._watched: dict[uuid.UUID, tuple[int, Listener]] = {}  # session -> fence, whom to tell
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)

    def watch(self, session_id: uuid.UUID, fence: int, listener: Listener) -> None:
        with self._lock:
            self._watched[session_id] = (fence, listener)

    def mute(self, session_id: uuid.UUID) -> None:
        """Go on renewing, but tell nobody: the run is about to give the lease back itself."""
        with self._lock:
            if session_id in self._watched:
                self._watched[session_id] = (self._watched[session_id][0], lambda news: None)

    def forget(self, session_id: uuid.UUID) -> None:
        with self._lock:
            self._watched.pop(session_id, None)

    def look_now(self) -> None:
        """Beat at once: something was said about a session (a nudge)."""
        self._wake.set()

    def _beat_on(self) -> None:
        pause = min(1.0, self._seconds / 4)
        while not self._stopping:
            self._wake.wait(pause)
            self._wake.clear()
            failpoint("HEARTBEAT")
            try:
                self._beat()
            except DatabaseError as error:  # the next beat tries again; leases may end meanwhile
                logger.warning("heartbeat missed", extra={"code": "database_down", "error": str(error)})
                connection.close()
        connection.close()

    def _beat(self) -> None:
        with self._lock:
            watched = dict(self._watched)
        if not watched:
            return
        renewed = lease.renew(self._owner, self._seconds, list(watched))
        kept = {key: (fence, wish) for key, fence, wish in renewed}
        for key, (fence, listener) in watched.items():
            held_fence, wish = kept.get(key, (-1, ""))
            if held_fence != fence:
                listener(LOST)
            elif wish == PAUSE:
                listener(PAUSE)


def tell(session_id: uuid.UUID) -> None:
    """Nudge whoever works on a session or watches it. After the commit; may be lost."""
    ring(str(session_id))
