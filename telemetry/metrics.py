"""Metrics as a pure fold of an event list: replaying the log gives equal metrics. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from telemetry.events import Event, SessionEvent, StageEvent, iso

_SESSION_ENDS = {SessionEvent.COMPLETED, SessionEvent.FAILED, SessionEvent.CANCELLED}
_SESSION_GOES_ON = {SessionEvent.RESUMED, SessionEvent.CONTINUED, SessionEvent.STARTED}
_STAGE_ENDS = {StageEvent.COMPLETED, StageEvent.FAILED, StageEvent.SKIPPED}


@dataclass
class StageMetrics:
    """One attempt of a stage, as its latest event left it."""

    stage: str
    status: str
    attempt: int
    duration_seconds: float  # 0.0 until the attempt has ended
    timestamp: datetime
    details: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "timestamp": iso(self.timestamp), "details": dict(self.details)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StageMetrics:
        return cls(**{**data, "timestamp": datetime.fromisoformat(data["timestamp"])})


@dataclass
class WorkflowMetrics:
    session_id: str
    prompt: str
    started_at: datetime | None = None
    completed_at: datetime | None = None
    total_duration_seconds: float = 0.0  # from the first start to the latest end of anything, pauses included
    stages: list[StageMetrics] = field(default_factory=list)  # one per attempt, in order of their beginning
    total_retries: int = 0
    failed_stages: list[str] = field(default_factory=list)  # those whose latest attempt failed
    success: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "started_at": iso(self.started_at) if self.started_at else None,
            "completed_at": iso(self.completed_at) if self.completed_at else None,
            "stages": [stage.to_dict() for stage in self.stages],
            "failed_stages": list(self.failed_stages),
            "metadata": dict(self.metadata),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> WorkflowMetrics:
        moments = {
            name: datetime.fromisoformat(data[name]) if data[name] else None
            for name in ("started_at", "completed_at")
        }
        stages = [StageMetrics.from_dict(stage) for stage in data["stages"]]
        return cls(**{**data, **moments, "stages": stages})


def fold(
    session_id: str, prompt: str, events: Iterable[Event], metadata: Mapping[str, Any] | None = None
) -> WorkflowMetrics:
    """The metrics of a session from its events alone, in order of seq."""
    metrics = WorkflowMetrics(session_id, prompt, metadata=dict(metadata or {}))
    attempts: dict[tuple[str, int], StageMetrics] = {}
    for event in events:
        if event.status == StageEvent.STARTED and metrics.started_at is None:
            metrics.started_at = event.at
        if event.stage is None:
            _fold_session(metrics, event)
        else:
            _fold_stage(metrics, attempts, event, event.stage)
    metrics.stages = list(attempts.values())
    latest = {entry.stage: entry.status for entry in metrics.stages}
    metrics.failed_stages = [stage for stage, status in latest.items() if status == StageEvent.FAILED]
    return metrics


def _fold_session(metrics: WorkflowMetrics, event: Event) -> None:
    if event.status in _SESSION_ENDS:
        metrics.completed_at = event.at
        metrics.success = event.status == SessionEvent.COMPLETED
        metrics.metadata.update(event.details)
        _extend(metrics, event)
    elif event.status in _SESSION_GOES_ON:
        metrics.completed_at = None
        metrics.success = False


def _fold_stage(
    metrics: WorkflowMetrics, attempts: dict[tuple[str, int], StageMetrics], event: Event, stage: str
) -> None:
    attempt = 1 if event.attempt is None else event.attempt
    entry = attempts.get((stage, attempt))
    if entry is None:
        entry = StageMetrics(stage, StageEvent.STARTED.value, attempt, 0.0, event.at)
        attempts[stage, attempt] = entry
    entry.timestamp = event.at
    entry.error = event.error
    entry.details = dict(event.details) or entry.details
    if event.duration_seconds is not None:
        entry.duration_seconds = event.duration_seconds
    if event.status != StageEvent.PROGRESS:
        entry.status = event.status
    if event.status == StageEvent.RETRYING:
        metrics.total_retries += 1
    if event.status in _STAGE_ENDS:
        _extend(metrics, event)


def _extend(metrics: WorkflowMetrics, event: Event) -> None:
    # Clocks of two workers may disagree: the total never shrinks and is never negative.
    if metrics.started_at is not None:
        seconds = round((event.at - metrics.started_at).total_seconds(), 6)
        metrics.total_duration_seconds = max(metrics.total_duration_seconds, seconds)
