"""Events and their hash chain. Plain Python.

An event is edged once (`seal`) and never changes. Its hash covers the hash before it and every field,
so the first changed, missing or swapped record is found. The chain has no key: whoever may write the
whole database can write a whole new chain.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

DETAILS_LIMIT = 16 * 1024  # bytes of canonical JSON
ERROR_LIMIT = 4000  # characters
WORD_LIMIT = 40  # characters of a stage or status
_KEPT_TEXT = 200  # characters a text may have to survive in truncated details
_KEPT_KEYS = 24
_DEPTH_LIMIT = 16


class StageEvent(StrEnum):
    """What happened to a stage (contract, section 2)."""

    STARTED = "started"
    PROGRESS = "progress"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    RETRYING = "retrying"  # this attempt failed, another follows
    WAITING = "waiting"


class SessionEvent(StrEnum):
    """What happened to the session as a whole (contract, section 2)."""

    CREATED = "created"
    STARTED = "started"
    PAUSED = "paused"
    CONTINUED = "continued"
    WAITING = "waiting"
    APPROVED = "approved"
    RESUMED = "resumed"
    FORKED = "forked"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    LEASE_LOST = "lease_lost"
    TAKEN_OVER = "taken_over"
    PARKED = "parked"
    IN_DOUBT = "in_doubt"
    BUDGET_WARNED = "budget_warned"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something to tell. Unknown words are allowed: new ones may come."""

    stage: str | None  # None = the session itself
    status: str
    attempt: int | None = None
    duration_seconds: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)  # JSON; larger than DETAILS_LIMIT is cut
    error: str | None = None
    at: datetime | None = None  # aware; None = now


