"""How often somebody may knock. Counted in this process, in fixed windows; the headers tell what is left.

One web process serves the embedded default. Many of them count each for itself, so the limit then is per
process: it protects a machine, it is not a price list.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from research.errors import RateLimited

_MOST_COUNTERS = 20_000  # above it all begin anew: memory stays bounded, nobody is locked out


@dataclass(frozen=True)
class Policy:
    name: str
    quota: int
    seconds: int  # length of the window

    def header(self) -> str:
        return f'"{self.name}";q={self.quota};w={self.seconds}'


READ = Policy("read", 1200, 60)
WRITE = Policy("write", 240, 60)
DOOR = Policy("door", 30, 60)  # failed keys and sign-ins from one address


@dataclass(frozen=True)
class Standing:
    """What is left of a policy for one person."""

    policy: Policy
    left: int  # below 0 = over
    resets_in: int  # seconds

    def header(self) -> str:
        return f'"{self.policy.name}";r={max(0, self.left)};t={self.resets_in}'

    def enforce(self) -> None:
        """RateLimited when the quota is used up."""
        if self.left < 0:
            raise RateLimited(
                f"More than {self.policy.quota} requests in {self.policy.seconds} seconds. Wait a little.",
                retry_after=self.resets_in,
            )


class Limiter:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}  # (policy, who) -> (window, count)

    def count(self, policy: Policy, who: str) -> Standing:
        """One more of this window; the caller refuses when the standing is over."""
        now = self._clock()
        window = int(now // policy.seconds)
        with self._lock:
            if len(self._counts) >= _MOST_COUNTERS:
                self._counts.clear()
            seen, count = self._counts.get((policy.name, who), (window, 0))
            count = count + 1 if seen == window else 1
            self._counts[policy.name, who] = (window, count)
        return Standing(policy, policy.quota - count, math.ceil((window + 1) * policy.seconds - now))

    def forget(self) -> None:
        with self._lock:
            self._counts.clear()


LIMITER = Limiter()
