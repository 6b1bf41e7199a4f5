"""The only writer of telemetry.

Research calls `append` in the transaction that writes what the events tell of: both are there or neither is.
A session's stream leaves only whole, by `delete_stream`, and leaves one audit record.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid4

from django.db import connection, connections, transaction

from telemetry import models, queries, statements
from telemetry.errors import OutsideTransaction, StreamMissing, StreamMoved
from telemetry.events import (
    Event,
    Head,
    NewEvent,
    SessionEvent,
    StageEvent,
    canonical_json,
    genesis_hash,
    plain,
    scrub,
    seal,
    session_key,
)
from telemetry.metrics import WorkflowMetrics, fold
from telemetry.session_json import write_session_json

LABEL_LIMIT = 200  # characters of the prompt that telemetry keeps

P = ParamSpec("P")
R = TypeVar("R")

# Raw SQL: this is in the path of every commit, and the models refuse changes.
_READ_HEAD = "SELECT last_seq, last_hash FROM telemetry_eventstream WHERE session_id = %s"
_ADD_EVENT = (
    "INSERT INTO telemetry_event"
    " (session_id, seq, stage, status, attempt, duration_seconds, details, error, at, hash)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_MOVE_HEAD = (
    "UPDATE telemetry_eventstream SET last_seq = %s, last_hash = %s WHERE session_id = %s AND last_seq = %s"
)
_REMOVE_EVENTS = "DELETE FROM telemetry_event WHERE session_id = %s"
_REMOVE_STREAM = "DELETE FROM telemetry_eventstream WHERE session_id = %s"


def open_stream(
    session_id: str | UUID,
    *,
    owner_id: int | None,
    label: str,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """A new, empty log. IntegrityError when the session has one already."""
    key = session_key(session_id)
    models.EventStream.objects.create(
        session_id=UUID(key),
        owner_id=owner_id,
        label=scrub(label),
        last_hash=genesis_hash(key),
        created_at=datetime.now(UTC),
        metadata=plain(metadata or {}),
    )


def append(session_id: str | UUID, events: Sequence[NewEvent]) -> list[Event]:
    """Adds events to a session's log, in order. Inside transaction.atomic() only.

    Writers of one session take turns until they commit, so numbers follow the order of commits.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction
    if not events:
        return []
    key = session_key(session_id)
    head = _lock_head(key)
    sealed = list(seal(head, events, datetime.now(UTC)))
    _insert(sealed)
    _move_head(head, sealed[-1][0])
    return [event for event, _ in sealed]


def _stored_id(key: str) -> str | UUID:
    """A session id as the database's driver takes it."""
    return UUID(key) if connection.features.has_native_uuid_field else key.replace("-", "")


def _lock_head(key: str) -> Head:
    # On SQLite the transaction is IMMEDIATE: it has held the only write lock since it began.
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    rows = statements.fetch(_READ_HEAD + lock, [_stored_id(key)])
    if not rows:
        raise StreamMissing(key)
    return Head(key, *rows[0])


def _insert(sealed: Sequence[tuple[Event, str]]) -> None:
    stored_id = _stored_id(sealed[0][0].session_id)
    stored_at: dict[datetime, Any] = {}  # most events of a call share one moment
    rows = []
    for event, details in sealed:
        at = stored_at.get(event.at)
        if at is None:
            at = stored_at[event.at] = connection.ops.adapt_datetimefield_value(event.at)
        rows.append(
            (
                stored_id,
                event.seq,
                event.stage or "",
                event.status,
                event.attempt,
                event.duration_seconds,
                details,
                event.error or "",
                at,
                event.hash,
            )
        )
    statements.execute_many(_ADD_EVENT, rows)


def _move_head(head: Head, last: Event) -> None:
    values = [last.seq, last.hash, _stored_id(head.session_id), head.seq]
    if statements.execute(_MOVE_HEAD, values) != 1:
        raise StreamMoved(head.session_id)


def delete_stream(session_id: str | UUID, *, actor: str, reason: str) -> int:
    """The one door by which events leave: a whole session, for good. Returns how many events there were."""
    key = session_key(session_id)
    with transaction.atomic():
        try:
            head = _lock_head(key)
        except StreamMissing:
            return 0
        count = statements.execute(_REMOVE_EVENTS, [_stored_id(key)])
        statements.execute(_REMOVE_STREAM, [_stored_id(key)])
        details = {"reason": reason, "events": count, "last_hash": head.hash}
        audit(actor, "delete", object_kind="session", object_id=key, details=details)
    return count


