"""One process group under the supervisor: how it starts, what shows that it lives, how it ends."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from research.runner.process import fork_group
from research.runner.watchdog import BackOff, Watch

logger = logging.getLogger("prowzi.runner")


@dataclass
class Service:
    name: str
    run: Callable[[], None]  # in the child
    sign_of: Callable[[int, float], str]  # pid, now -> a value that changes while it works
    limit_seconds: float  # silence that means "stands still"
    gentle_seconds: float = 0.0  # between SIGTERM and SIGKILL for one that stands still
    is_cluster: bool = False  # a vanished descendant may have frozen it
    prepare: Callable[[], None] = lambda: None  # in the supervisor before the first start: slow imports
    is_once: bool = False  # a task with an end; it is not started anew, and nothing waits for it
    close: Sequence[int] = ()  # descriptors that are the supervisor's alone

    pid: int = field(default=0, init=False)  # 0 = does not run
    started_at: float = field(default=0.0, init=False)
    start_due: float = field(default=0.0, init=False)
    kill_due: float = field(default=0.0, init=False)  # 0 = not condemned
    restarts: int = field(default=0, init=False)
    back_off: BackOff = field(default_factory=BackOff, init=False)
    watch: Watch = field(init=False)
    family: frozenset[int] = field(default=frozenset(), init=False)  # pids of descendants at the last look

    def start(self, now: float) -> None:
        self.pid = fork_group(self.run, f"prowzi-{self.name}", close=self.close)
        self.started_at = now
        self.kill_due = 0.0
        self.family = frozenset()
        self.watch = Watch(self.limit_seconds, now)

    def tick(self, now: float) -> None:
        """Start it when its pause is over; condemn it when it stands still; kill it when its time is over."""
        if not self.pid:
            if now >= self.start_due and not self.is_once:
                self.start(now)
        elif self.is_once:
            return
        elif self.kill_due:
            if now >= self.kill_due:
                self.send_to_group(signal.SIGKILL)
        else:
            self._look(now)

    def _look(self, now: float) -> None:
        self.watch.see(self.sign_of(self.pid, now), now)
        if self.watch.stands_still(now):
            logger.error(
                "A process stands still and is replaced.", extra={"service": self.name, "pid": self.pid}
            )
            self.kill_due = now + self.gentle_seconds
            self.send(signal.SIGTERM)

    def ended(self, now: float) -> None:
        """It was found dead: take its group along, and plan the next start."""
        self.send_to_group(signal.SIGKILL)
        self.pid = 0
        self.restarts += not self.is_once
        self.start_due = now + self.back_off.after_death(now - self.started_at)

    def send(self, number: signal.Signals) -> None:
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def send_to_group(self, number: signal.Signals) -> None:
        if self.pid:
            with suppress(ProcessLookupError, PermissionError):  # not yet its own group, or gone
                os.killpg(self.pid, number)
        self.send(number)
