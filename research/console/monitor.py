"""How a session stands, kept up from its events, and drawn while it changes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live

from research.console.tables import details_text, session_view, summary_rows
from research.console.text import one_line, safe, seconds
from research.pipeline import STAGES

REDRAWS_PER_SECOND = 2

EventDict = Mapping[str, Any]  # as telemetry.events.Event.as_json() gives it
_STAGE_STATUS = {"started": "running"}
_SESSION_STATUS = {
    "created": "queued",
    "resumed": "queued",
    "approved": "queued",
    "started": "running",
    "continued": "running",
    "taken_over": "running",
    "paused": "paused",
    "waiting": "waiting",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
_ENDED = {"completed", "failed", "cancelled"}
_STANDS_STILL = {*_ENDED, "paused", "waiting"}


def _unknown_session(session_id: str, prompt: str) -> dict[str, Any]:
    stage = {"status": "queued", "attempt": 0, "duration_seconds": None, "details": {}, "error": None}
    return {
        "session_id": session_id,
        "prompt": prompt,
        "status": "queued",
        "stages": [{"stage": name, **copy.deepcopy(stage)} for name in STAGES],
    }


class WorkflowMonitor:
    """A session as a terminal shows it. `document`: what `show --json` prints; without it, an empty one."""

    def __init__(
        self,
        session_id: str = "",
        prompt: str = "",
        *,
        document: Mapping[str, Any] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.document: dict[str, Any] = copy.deepcopy(dict(document or _unknown_session(session_id, prompt)))
        self.note = ""  # what the running stage said last
        self._clock = clock

    @property
    def status(self) -> str:
        return str(self.document["status"])

    def show(self, document: Mapping[str, Any]) -> None:
        """Take over how the session stands, such as after its end."""
        self.document = copy.deepcopy(dict(document))

    def observe(self, event: EventDict) -> None:
        """Take over one event; an unknown word changes nothing."""
        if event["stage"] is None:
            self._observe_session(event)
        else:
            self._observe_stage(event)

    def _observe_session(self, event: EventDict) -> None:
        status = _SESSION_STATUS.get(event["status"])
        if status is None:
            return
        self.document["status"] = status
        self.document["reason"] = event["details"].get("reason", "")
        if status == "running":
            self.document["started_at"] = self.document.get("started_at") or event["at"]
        if status in _ENDED:
            self.document["completed_at"] = event["at"]
        if status in _STANDS_STILL:
            self.note = ""

    def _observe_stage(self, event: EventDict) -> None:
        row = next((stage for stage in self.document["stages"] if stage["stage"] == event["stage"]), None)
        if row is None:
            return
        if event["status"] == "progress":
            self.note = f"{event['stage']}: {_progress_text(event['details'])}"
            return
        self.note = ""
        row["status"] = _STAGE_STATUS.get(event["status"], event["status"])
        row["attempt"] = event["attempt"] or row["attempt"]
        row["duration_seconds"] = event["duration_seconds"]
        row["details"] = event["details"]
        row["error"] = event["error"]
        if event["status"] == "retrying":
            self.document["total_retries"] = (self.document.get("total_retries") or 0) + 1
        self.document["status"] = "retrying" if event["status"] == "retrying" else "running"

    def elapsed(self) -> float | None:
        """Seconds since the start; of an ended session, until its end."""
        started = self.document.get("started_at")
        if not started:
            return None
        if self.status in _STANDS_STILL and self.document.get("total_duration_seconds") is not None:
            return float(self.document["total_duration_seconds"])
        end = self.document.get("completed_at") if self.status in _ENDED else None
        until = datetime.fromisoformat(end) if end else self._clock()
        return max(0.0, (until - datetime.fromisoformat(started)).total_seconds())

    def render(self) -> RenderableType:
        return session_view(self.document, elapsed=self.elapsed(), note=self.note)


class ProgressListener:
    """A progress callback: give it to `run_research(progress=…)` and the monitor follows the run."""

    def __init__(
        self, monitor: WorkflowMonitor, on_change: Callable[[WorkflowMonitor], None] | None = None
    ) -> None:
        self.monitor = monitor
        self.events: list[dict[str, Any]] = []
        self._on_change = on_change

    def __call__(self, event: EventDict) -> None:
        self.events.append(dict(event))
        self.monitor.observe(event)
        if self._on_change is not None:
            self._on_change(self.monitor)


Tell = Callable[[EventDict], None]


@contextmanager
def follow_on(
    monitor: WorkflowMonitor, *, terminal: Console | None, say: Callable[[str], None]
) -> Iterator[Tell]:
    """Where events go: into a live table on a terminal, otherwise as a line for every stage's end."""
    if terminal is None:
        yield lambda event: _tell_in_lines(monitor, event, say)
        return
    with Live(
        get_renderable=monitor.render,
        console=terminal,
        refresh_per_second=REDRAWS_PER_SECOND,
        redirect_stderr=False,
    ):
        yield monitor.observe


def _tell_in_lines(monitor: WorkflowMonitor, event: EventDict, say: Callable[[str], None]) -> None:
    monitor.observe(event)
    line = event_line(event)
    if line:
        say(line)


def event_line(event: EventDict) -> str:
    """One plain line for what a person wants to know without a terminal; empty for the rest."""
    name, status = event["stage"], event["status"]
    if status in {"started", "progress", "created"}:
        return ""
    if name is None:
        reason = event["details"].get("reason", "")
        said = ": ".join(filter(None, (one_line(event["error"] or "", 300), reason)))
        return f"session {safe(status)}" + (f" ({said})" if said else "")
    took = f" after {seconds(event['duration_seconds'])}" if event["duration_seconds"] is not None else ""
    attempt = f", attempt {event['attempt']}" if (event["attempt"] or 0) > 1 else ""
    said = details_text(event)
    return f"{safe(name)} {safe(status)}{took}{attempt}" + (f": {said}" if said else "")


def _progress_text(details: Mapping[str, Any]) -> str:
    code = str(details.get("code", "")).replace("_", " ")
    rest = details_text({"details": {name: value for name, value in details.items() if name != "code"}})
    return " ".join(filter(None, (code, rest)))


def plain_summary(document: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {safe(value)}" for name, value in summary_rows(document)]
