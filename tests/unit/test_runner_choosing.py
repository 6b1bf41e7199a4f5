from __future__ import annotations

import uuid

from research.runner.choosing import choose
from research.store.lease import Owed


def _owed(user: int, deaths: int = 0, lease_owner: str = "") -> Owed:
    return Owed(uuid.uuid4(), user, deaths, lease_owner)


def test_a_user_with_many_sessions_does_not_keep_another_waiting() -> None:
    crowd, single = [_owed(1) for _ in range(10)], _owed(2)
    assert choose([*crowd, single], running={}, held=0, room=2) == [crowd[0], single]


def test_what_a_user_already_runs_anywhere_counts() -> None:
    busy, idle = _owed(1), _owed(2)
    assert choose([busy, idle], running={1: 3}, held=0, room=1) == [idle]


def test_among_equals_the_oldest_comes_first() -> None:
    oldest, later = _owed(1), _owed(2)
    assert choose([oldest, later], running={1: 1, 2: 1}, held=0, room=1) == [oldest]


def test_it_takes_no_more_than_there_is_room_for() -> None:
    assert len(choose([_owed(1) for _ in range(5)], running={}, held=0, room=3)) == 3


def test_b49_a_suspect_is_taken_alone() -> None:
    innocent, suspect = _owed(1), _owed(2, deaths=2)
    assert choose([innocent, suspect], running={}, held=0, room=16) == [suspect]


def test_b49_a_loop_that_holds_something_takes_no_suspect() -> None:
    innocent, suspect = _owed(1), _owed(2, deaths=2)
    assert choose([suspect, innocent], running={}, held=1, room=15) == [innocent]


def test_b49_a_lease_left_by_a_dead_owner_counts_as_a_death() -> None:
    first_death, second_death = _owed(1, lease_owner="gone"), _owed(1, deaths=1, lease_owner="gone")
    assert choose([first_death, second_death], running={}, held=0, room=16) == [second_death]
    assert choose([first_death], running={}, held=3, room=13) == [first_death]
