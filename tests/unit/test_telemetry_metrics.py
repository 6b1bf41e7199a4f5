from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from telemetry.events import Head, NewEvent, SessionEvent, StageEvent, seal
from telemetry.metrics import WorkflowMetrics, fold
from telemetry.session_json import read_session_json, write_session_json

SESSION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def told(*events: NewEvent) -> WorkflowMetrics:
    timed = [event for event, _ in seal(Head.genesis(SESSION), events, NOON)]
    return fold(SESSION, "Why?", timed, {"llm": "offline"})


def at(seconds: float, stage: str | None, status: str, attempt: int | None = None, **more: Any) -> NewEvent:
    return NewEvent(stage, status, attempt, at=NOON + timedelta(seconds=seconds), **more)


RETRIED = (
    at(0, None, "created"),
    at(1, None, "started"),
    at(1, "search", "started", 1),
    at(2, "search", "progress", 1, details={"done": 3}),
    at(3, "search", "retrying", 1, error="no answer", duration_seconds=2.0),
    at(4, "search", "started", 2),
    at(9, "search", "completed", 2, duration_seconds=5.0, details={"sources": 48}),
    at(9, "originality", "skipped"),
    at(11, None, "completed", details={"words": 900}),
)


def test_a_session_is_told_attempt_by_attempt() -> None:
    metrics = told(*RETRIED)
    rows = [(entry.stage, entry.status, entry.attempt, entry.duration_seconds) for entry in metrics.stages]
    assert rows == [
        ("search", "retrying", 1, 2.0),
        ("search", "completed", 2, 5.0),
        ("originality", "skipped", 1, 0.0),
    ]
    assert metrics.stages[0].error == "no answer"
    assert metrics.stages[0].details == {"done": 3}
    assert (metrics.total_retries, metrics.failed_stages, metrics.success) == (1, [], True)
    assert metrics.started_at == NOON + timedelta(seconds=1)
    assert metrics.completed_at == NOON + timedelta(seconds=11)
    assert metrics.total_duration_seconds == 10.0
    assert metrics.metadata == {"llm": "offline", "words": 900}


def test_progress_leaves_an_attempt_started() -> None:
    assert told(*RETRIED[:4]).stages[0].status == "started"


def test_a_failed_stage_is_named_until_a_later_attempt_ends_well() -> None:
    failed = (at(0, "search", "started", 1), at(1, "search", "failed", 1, error="e"), at(1, None, "failed"))
    assert told(*failed).failed_stages == ["search"]
    assert told(*failed).success is False
    resumed = (at(5, None, "resumed"), at(5, "search", "started", 2))
    assert told(*failed, *resumed).completed_at is None
    later = told(*failed, *resumed, at(6, "search", "completed", 2), at(6, None, "completed"))
    assert (later.failed_stages, later.success, later.total_duration_seconds) == ([], True, 6.0)


def test_a_clock_that_went_back_never_makes_the_total_negative() -> None:
    assert told(at(9, None, "started"), at(0, None, "completed")).total_duration_seconds == 0.0


def test_unknown_words_are_ignored() -> None:
    assert told(*RETRIED, at(12, None, "brand_new")) == told(*RETRIED)


def test_no_events_are_a_session_that_never_began() -> None:
    assert told() == WorkflowMetrics(SESSION, "Why?", metadata={"llm": "offline"})


courses = st.lists(
    st.builds(
        at,
        st.integers(0, 1000),
        st.sampled_from([None, "search", "writing"]),
        st.sampled_from(sorted({*StageEvent, *SessionEvent, "brand_new"})),
        st.integers(0, 3) | st.none(),
        duration_seconds=st.none() | st.floats(0, 1e6),
        error=st.none() | st.text(max_size=5),
    ),
    max_size=12,
)


@given(courses)
def test_metrics_survive_json_and_are_never_negative(events: list[NewEvent]) -> None:
    metrics = told(*events)
    assert WorkflowMetrics.from_dict(json.loads(json.dumps(metrics.to_dict()))) == metrics
    assert metrics.total_duration_seconds >= 0


def test_the_session_json_is_replaced_whole(tmp_path: Path) -> None:
    write_session_json(tmp_path / "telemetry", told(*RETRIED[:4]))
    path = write_session_json(tmp_path / "telemetry", told(*RETRIED))
    assert read_session_json(path) == told(*RETRIED)
    assert [file.name for file in path.parent.iterdir()] == [f"{SESSION}.json"]
