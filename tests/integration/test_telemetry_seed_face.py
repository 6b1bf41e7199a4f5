from __future__ import annotations

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest

from telemetry import queries
from telemetry.collector import TelemetryCollector
from telemetry.metrics import WorkflowMetrics
from telemetry.session_json import read_session_json

pytestmark = pytest.mark.django_db(transaction=True)


def record_a_run(telemetry: TelemetryCollector) -> str:
    session_id = telemetry.start_session(prompt="Why?", metadata={"llm": "offline"})
    telemetry.record_stage_event(session_id=session_id, stage="search", status="started", attempt=1)
    telemetry.record_stage_event(session_id, "search", "retrying", 1, error="no answer")
    telemetry.record_stage_event(session_id, "search", "started", 2)
    telemetry.record_stage_event(
        session_id=session_id,
        stage="search",
        status="completed",
        attempt=2,
        duration=8.1,
        details={"sources_count": 48},
    )
    telemetry.complete_session(session_id, success=True, final_metadata={"words": 900})
    return session_id


def check_the_run(metrics: WorkflowMetrics | None) -> None:
    assert metrics is not None
    assert (metrics.prompt, metrics.success, metrics.total_retries) == ("Why?", True, 1)
    assert [(entry.status, entry.duration_seconds) for entry in metrics.stages] == [
        ("retrying", 0.0),
        ("completed", 8.1),
    ]
    assert metrics.metadata == {"llm": "offline", "words": 900}


def test_a_run_is_recorded_listed_and_written_as_json(tmp_path: Path) -> None:
    telemetry = TelemetryCollector(tmp_path)
    session_id = record_a_run(telemetry)
    metrics = telemetry.load_session(session_id)
    check_the_run(metrics)
    assert read_session_json(tmp_path / f"{session_id}.json") == metrics
    [listed] = telemetry.list_sessions()
    assert (listed["session_id"], listed["success"], listed["stages_completed"]) == (session_id, True, 1)
    assert json.dumps(listed)
    assert queries.verify(session_id).ok


def test_it_can_be_called_inside_a_running_loop() -> None:
    async def run() -> WorkflowMetrics | None:
        telemetry = TelemetryCollector()
        return telemetry.load_session(record_a_run(telemetry))

    check_the_run(asyncio.run(run()))


def test_errors_reach_the_caller_inside_a_running_loop() -> None:
    async def run() -> None:
        TelemetryCollector().record_stage_event(str(uuid4()), "search", "started")

    with pytest.raises(LookupError, match="no event stream"):
        asyncio.run(run())


def test_a_known_session_goes_on_in_its_own_log() -> None:
    telemetry = TelemetryCollector()
    session_id = telemetry.start_session(prompt="x" * 500)
    telemetry.complete_session(session_id, success=False)
    assert telemetry.start_session(session_id, "another prompt") == session_id
    metrics = telemetry.load_session(session_id)
    assert metrics is not None
    assert (metrics.prompt, metrics.completed_at) == ("x" * 200, None)


def test_a_session_id_is_a_uuid() -> None:
    telemetry = TelemetryCollector()
    with pytest.raises(ValueError, match="UUID"):
        telemetry.start_session("../../somewhere")
    assert telemetry.load_session(str(uuid4())) is None