def audit(
    actor: str,
    action: str,
    *,
    object_kind: str,
    object_id: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """One line in the audit log, for deletions and security events. Give ids, never secrets."""
    models.AuditRecord.objects.create(
        at=datetime.now(UTC),
        actor=scrub(actor)[:200],
        action=scrub(action)[:80],
        object_kind=scrub(object_kind)[:80],
        object_id=scrub(object_id)[:200],
        details=plain(details or {}),
    )


def set_gauge(name: str, value: float, *, labels: Mapping[str, str] | None = None) -> None:
    """How something stands now; replaces the value under the same name and labels."""
    if not math.isfinite(value):
        raise ValueError(f"Gauge {name} is a finite number, not {value}.")
    gauge = models.Gauge(
        name=name, labels=canonical_json(plain(labels or {})), value=value, at=datetime.now(UTC)
    )
    models.Gauge.objects.bulk_create(
        [gauge],
        update_conflicts=True,
        unique_fields=["name", "labels"],
        update_fields=["value", "at"],
    )


# --- the seed's face --------------------------------------------------------------------------------------


def from_anywhere(function: Callable[P, R]) -> Callable[P, R]:
    """Django's ORM refuses a thread with a running event loop; there the call runs in a thread of its own.

    The loop waits meanwhile, about as long as one small commit: fine for a script, too long for a worker,
    which calls `append` from a thread.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return function(*args, **kwargs)
        return _in_thread(lambda: function(*args, **kwargs))

    return call


def _in_thread(work: Callable[[], R]) -> R:
    def run() -> R:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1, thread_name_prefix="telemetry-from-async") as pool:
        return pool.submit(run).result()


class TelemetryCollector:
    """Records one session's course. `storage_dir`: also write the session's JSON there when it ends."""

    def __init__(self, storage_dir: Path | str | None = None) -> None:
        self.storage_dir = Path(storage_dir) if storage_dir is not None else None

    @from_anywhere
    def start_session(
        self, session_id: str | None = None, prompt: str = "", metadata: Mapping[str, Any] | None = None
    ) -> str:
        """Opens the log of a new session, or goes on with that of a known one. Returns its id."""
        key = session_key(session_id) if session_id else str(uuid4())
        with transaction.atomic():
            if queries.stream_head(key):
                append(key, [NewEvent(None, SessionEvent.RESUMED)])
                return key
            label = prompt[:LABEL_LIMIT]
            open_stream(key, owner_id=None, label=label, metadata=metadata)
            begun = (SessionEvent.CREATED, SessionEvent.STARTED)
            append(key, [NewEvent(None, status) for status in begun])
        return key

    @from_anywhere
    def record_stage_event(  # noqa: PLR0913 - the seed's signature
        self,
        session_id: str,
        stage: str,
        status: str,
        attempt: int = 1,
        duration: float | None = None,
        details: Mapping[str, Any] | None = None,
        error: str | None = None,
    ) -> None:
        """`duration` in seconds."""
        event = NewEvent(stage, status, attempt, duration, details or {}, error)
        with transaction.atomic():
            append(session_id, [event])

    @from_anywhere
    def complete_session(
        self,
        session_id: str,
        success: bool = True,
        total_duration: float | None = None,
        final_metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """`final_metadata` joins the metrics' metadata; their total duration is counted from the events."""
        status = SessionEvent.COMPLETED if success else SessionEvent.FAILED
        event = NewEvent(None, status, duration_seconds=total_duration, details=final_metadata or {})
        with transaction.atomic():
            append(session_id, [event])
        metrics = queries.metrics_of(session_id)
        if self.storage_dir is not None and metrics is not None:
            write_session_json(self.storage_dir, metrics)

    @from_anywhere
    def load_session(self, session_id: str) -> WorkflowMetrics | None:
        return queries.metrics_of(session_id)

    @from_anywhere
    def list_sessions(self, limit: int = 20) -> list[dict[str, Any]]:
        """The newest first: `session_id, prompt, started_at, success, total_retries, stages_completed`."""
        return [_summary(stream) for stream in queries.recent_streams(None, limit)]


def _summary(stream: queries.Stream) -> dict[str, Any]:
    metrics = fold(stream.session_id, stream.label, queries.all_events(stream.session_id))
    completed = {entry.stage for entry in metrics.stages if entry.status == StageEvent.COMPLETED}
    return {
        "session_id": metrics.session_id,
        "prompt": metrics.prompt,
        "started_at": metrics.to_dict()["started_at"],
        "success": metrics.success,
        "total_retries": metrics.total_retries,
        "stages_completed": len(completed),
    }
