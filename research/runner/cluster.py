"""django-q2's cluster with what it lacks: bound to its parent, drained by a pipe, singing, with a hard end.

Measured on django-q2 1.11: kill its parent and the children keep taking work; kill an idle worker and the
queue's lock is never freed; a stop waits for workers without limit.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, connections
from django_q.cluster import Cluster, Sentinel, get_mp_context, worker
from django_q.conf import Conf

from research.queue import CANARY, WakeBroker, package
from research.runner import canary, drain, process
from research.runner.news import News
from telemetry.wakes import place_of_settings

logger = logging.getLogger("prowzi.runner")

_DATABASE_PAUSE = 1.0  # seconds between two looks at a database that is down
_ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class CanaryBroker(WakeBroker):
    """The queue of wake-ups, with a canary in between."""

    def __init__(self, *args: Any, cluster_pid: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cluster_pid = cluster_pid
        self._number = time.monotonic_ns()
        self._next_song = 0.0
        self._has_news = News(place_of_settings().sqlite_path)

    def dequeue(self) -> list[tuple[int, str]] | None:
        now = time.monotonic()
        if now >= self._next_song:
            self._next_song = now + canary.SECONDS
            self._number += 1
            return [(0, self._song())]
        if not self._has_news():
            time.sleep(Conf.POLL)
            return None
        try:
            return super().dequeue()
        except DatabaseError as error:  # the cluster is well: let it sing on while the database is down
            logger.warning("The queue cannot be read.", extra={"code": "database_down", "error": str(error)})
            connection.close()
            time.sleep(_DATABASE_PAUSE)
            return None

    def _song(self) -> str:
        song = canary.nonce(self.cluster_pid, self._number)
        return package(json.dumps({"task": CANARY, "argument": song})) or ""


class BoundSentinel(Sentinel):  # type: ignore[misc]  # django-q2 has no types
    """Names its processes, and leaves none behind when it breaks."""

    def spawn_process(self, target: Callable[..., None], *args: Any) -> BaseProcess:
        child: BaseProcess = get_mp_context().Process(
            target=_run_named, args=(target, *args), name=f"Process-{uuid.uuid4().hex}", daemon=True
        )
        if target is worker:
            child.timer = args[2]  # type: ignore[attr-defined]  # the guard reads it there
            self.pool.append(child)
        child.start()
        return child


def _run_named(target: Callable[..., None], *args: Any) -> None:
    process.name_process(f"prowzi-{target.__name__}")
    target(*args)


def _guard_cluster(*args: Any) -> None:
    process.name_process("prowzi-sentinel")
    # A SIGTERM to the whole group must not kill what is at work; the pipe drains it (B47).
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    sentinel = BoundSentinel(*args, start=False)
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    try:
        sentinel.start()
    finally:
        for child in multiprocessing.active_children():
            child.kill()  # its own way out would send the SIGTERM that they ignore, and wait


class BoundCluster(Cluster):  # type: ignore[misc]
    """The parent: starts the sentinel and waits for a signal or the sentinel's end."""

    def start(self) -> int:
        self.stop_event = multiprocessing.Event()
        self.start_event = multiprocessing.Event()
        self.sentinel = get_mp_context().Process(
            target=_guard_cluster,
            name=f"Process-{uuid.uuid4().hex}",
            args=(self.stop_event, self.start_event, self.cluster_id, self.broker, Conf.TIMEOUT),
        )
        self.sentinel.start()
        return int(self.pid)

    def wait(self) -> None:
        """Until a signal to end, or the sentinel's death."""
        while self.sentinel.is_alive():
            got = signal.sigtimedwait({*_ENDING, signal.SIGCHLD}, 1.0)
            if got is not None and got.si_signo != signal.SIGCHLD:
                return

    def end(self, within_seconds: float) -> None:
        """Let django-q2 stop in its own order; after the time is over, kill what is left."""
        # In a thread: setting the event waits for a sentinel that may be dead or stopped to wake up.
        threading.Thread(target=self.stop_event.set, daemon=True).start()
        self.sentinel.join(within_seconds)
        for pid in process.descendants(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def run_cluster(run_dir: Path, drain_seconds: float) -> None:
    """One cluster, to its end. Exits with status 1 when it broke by itself."""
    process.name_process("prowzi-cluster")
    canary.forget(run_dir, os.getpid())
    signal.pthread_sigmask(signal.SIG_BLOCK, process.HANDLED)
    # Python 3.14 starts children another way by default; ours must inherit pipe, locks and hooks.
    multiprocessing.set_start_method("fork", force=True)
    pipe = drain.open_pipe()
    process.bind_children()
    connections.close_all()
    cluster = BoundCluster(CanaryBroker(cluster_pid=os.getpid()))
    signal.pthread_sigmask(signal.SIG_BLOCK, process.HANDLED)
    cluster.start()
    try:
        cluster.wait()
        has_broken = not cluster.sentinel.is_alive()
        pipe.begin()
        cluster.end(drain_seconds)
    finally:
        canary.forget(run_dir, os.getpid())
    if has_broken:
        raise SystemExit(1)
