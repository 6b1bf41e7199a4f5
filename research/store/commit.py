"""The commit protocol: blob, one transaction, nudge (docs/architecture.md).

1. The blob is published before (checkpoints/manager.py): a row without a blob cannot be.
2. Here: session row by compare-and-set on fence, stage rows, checkpoint row, events, in one transaction.
3. The nudge goes out after it; it may be lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from research.errors import LostLease
from research.failpoints import failpoint
from research.store import lease, log, sql
from research.store.checkpoints.manager import Written
from research.store.lease import Held
from telemetry.events import NewEvent


@dataclass(frozen=True)
class Skip:
    stage: str
    reason: str  # a sentence for people


@dataclass(frozen=True)
class Published:
    """The finished report, already on disk."""

    draft: int
    file: str  # key below the media root
    digest: str  # sha256 of the Markdown
    words: int
    citations: dict[str, int]
    claims: Sequence[dict[str, Any]]  # rows of the ledger


@dataclass(frozen=True)
class StageEnd:
    """What one stage's end changes, all at once."""

    token: str  # names this commit, so that a lost answer can be told from a lost commit (B29)
    written: Written | None  # None = checkpoints are switched off
    duration: float  # seconds of this attempt
    details: dict[str, Any] = field(default_factory=dict)
    skips: Sequence[Skip] = ()
    following: str = ""  # the stage that begins with this commit; empty = the last one ended
    gate: str = ""  # a person must decide before the following stage: the reason to wait
    published: Published | None = None


def begin_stage(held: Held, stage: str) -> Held:
    """Start an attempt of a stage; calls still open from an attempt before are in doubt from now on."""
    with transaction.atomic():
        lease.guard(held)
        doubtful = lease.doubt_open_calls(held.session_id)
        begun, started = _begin(held, stage)
        log.append(held.session_id, [*doubtful, started])
    return begun


def _begin(held: Held, stage: str) -> tuple[Held, NewEvent]:
    found = sql.rows(
        "UPDATE research_stagerun SET status = 'running', attempt = attempt + 1, started_at = %s, error = ''"
        " WHERE session_id = %s AND stage = %s AND status NOT IN ('completed', 'skipped')"
        " RETURNING attempt, errors",
        [datetime.now(UTC), held.session_id, stage],
    )
    if not found:
        raise LostLease(f"The stage {stage} is committed already.")
    attempt, errors = found[0]
    return lease.begun(held, stage, attempt, errors), NewEvent(stage, "started", attempt=attempt)


def commit_stage(held: Held, end: StageEnd) -> Held:
    """Commit the end of the stage that `held` has begun. LostLease changes nothing.

    Safe to call again with the same `end` when the answer of the first commit was lost.
    """
    with transaction.atomic():
        if not _move_session(held, end):
            return _arrived(held, end)
        failpoint("FP12")
        _complete_stage(held, end)
        checkpoint = _add_checkpoint(held, end.written) if end.written else None
        events = [_completed(held, end), *_skip(held, end.skips)]
        following, more = _what_follows(held, end)
        log.append(held.session_id, events + more)
        if end.published:
            _publish(held, end.published, checkpoint)
    failpoint("FP13")
    return _after(following, held, end)


def _after(following: Held, held: Held, end: StageEnd) -> Held:
    if end.written is None:
        return following
    return replace(following, sequence=held.sequence + 1, parent=end.written.id)


def _arrived(held: Held, end: StageEnd) -> Held:
    """The commit is there already, under this token; otherwise the session is another's."""
    found = sql.rows(
        "SELECT g.attempt, g.errors FROM research_session s LEFT JOIN research_stagerun g"
        " ON g.session_id = s.id AND g.stage = %s WHERE s.id = %s AND s.fence = %s AND s.commit_token = %s",
        [end.following, held.session_id, held.fence, end.token],
    )
    if not found:
        raise LostLease
    attempt, errors = found[0]
    following = lease.begun(held, end.following, attempt, errors) if end.following and not end.gate else held
    return _after(following, held, end)


