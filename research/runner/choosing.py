"""Which owed sessions a loop takes next: fairly between users, and suspects alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from research.store.lease import Owed

SUSPECT_DEATHS = 2  # one more parks the session, so nothing innocent may share its process


def is_suspect(session: Owed) -> bool:
    """Its worker died twice; a lease that a dead owner left behind counts as one more."""
    return session.deaths + bool(session.lease_owner) >= SUSPECT_DEATHS


def choose(owed: Sequence[Owed], *, running: Mapping[int, int], held: int, room: int) -> list[Owed]:
    """From `owed` (oldest first): fewest running of that user first, then the oldest.

    A suspect is taken only by a loop that holds nothing, and then nothing else is.
    """
    suspects = [session for session in owed if is_suspect(session)]
    if suspects and held == 0:
        return suspects[:1]
    waiting = [session for session in owed if not is_suspect(session)]
    load = Counter(running)
    chosen: list[Owed] = []
    while waiting and len(chosen) < room:
        following = min(
            waiting, key=lambda session: load[session.user_id]
        )  # the first of equals is the oldest
        waiting.remove(following)
        load[following.user_id] += 1
        chosen.append(following)
    return chosen
