"""A session as a terminal shows it, kept up from its events."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from research.console import ProgressListener, WorkflowMonitor
from research.console.monitor import event_line, follow_on
from research.pipeline import STAGES

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def event(stage: str | None, status: str, at: int = 0, **more: Any) -> dict[str, Any]:
    told = {"attempt": 1 if stage else None, "duration_seconds": None, "details": {}, "error": None, **more}
    return {
        "seq": 1,
        "stage": stage,
        "status": status,
        "at": (START + timedelta(seconds=at)).isoformat(),
        **told,
    }


RUN = [
    event(None, "created"),
    event(None, "started"),
    event("intent", "started"),
    event("intent", "completed", 1, duration_seconds=1.0, details={"kind": "report"}),
    event("search", "started", 1),
    event("search", "progress", 2, details={"code": "asked_engine", "queries_count": 3}),
    event("search", "retrying", 3, duration_seconds=2.0, error="no answer"),
    event("search", "started", 4, attempt=2),
    event("search", "completed", 9, attempt=2, duration_seconds=5.0, details={"sources_count": 48}),
    event("reevaluation", "skipped", 9, attempt=None, details={"reason": "the text did not change"}),
    event(None, "completed", 10),
]


def monitor_after(count: int) -> WorkflowMonitor:
    monitor = WorkflowMonitor(SESSION, "Why?", clock=lambda: START + timedelta(seconds=20))
    for each in RUN[:count]:
        monitor.observe(each)
    return monitor


def stage(monitor: WorkflowMonitor, name: str) -> dict[str, Any]:
    return next(row for row in monitor.document["stages"] if row["stage"] == name)


def test_it_begins_with_every_stage_queued() -> None:
    rows = WorkflowMonitor(SESSION, "Why?").document["stages"]
    assert [(row["stage"], row["status"]) for row in rows] == [(name, "queued") for name in STAGES]


def test_events_move_stages_and_session() -> None:
    monitor = monitor_after(len(RUN))
    assert (monitor.status, monitor.document["total_retries"], monitor.elapsed()) == ("completed", 1, 10.0)
    assert stage(monitor, "search") | {"details": None} == {
        "stage": "search",
        "status": "completed",
        "attempt": 2,
        "duration_seconds": 5.0,
        "details": None,
        "error": None,
    }
    assert stage(monitor, "reevaluation")["status"] == "skipped"


def test_a_retry_is_seen_with_its_reason() -> None:
    monitor = monitor_after(7)
    assert (monitor.status, stage(monitor, "search")["error"]) == ("retrying", "no answer")
    assert monitor_after(8).status == "running"


def test_inner_progress_is_a_note_until_the_stage_ends() -> None:
    assert monitor_after(6).note == "search: asked engine 3 queries"
    assert monitor_after(7).note == ""


def test_the_clock_runs_only_while_the_session_does() -> None:
    assert monitor_after(1).elapsed() is None
    assert monitor_after(6).elapsed() == 20.0


def test_unknown_words_change_nothing() -> None:
    monitor = monitor_after(6)
    before = dict(monitor.document)
    for strange in (event(None, "sang"), event("dessert", "started")):
        monitor.observe(strange)
    assert monitor.document == before


def test_a_document_is_not_changed_by_what_follows() -> None:
    document = WorkflowMonitor(SESSION, "Why?").document
    WorkflowMonitor(document=document).observe(RUN[2])
    assert document["stages"][0]["status"] == "queued"


def test_a_listener_keeps_the_events_and_tells_of_each_change() -> None:
    seen: list[str] = []
    listener = ProgressListener(WorkflowMonitor(SESSION), lambda monitor: seen.append(monitor.status))
    for each in RUN[:2]:
        listener(each)
    assert seen == ["queued", "running"]
    assert listener.events == RUN[:2]


def test_without_a_terminal_every_stage_ends_with_one_plain_line() -> None:
    lines: list[str] = []
    with follow_on(WorkflowMonitor(SESSION), terminal=None, say=lines.append) as tell:
        for each in RUN:
            tell(each)
    assert lines == [
        "intent completed after 1.0 s: report",
        "search retrying after 2.0 s: no answer",
        "search completed after 5.0 s, attempt 2: 48 sources",
        "reevaluation skipped: the text did not change",
        "session completed",
    ]


def test_a_terminal_gets_a_table_that_ends_as_the_run_did() -> None:
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=100, legacy_windows=False)
    with follow_on(WorkflowMonitor(SESSION), terminal=terminal, say=pytest.fail) as tell:
        for each in RUN:
            tell(each)
    assert "✔ Completed" in out.getvalue()


def test_a_line_says_why_a_session_waits() -> None:
    assert event_line(event(None, "waiting", details={"reason": "plan"})) == "session waiting (plan)"