def _move_session(held: Held, end: StageEnd) -> bool:
    """Compare-and-set on fence, owner and state; False when the row is not ours to move."""
    status, reason = "running", ""
    if end.gate:
        status, reason = "waiting", end.gate
    elif not end.following:
        status = "completed"
    done = status != "running"
    changed = sql.execute(
        "UPDATE research_session SET status = %s, reason = %s, deaths = 0, retry_at = 0,"
        " checkpoint_sequence = %s, commit_token = %s,"
        " completed_at = CASE WHEN %s THEN %s ELSE completed_at END,"
        " lease_owner = CASE WHEN %s THEN '' ELSE lease_owner END, wish = CASE WHEN %s THEN '' ELSE wish END"
        " WHERE id = %s AND fence = %s AND lease_owner = %s AND status IN ('running', 'retrying')"
        " AND commit_token <> %s AND checkpoint_sequence = %s",
        [
            status,
            reason,
            held.sequence + (1 if end.written else 0),
            end.token,
            status == "completed",
            datetime.now(UTC),
            done,
            done,
            held.session_id,
            held.fence,
            held.lease_owner,
            end.token,
            held.sequence,
        ],
    )
    return changed == 1


def _complete_stage(held: Held, end: StageEnd) -> None:
    changed = sql.execute(
        "UPDATE research_stagerun SET status = 'completed', duration_seconds = %s, details = %s"
        " WHERE session_id = %s AND stage = %s AND attempt = %s AND status = 'running'",
        [round(end.duration, 6), end.details, held.session_id, held.stage, held.attempt],
    )
    if changed != 1:
        raise LostLease(f"The stage {held.stage} is committed already.")


def _add_checkpoint(held: Held, written: Written) -> uuid.UUID:
    sql.execute(
        "INSERT INTO research_checkpoint (id, session_id, parent_id, sequence, stage, attempt, fence, schema,"
        " schema_version, blob, bytes, raw_bytes, digest, key_id, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            written.id,
            held.session_id,
            held.parent,
            held.sequence + 1,
            held.stage,
            held.attempt,
            held.fence,
            written.schema,
            written.schema_version,
            written.key,
            written.bytes,
            written.raw_bytes,
            written.digest,
            written.key_id,
            datetime.now(UTC),
        ],
    )
    return written.id


def _completed(held: Held, end: StageEnd) -> NewEvent:
    return NewEvent(held.stage, "completed", held.attempt, round(end.duration, 6), end.details)


def _skip(held: Held, skips: Sequence[Skip]) -> list[NewEvent]:
    for skip in skips:
        sql.execute(
            "UPDATE research_stagerun SET status = 'skipped', details = %s"
            " WHERE session_id = %s AND stage = %s",
            [{"reason": skip.reason}, held.session_id, skip.stage],
        )
    return [NewEvent(skip.stage, "skipped", details={"reason": skip.reason}) for skip in skips]


def _what_follows(held: Held, end: StageEnd) -> tuple[Held, list[NewEvent]]:
    if end.gate:
        return held, [NewEvent(None, "waiting", details={"reason": end.gate})]
    if not end.following:
        counts = end.published.citations if end.published else {}
        return held, [NewEvent(None, "completed", details={"citations": counts})]
    following, started = _begin(held, end.following)
    return following, [started]


def _publish(held: Held, published: Published, checkpoint: uuid.UUID | None) -> None:
    sql.execute(
        "INSERT INTO research_report (session_id, draft, checkpoint_id, file, digest, words, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            held.session_id,
            published.draft,
            checkpoint,
            published.file,
            published.digest,
            published.words,
            datetime.now(UTC),
        ],
    )
    sql.execute(
        "UPDATE research_session SET citations = %s WHERE id = %s", [published.citations, held.session_id]
    )
    for claim in published.claims:
        sql.execute(
            "INSERT INTO research_claim (session_id, draft, ordinal, section, text, verdict, tier,"
            " confidence, origins, spans) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                held.session_id,
                published.draft,
                *(claim[name] for name in ("ordinal", "section", "text", "verdict", "tier", "confidence")),
                claim["origins"],
                claim["spans"],
            ],
        )