@dataclass(frozen=True, slots=True)
class Event:
    """One record of the log."""

    seq: int  # 1, 2, … within the session
    session_id: str
    stage: str | None
    status: str
    attempt: int | None
    duration_seconds: float | None
    details: Mapping[str, Any]
    error: str | None
    at: datetime  # UTC
    hash: str

    def as_json(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "session_id": self.session_id,
            "stage": self.stage,
            "status": self.status,
            "attempt": self.attempt,
            "duration_seconds": self.duration_seconds,
            "details": dict(self.details),
            "error": self.error,
            "at": iso(self.at),
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a session's chain, where the next event is added."""

    session_id: str
    seq: int
    hash: str

    @classmethod
    def genesis(cls, session_id: str) -> Head:
        return cls(session_id, 0, genesis_hash(session_id))


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with microseconds and a Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def canonical_json(value: object) -> str:
    return _encode(value)


# --- the edge: what comes in is made plain, bounded and storable ------------------------------------------

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL's text refuses NUL, UTF-8 lone surrogates


def scrub(text: str) -> str:
    """Every NUL and lone surrogate becomes U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSTORABLE.sub("\ufffd", text)


def plain(value: object, depth: int = 0) -> Any:
    """JSON data with storable texts; NaN and infinities become null, foreign objects their str()."""
    if value is None or value is True or value is False or type(value) is int:
        return value
    if isinstance(value, str):
        return scrub(str.__str__(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= _DEPTH_LIMIT:
        return "…"
    if isinstance(value, Mapping):
        return {scrub(str(key)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    return scrub(str(value))


def _cut_details(details: dict[str, Any], size: int) -> dict[str, Any]:
    small = {
        key: value
        for key, value in details.items()
        if len(key) <= WORD_LIMIT
        and (value is None or isinstance(value, bool | int | float) or _is_short(value))
    }
    kept = dict(sorted(small.items())[:_KEPT_KEYS])
    return {**kept, "truncated": True, "bytes": size}


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _KEPT_TEXT


def _bounded_details(details: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    if not details:
        return {}, "{}"
    kept: dict[str, Any] = plain(details)
    text = _encode(kept)
    if len(text) > DETAILS_LIMIT:
        kept = _cut_details(kept, len(text))
        text = _encode(kept)
    return kept, text


def _word(what: str, word: str) -> str:
    word = scrub(str.__str__(word))
    if not 0 < len(word) <= WORD_LIMIT:
        raise ValueError(f"An event's {what} has 1 to {WORD_LIMIT} characters, not {len(word)}.")
    return word


def _seconds(duration: float | None) -> float | None:
    if duration is None:
        return None
    if not math.isfinite(duration):
        raise ValueError(f"An event's duration is a number of seconds, not {duration}.")
    return max(0.0, round(float(duration), 6))


def _cut_error(error: str | None) -> str | None:
    if not error:
        return None
    return scrub(error if len(error) <= ERROR_LIMIT else error[: ERROR_LIMIT - 1] + "…")


def _moment(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("An event's time carries its time zone; this one is naive. Use datetime.now(UTC).")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


# --- the chain --------------------------------------------------------------------------------------------


def genesis_hash(session_id: str) -> str:
    return hashlib.sha256(f"prowzi event stream {session_id}".encode()).hexdigest()


def _canonical_event(head: Head, facts: NewEvent | Event, details: str, at: str) -> str:
    # Written out because it is in the path of every event; equal to canonical_json of the fields (tested).
    attempt = "null" if facts.attempt is None else facts.attempt
    seconds = "null" if facts.duration_seconds is None else repr(facts.duration_seconds)
    return (
        f'{{"at":"{at}","attempt":{attempt},"details":{details},"duration_seconds":{seconds},'
        f'"error":{_encode(facts.error)},"seq":{head.seq + 1},"session_id":"{head.session_id}",'
        f'"stage":{_encode(facts.stage)},"status":{_encode(facts.status)}}}'
    )


def chain_hash(previous: str, event: Event) -> str:
    """SHA-256 over the hash before and the canonical JSON of every field but `hash`."""
    before = Head(event.session_id, event.seq - 1, previous)
    text = _canonical_event(before, event, _encode(dict(event.details)), iso(event.at))
    return hashlib.sha256((previous + text).encode()).hexdigest()


def _clean(new: NewEvent, now: datetime) -> tuple[NewEvent, str]:
    details, text = _bounded_details(new.details)
    cleaned = NewEvent(
        stage=_word("stage", new.stage) if new.stage else None,
        status=_word("status", new.status),
        attempt=None if new.attempt is None else int(new.attempt),
        duration_seconds=_seconds(new.duration_seconds),
        details=details,
        error=_cut_error(new.error),
        at=now if new.at is None else _moment(new.at),
    )
    return cleaned, text


def seal(head: Head, events: Sequence[NewEvent], now: datetime) -> Iterator[tuple[Event, str]]:
    """The events with their numbers and hashes, each with the canonical JSON of its details."""
    for new in events:
        facts, details = _clean(new, now)
        at = facts.at or now
        text = _canonical_event(head, facts, details, iso(at))
        digest = hashlib.sha256((head.hash + text).encode()).hexdigest()
        head = Head(head.session_id, head.seq + 1, digest)
        event = Event(
            seq=head.seq,
            session_id=head.session_id,
            stage=facts.stage,
            status=facts.status,
            attempt=facts.attempt,
            duration_seconds=facts.duration_seconds,
            details=facts.details,
            error=facts.error,
            at=at,
            hash=digest,
        )
        yield event, details


class ChainWalk:
    """Checks a chain record by record, in constant memory."""

    def __init__(self, session_id: str) -> None:
        self.head = Head.genesis(session_id)

    def fault(self, event: Event) -> str:
        """Why the chain breaks at this event; empty = it holds, and the walk has moved past it."""
        if event.session_id != self.head.session_id:
            return "foreign"
        if event.seq != self.head.seq + 1:
            return "gap" if event.seq > self.head.seq else "repeated"
        if event.hash != chain_hash(self.head.hash, event):
            return "changed"
        self.head = Head(event.session_id, event.seq, event.hash)
        return ""


def verify_chain(events: Iterable[Event]) -> int | None:
    """The first wrong or missing seq of a chain that begins at 1; None = it holds."""
    walk: ChainWalk | None = None
    for event in events:
        walk = walk or ChainWalk(event.session_id)
        if walk.fault(event):
            return walk.head.seq + 1
    return None


def session_key(session_id: str | UUID) -> str:
    """The one spelling of a session id; ValueError when it is not a UUID."""
    if isinstance(session_id, UUID):
        return str(session_id)
    try:
        return str(UUID(session_id))
    except (ValueError, AttributeError, TypeError):
        given = repr(str(session_id)[:80])
        raise ValueError(f"A session id is a UUID such as {_EXAMPLE}, not {given}.") from None


_EXAMPLE = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
