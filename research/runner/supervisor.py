"""Starts the services by fork, restarts what dies or stands still, and ends everything in time.

One thread and no open connection, so that forking is safe; the children share its memory and start in a
moment, because everything slow is already imported here.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from research.runner import process
from research.runner.service import Service

logger = logging.getLogger("prowzi.runner")

TICK_SECONDS = 0.1
LOOK_AT_FAMILIES_SECONDS = 0.3
SUSPICION_SECONDS = 1.5  # for a cluster's next song after one of its processes vanished
SLEPT_SECONDS = 2.0  # between two ticks: this process was stopped or starved itself
ENDINGS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Supervisor:
    def __init__(
        self, services: Sequence[Service], *, drain_seconds: float, on_ready: Callable[[], None]
    ) -> None:
        self._services = services
        self._drain_seconds = drain_seconds
        self._on_ready = on_ready
        self._is_ready = False
        self._is_ending = False
        self._last_tick = 0.0
        self._next_family_look = 0.0

    def run(self) -> None:
        """Until SIGTERM, SIGINT or SIGHUP; then until every process has ended."""
        self.start()
        self._last_tick = time.monotonic()
        try:
            while not self._wait():
                self._tick(time.monotonic())
            self._end()
        finally:
            self._kill_everything()

    def start(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, process.HANDLED)
        process.bind_children()
        process.adopt_orphans()
        for service in self._services:
            service.prepare()
            gc.freeze()  # the children's collector leaves the shared memory alone
            service.start(time.monotonic())

    def _wait(self) -> bool:
        """Sleep for a tick or until a child dies; True when it is time to end."""
        got = signal.sigtimedwait({*ENDINGS, signal.SIGCHLD}, TICK_SECONDS)
        return got is not None and got.si_signo in ENDINGS

    def _tick(self, now: float) -> None:
        has_slept = now - self._last_tick > SLEPT_SECONDS
        self._last_tick = now
        self._reap(now)
        for service in self._services:
            if service.pid and has_slept:
                service.watch.forgive(now)
            service.tick(now)
        if now >= self._next_family_look:
            self._next_family_look = now + LOOK_AT_FAMILIES_SECONDS
            self._look_at_families(now)
        self._announce()

    def _announce(self) -> None:
        lasting = [service for service in self._services if not service.is_once]
        if self._is_ready or not all(service.pid and service.watch.is_healthy for service in lasting):
            return
        self._is_ready = True
        self._on_ready()

    def _reap(self, now: float) -> None:
        """Bury the dead. A service is looked at before its pid is given back, so the group is still its."""
        by_pid = {service.pid: service for service in self._services if service.pid}
        while True:
            try:
                dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if dead is None:
                return
            service = by_pid.pop(dead.si_pid, None)
            if service is not None:
                service.ended(now)
                if not self._is_ending and not service.is_once:
                    _tell_restart(service, dead.si_pid, dead.si_status)
            os.waitpid(dead.si_pid, 0)

    def _look_at_families(self, now: float) -> None:
        """Kill orphans that came to us, and be suspicious where a cluster lost a process."""
        self._kill_strays()
        for service in self._services:
            if service.pid and service.is_cluster:
                family = process.descendants(service.pid)
                if service.family - family:
                    service.watch.expect_within(SUSPICION_SECONDS, now)
                service.family = family

    def _kill_strays(self) -> None:
        known = {service.pid for service in self._services}
        for pid in process.children(os.getpid()):
            if pid not in known:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _end(self) -> None:
        self._is_ending = True
        deadline = time.monotonic() + self._drain_seconds
        for service in self._services:
            service.send(signal.SIGTERM)
        while any(service.pid for service in self._services) and time.monotonic() < deadline:
            signal.sigtimedwait({signal.SIGCHLD}, TICK_SECONDS)
            self._reap(time.monotonic())

    def _kill_everything(self) -> None:
        """Nothing below this process outlives it."""
        for service in self._services:
            service.send_to_group(signal.SIGKILL)
            service.pid = 0
        while True:
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            self._kill_strays()
            time.sleep(0.01)


def _tell_restart(service: Service, pid: int, status: int) -> None:
    logger.warning(
        "A process ended and is started anew.", extra={"service": service.name, "pid": pid, "status": status}
    )
