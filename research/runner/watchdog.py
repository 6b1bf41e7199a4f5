"""Who stands still: pure judgement over signs of life and a monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass, field

GRACE_SECONDS = 30.0  # for the first sign of life of a fresh process


@dataclass
class Watch:
    """One process's signs of life. `sign` is any value that changes while the process works."""

    limit_seconds: float  # silence that means "stands still"
    started_at: float
    grace_seconds: float = GRACE_SECONDS
    sign: str = ""
    deadline: float = field(init=False)
    is_healthy: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.deadline = self.started_at + self.grace_seconds

    def see(self, sign: str, now: float) -> None:
        if sign != self.sign:
            self.sign = sign
            self.is_healthy = True
            self.deadline = now + self.limit_seconds

    def expect_within(self, seconds: float, now: float) -> None:
        """Something suspicious happened: the next sign of life must come sooner."""
        if self.is_healthy:
            self.deadline = min(self.deadline, now + seconds)

    def forgive(self, now: float) -> None:
        """The watcher itself slept: silence until now says nothing."""
        self.deadline = max(self.deadline, now + self.limit_seconds)

    def stands_still(self, now: float) -> bool:
        return now > self.deadline


@dataclass
class BackOff:
    """Pauses between restarts: doubling, and short again after a process has lived for a while."""

    first: float = 0.2
    most: float = 5.0
    good_life: float = 10.0
    pause: float = field(default=0.0, init=False)

    def after_death(self, lived_seconds: float) -> float:
        """Seconds to wait before the next start."""
        if lived_seconds >= self.good_life:
            self.pause = 0.0
        self.pause = min(self.most, self.pause * 2 or self.first)
        return self.pause
