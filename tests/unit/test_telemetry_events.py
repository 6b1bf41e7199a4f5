from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.events import (
    DETAILS_LIMIT,
    ERROR_LIMIT,
    Event,
    Head,
    NewEvent,
    SessionEvent,
    StageEvent,
    canonical_json,
    chain_hash,
    genesis_hash,
    plain,
    seal,
    session_key,
    verify_chain,
)

SESSION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NOW = datetime(2026, 5, 4, 3, 2, 1, 99, tzinfo=UTC)


def sealed(events: Sequence[NewEvent], session_id: str = SESSION) -> list[Event]:
    return [event for event, _ in seal(Head.genesis(session_id), events, NOW)]


def one(**fields: Any) -> Event:
    return sealed([NewEvent(**{"stage": "search", "status": "progress", **fields})])[0]


def course(length: int = 6) -> list[Event]:
    return sealed([NewEvent("search", "progress", 1, 0.5, {"number": n}) for n in range(length)])


def test_an_event_has_the_contracts_shape_and_order() -> None:
    event = one(attempt=2, duration_seconds=1.25, details={"sources": 48}, error="no answer")
    assert list(event.as_json().items()) == [
        ("seq", 1),
        ("session_id", SESSION),
        ("stage", "search"),
        ("status", "progress"),
        ("attempt", 2),
        ("duration_seconds", 1.25),
        ("details", {"sources": 48}),
        ("error", "no answer"),
        ("at", "2026-05-04T03:02:01.000099Z"),
        ("hash", event.hash),
    ]


def test_the_status_words_are_the_contracts() -> None:
    assert [*StageEvent] == ["started", "progress", "completed", "failed", "skipped", "retrying", "waiting"]
    assert " ".join(SessionEvent) == (
        "created started paused continued waiting approved resumed forked cancelled completed failed "
        "lease_lost taken_over parked in_doubt budget_warned"
    )


texts = st.text(st.characters(exclude_categories=()), max_size=30)
details = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)
new_events = st.builds(
    NewEvent,
    stage=st.none() | st.sampled_from(["search", "writing"]),
    status=st.sampled_from([*StageEvent, "brand_new"]),
    attempt=st.none() | st.integers(0, 9),
    duration_seconds=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    details=details,
    error=st.none() | texts,
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(new_events)
def test_the_hash_covers_the_canonical_json_of_every_field(new: NewEvent) -> None:
    """The fast spelling in the hot path is the plain one, byte by byte."""
    event = sealed([new])[0]
    fields = {name: value for name, value in event.as_json().items() if name != "hash"}
    from hashlib import sha256

    assert event.hash == sha256((genesis_hash(SESSION) + canonical_json(fields)).encode()).hexdigest()
    assert event.hash == chain_hash(genesis_hash(SESSION), event)


@given(new_events)
def test_an_event_survives_json(new: NewEvent) -> None:
    event = sealed([new])[0]
    assert json.loads(json.dumps(event.as_json()).encode()) == event.as_json()


def test_a_whole_chain_holds() -> None:
    assert verify_chain(course()) is None
    assert verify_chain([]) is None


CHANGES: dict[str, dict[str, Any]] = {
    "stage": {"stage": None},
    "status": {"status": "completed"},
    "attempt": {"attempt": 2},
    "duration": {"duration_seconds": 0.500001},
    "details": {"details": {"number": 9}},
    "error": {"error": "x"},
    "at": {"at": NOW + timedelta(microseconds=1)},
    "hash": {"hash": "0" * 64},
    "session": {"session_id": str(uuid4())},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_first_changed_record_is_named(change: dict[str, Any]) -> None:
    events = course()
    events[2] = replace(events[2], **change)
    assert verify_chain(events) == 3


def test_a_missing_record_is_named() -> None:
    events = course()
    assert verify_chain(events[:3] + events[4:]) == 4
    assert verify_chain(events[1:]) == 1


def test_records_that_swapped_places_or_numbers_are_named() -> None:
    events = course()
    assert verify_chain([*events[:2], events[3], events[2], *events[4:]]) == 3
    swapped = [replace(events[3], seq=3), replace(events[2], seq=4)]
    assert verify_chain([*events[:2], *swapped, *events[4:]]) == 3


def test_a_chain_of_another_session_does_not_pass_as_this_one() -> None:
    other = str(uuid4())
    moved = [replace(event, session_id=other) for event in course()]
    assert verify_chain(moved) == 1


def test_nul_and_lone_surrogates_are_replaced_everywhere() -> None:
    event = one(status="pro\x00gress", error="a\x00b\udc80", details={"k\x00": ["v\ud800", "😀"]})
    assert (event.status, event.error) == ("pro\ufffdgress", "a\ufffdb\ufffd")
    assert event.details == {"k\ufffd": ["v\ufffd", "😀"]}


def test_details_become_plain_json() -> None:
    class Colour(str, Enum):  # noqa: UP042 - its str() is not its value
        RED = "red"

    given_details = {
        1: (1, 2),
        "nan": float("nan"),
        "colour": Colour.RED,
        "when": NOW,
        "status": StageEvent.FAILED,
    }
    assert plain(given_details) == {
        "1": [1, 2],
        "nan": None,
        "colour": "red",
        "when": str(NOW),
        "status": "failed",
    }


def test_bottomless_details_are_cut_off() -> None:
    bottomless: list[Any] = []
    bottomless.append(bottomless)
    assert len(canonical_json(one(details={"deep": bottomless}).details)) < 100


def test_large_details_are_cut_visibly_and_keep_small_facts() -> None:
    event = one(details={"sources": 48, "engine": "library", "text": "x" * DETAILS_LIMIT, "list": [1]})
    assert event.details["truncated"] is True
    assert event.details["bytes"] > DETAILS_LIMIT
    assert set(event.details) == {"truncated", "bytes", "sources", "engine"}


def test_many_small_facts_are_still_bounded() -> None:
    event = one(details={f"name{n}": "x" * 200 for n in range(1000)})
    assert len(canonical_json(event.details)) <= DETAILS_LIMIT


def test_long_errors_are_cut_visibly() -> None:
    error = one(error="x" * 10_000).error
    assert error is not None
    assert (len(error), error[-1]) == (ERROR_LIMIT, "…")


@pytest.mark.parametrize(
    "fields",
    [
        {"status": ""},
        {"status": "x" * 41},
        {"stage": "x" * 41},
        {"duration_seconds": float("nan")},
        {"duration_seconds": float("inf")},
        {"at": NOW.replace(tzinfo=None)},
    ],
)
def test_nonsense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="event's"):
        one(**fields)


def test_durations_have_six_digits_and_are_never_negative() -> None:
    assert one(duration_seconds=1.23456789).duration_seconds == 1.234568
    assert repr(one(duration_seconds=-0.0).duration_seconds) == "0.0"
    assert one(duration_seconds=-5).duration_seconds == 0.0


def test_times_are_told_in_utc() -> None:
    at = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert one(at=at).as_json()["at"] == "2026-05-04T03:02:01.000099Z"


def test_a_session_id_has_one_spelling() -> None:
    assert session_key(SESSION.upper().replace("-", "")) == SESSION
    with pytest.raises(ValueError, match="UUID"):
        session_key("../../etc/passwd")