# --- what ends an attempt otherwise ---------------------------------------------------------------


def retry_stage(held: Held, *, error: str, code: str, delay: float, duration: float) -> None:
    """The attempt failed; the session keeps its worker and tries again in `delay` seconds."""
    with transaction.atomic():
        lease.guard(held)
        _note_error(held, "retrying", error, duration)
        sql.execute(
            "UPDATE research_session SET status = 'retrying', retry_at = %s WHERE id = %s AND fence = %s",
            [sql.now() + delay, held.session_id, held.fence],
        )
        details = {"code": code, "delay_seconds": round(delay, 3)}
        event = NewEvent(held.stage, "retrying", held.attempt, round(duration, 6), details, error)
        log.append(held.session_id, [event])


def try_again(held: Held) -> Held:
    """The pause is over: the session runs again with a new attempt of the same stage."""
    with transaction.atomic():
        lease.guard(held)
        sql.execute(
            "UPDATE research_session SET status = 'running', retry_at = 0 WHERE id = %s AND fence = %s",
            [held.session_id, held.fence],
        )
        doubtful = lease.doubt_open_calls(held.session_id)
        begun, started = _begin(held, held.stage)
        log.append(held.session_id, [*doubtful, started])
    return begun


def fail_session(held: Held, *, error: str, code: str, duration: float) -> None:
    with transaction.atomic():
        lease.guard(held)
        _note_error(held, "failed", error, duration)
        _end(held, "failed", "", error)
        events = [
            NewEvent(held.stage, "failed", held.attempt, round(duration, 6), {"code": code}, error),
            NewEvent(None, "failed", details={"code": code, "stage": held.stage}, error=error),
        ]
        log.append(held.session_id, [*lease.doubt_open_calls(held.session_id), *events])


def suspend_session(held: Held, *, status: str, reason: str, message: str) -> None:
    """Paused or waiting, with a reason; everything committed stays, and the journal keeps its answers."""
    with transaction.atomic():
        lease.guard(held)
        sql.execute(
            "UPDATE research_stagerun SET status = %s"
            " WHERE session_id = %s AND status IN ('running', 'retrying')",
            ["waiting" if status == "waiting" else "queued", held.session_id],
        )
        _end(held, status, reason, "")
        event = NewEvent(None, status, details={"reason": reason, "message": message})
        log.append(held.session_id, [*lease.doubt_open_calls(held.session_id), event])


def _note_error(held: Held, status: str, error: str, duration: float) -> None:
    sql.execute(
        "UPDATE research_stagerun SET status = %s, errors = errors + 1, error = %s, duration_seconds = %s"
        " WHERE session_id = %s AND stage = %s",
        [status, error, round(duration, 6), held.session_id, held.stage],
    )


def _end(held: Held, status: str, reason: str, error: str) -> None:
    completed = datetime.now(UTC) if status == "failed" else None
    sql.execute(
        "UPDATE research_session SET status = %s, reason = %s, error = %s, completed_at = %s,"
        " lease_owner = '', lease_until = 0, wish = '', retry_at = 0, fence = fence + 1"
        " WHERE id = %s AND fence = %s",
        [status, reason, error, completed, held.session_id, held.fence],
    )


def note_progress(held: Held, code: str, details: dict[str, Any]) -> None:
    with transaction.atomic():
        lease.guard(held)
        event = NewEvent(held.stage, "progress", held.attempt, details={"code": code, **details})
        log.append(held.session_id, [event])
