"""The only reader of telemetry. Who may see a session is asked before these are called."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from telemetry import models
from telemetry.events import ChainWalk, Event, Head, session_key
from telemetry.metrics import WorkflowMetrics, fold

_FIELDS = ("seq", "stage", "status", "attempt", "duration_seconds", "details", "error", "at", "hash")
PAGE = 500


@dataclass(frozen=True, slots=True)
class Stream:
    session_id: str
    owner_id: int | None
    label: str
    last_seq: int
    last_hash: str
    created_at: datetime
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GaugeValue:
    name: str
    labels: Mapping[str, str]
    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class ChainReport:
    """Whether a session's log is as it was written."""

    ok: bool
    first_bad_seq: int | None
    why: str  # "" gap repeated changed cut_short head_differs beyond_head stream_missing
    count: int  # records that hold, from the first on


def events_after(session_id: str | UUID, after: int = 0, limit: int = PAGE) -> list[Event]:
    """At most `limit` events with a seq above `after`, in order."""
    key = session_key(session_id)
    rows = models.Event.objects.filter(session_id=key, seq__gt=after).order_by("seq")
    return [_event(key, *row) for row in rows.values_list(*_FIELDS)[: max(0, limit)]]


def _event(key: str, seq: int, stage: str, *rest: Any) -> Event:
    status, attempt, seconds, details, error, at, digest = rest
    found = json.loads(details)
    return Event(seq, key, stage or None, status, attempt, seconds, found, error or None, at, digest)


def all_events(session_id: str | UUID, page: int = PAGE) -> Iterator[Event]:
    """Every event in order, read page by page: memory does not grow with the log."""
    after = 0
    while True:
        events = events_after(session_id, after, page)
        yield from events
        if len(events) < page:
            return
        after = events[-1].seq


def stream_head(session_id: str | UUID) -> Head | None:
    key = session_key(session_id)
    row = models.EventStream.objects.filter(session_id=key).values_list("last_seq", "last_hash").first()
    return Head(key, *row) if row else None


def stream(session_id: str | UUID) -> Stream | None:
    row = models.EventStream.objects.filter(session_id=session_key(session_id)).first()
    return _stream(row) if row else None


def recent_streams(owner_id: int | None, limit: int = 20) -> list[Stream]:
    """The newest first. `None` = everybody's: for those who may see all."""
    rows = models.EventStream.objects.order_by("-created_at", "-session_id")
    if owner_id is not None:
        rows = rows.filter(owner_id=owner_id)
    return [_stream(row) for row in rows[: max(0, limit)]]


def _stream(row: models.EventStream) -> Stream:
    return Stream(
        session_id=str(row.session_id),
        owner_id=row.owner_id,
        label=row.label,
        last_seq=row.last_seq,
        last_hash=row.last_hash,
        created_at=row.created_at,
        metadata=row.metadata,
    )


def metrics_of(session_id: str | UUID) -> WorkflowMetrics | None:
    found = stream(session_id)
    if found is None:
        return None
    return fold(found.session_id, found.label, all_events(found.session_id), found.metadata)


def last_seqs(session_ids: Iterable[str]) -> dict[str, int]:
    """Where each of these logs ends; one query."""
    rows = models.EventStream.objects.filter(session_id__in=list(session_ids))
    return {str(key): int(seq) for key, seq in rows.values_list("session_id", "last_seq")}


def gauges() -> list[GaugeValue]:
    rows = models.Gauge.objects.order_by("name", "labels")
    return [GaugeValue(row.name, json.loads(row.labels), row.value, row.at) for row in rows]


def verify(session_id: str | UUID) -> ChainReport:
    """Walks a session's chain and compares its end with the stream's head; memory stays flat."""
    head = stream_head(session_id)
    if head is None:
        return ChainReport(False, None, "stream_missing", 0)
    walk = ChainWalk(head.session_id)
    for event in all_events(head.session_id):
        why = walk.fault(event)
        if why:
            return ChainReport(False, walk.head.seq + 1, why, walk.head.seq)
        if event.seq == head.seq and event.hash != head.hash:
            return ChainReport(False, event.seq, "head_differs", event.seq - 1)
    return _verify_end(walk.head, head)


def _verify_end(walked: Head, head: Head) -> ChainReport:
    if walked.seq < head.seq:
        return ChainReport(False, walked.seq + 1, "cut_short", walked.seq)
    now = stream_head(head.session_id)  # a live session may have gone on during the walk
    if now is not None and walked.seq > now.seq:
        return ChainReport(False, now.seq + 1, "beyond_head", now.seq)
    return ChainReport(True, None, "", walked.seq)
