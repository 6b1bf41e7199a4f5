from __future__ import annotations

import pytest

from research.runner.watchdog import BackOff, Watch


def test_a_fresh_process_has_time_for_its_first_sign() -> None:
    watch = Watch(5.0, started_at=100.0, grace_seconds=30.0)
    watch.see("", 129.0)
    assert not watch.stands_still(129.0)
    assert not watch.is_healthy
    assert watch.stands_still(130.1)


def test_silence_for_longer_than_the_limit_is_standing_still() -> None:
    watch = Watch(5.0, started_at=0.0)
    watch.see("1", 1.0)
    watch.see("1", 5.9)
    assert watch.is_healthy
    assert not watch.stands_still(5.9)
    assert watch.stands_still(6.1)


def test_a_new_sign_starts_the_count_anew() -> None:
    watch = Watch(5.0, started_at=0.0)
    watch.see("1", 1.0)
    watch.see("2", 4.0)
    assert not watch.stands_still(8.9)


def test_after_a_suspicion_the_next_sign_must_come_sooner() -> None:
    watch = Watch(5.0, started_at=0.0)
    watch.see("1", 1.0)
    watch.expect_within(1.5, 2.0)
    assert watch.stands_still(3.6)
    watch.see("2", 3.6)
    assert not watch.stands_still(8.5)


def test_a_suspicion_never_gives_more_time() -> None:
    watch = Watch(5.0, started_at=0.0)
    watch.see("1", 1.0)
    watch.expect_within(1.5, 5.5)
    assert watch.stands_still(6.1)


def test_a_suspicion_does_not_shorten_a_start() -> None:
    watch = Watch(5.0, started_at=0.0, grace_seconds=30.0)
    watch.expect_within(1.5, 1.0)
    assert not watch.stands_still(29.0)


def test_a_watcher_that_slept_forgives() -> None:
    watch = Watch(5.0, started_at=0.0)
    watch.see("1", 1.0)
    watch.forgive(1000.0)
    assert not watch.stands_still(1004.9)
    assert watch.stands_still(1005.1)


def test_restarts_pause_twice_as_long_each_time_up_to_five_seconds() -> None:
    back_off = BackOff()
    pauses = [back_off.after_death(1.0) for _ in range(7)]
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


def test_after_ten_seconds_of_life_the_pause_is_short_again() -> None:
    back_off = BackOff()
    for _ in range(5):
        back_off.after_death(1.0)
    assert back_off.after_death(10.0) == pytest.approx(0.2)
