"""Who works on a session: taking, renewing and giving back the lease, each in one transaction.

A lease is owner, end and fence. The fence only rises; every later write carries it, and a write whose
fence is not the session's changes nothing (I4). Time is the database's (B19), but nothing rests on it:
fencing alone keeps a wrong clock harmless.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from django.db import transaction

from research.errors import LostLease
from research.failpoints import failpoint
from research.models import OWED, Session, SessionStatus
from research.store import log, owners, sql
from telemetry.events import NewEvent

DEATHS_UNTIL_PARKED = 3


@dataclass(frozen=True)
class Held:
    """A session this worker may write, and what it needs to write it."""

    session_id: uuid.UUID
    lease_owner: str
    fence: int
    user_id: int
    sequence: int  # of the last checkpoint
    created_at: datetime  # of the session
    is_fresh: bool = False  # nothing was ever committed: its first stage comes next
    stage: str = ""  # the stage that was begun last
    attempt: int = 0  # of that stage, 1 = the first
    errors: int = 0  # how many attempts of that stage ended in an error of its own
    parent: uuid.UUID | None = None  # id of the last checkpoint of the chain


@dataclass(frozen=True)
class Owed:
    session_id: uuid.UUID
    user_id: int
    deaths: int
    lease_owner: str  # empty = nobody's


def owed(run_dir: Path, limit: int = 200) -> list[Owed]:
    """Sessions somebody must work on now and nobody living does, oldest first."""
    now = sql.now()
    dead = _dead_owners(run_dir, now)
    free = "lease_owner = '' OR lease_until < %s" + f" OR lease_owner IN ({_marks(dead)})" * bool(dead)
    found = sql.rows(
        "SELECT id, owner_id, deaths, lease_owner FROM research_session"
        " WHERE status IN ('queued', 'running', 'retrying')"  # literal: only so its partial index serves
        f" AND retry_at <= %s AND ({free}) ORDER BY created_at LIMIT %s",
        [now, now, *dead, limit],
    )
    return [Owed(sql.as_uuid(key), user, deaths, owner) for key, user, deaths, owner in found]


def _dead_owners(run_dir: Path, now: float) -> list[str]:
    holders = sql.rows(
        "SELECT DISTINCT lease_owner FROM research_session"
        " WHERE status IN ('queued', 'running', 'retrying') AND lease_owner <> '' AND lease_until >= %s",
        [now],
    )
    return [owner for (owner,) in holders if owners.is_dead(owner, run_dir)]


def _marks(values: Iterable[object]) -> str:
    return ", ".join("%s" for _ in values)


def acquire(session_id: uuid.UUID, *, owner: str, run_dir: Path, seconds: float) -> Held | None:
    """Take the lease. None when somebody living holds it, or nothing is owed, or it was parked now."""
    with transaction.atomic():
        row = _read(session_id)
        if row is None or row.status not in OWED or not _is_free(row, run_dir):
            return None
        took_over = bool(row.lease_owner)
        deaths = row.deaths + took_over
        if deaths >= DEATHS_UNTIL_PARKED:
            _stop(row, SessionStatus.PAUSED, "parked", deaths)
            return None
        if row.wish == "pause":
            _stop(row, SessionStatus.PAUSED, "person", deaths)
            return None
        fence = _take(row, owner, deaths, seconds)
        events = _takeover_events(row) if took_over else []
        events.append(NewEvent(None, "started" if row.started_at is None else "continued"))
        log.append(session_id, events)
        is_fresh = row.started_at is None and row.base_id is None
        held = Held(session_id, owner, fence, row.owner_id, row.checkpoint_sequence, row.created_at, is_fresh)
    failpoint("FP03")
    return held


def _read(session_id: uuid.UUID) -> Session | None:
    rows = Session.objects.select_for_update().defer("prompt", "options", "citations", "error")
    return rows.filter(pk=session_id).first()


def _is_free(row: Session, run_dir: Path) -> bool:
    now = sql.now()
    if row.retry_at > now:
        return False
    return not row.lease_owner or row.lease_until < now or bool(owners.is_dead(row.lease_owner, run_dir))


def _take(row: Session, owner: str, deaths: int, seconds: float) -> int:
    changed = sql.execute(
        "UPDATE research_session SET status = 'running', reason = '', lease_owner = %s, lease_until = %s,"
        " fence = fence + 1, deaths = %s, started_at = COALESCE(started_at, %s) WHERE id = %s AND fence = %s",
        [owner, sql.now() + seconds, deaths, datetime.now(UTC), row.pk, row.fence],
    )
    if changed != 1:
        raise LostLease
    return row.fence + 1


def _takeover_events(row: Session) -> list[NewEvent]:
    """Says that an owner was lost, and marks its calls in flight: they may be repeated once."""
    lost = NewEvent(None, "lease_lost", details={"owner": row.lease_owner, "fence": row.fence})
    taken = NewEvent(None, "taken_over", details={"deaths": row.deaths + 1})
    doubtful = doubt_open_calls(row.pk)
    return [lost, taken, *doubtful]


def doubt_open_calls(session_id: uuid.UUID) -> list[NewEvent]:
    """Calls whose answer never came are booked at their reserve and shown apart (I8)."""
    open_calls = sql.rows(
        "SELECT stage, provider, reserve_microusd FROM research_journalentry"
        " WHERE session_id = %s AND status = 'started'",
        [session_id],
    )
    if not open_calls:
        return []
    sql.execute(
        "UPDATE research_journalentry SET status = 'in_doubt',"
        " in_doubt_microusd = in_doubt_microusd + reserve_microusd"
        " WHERE session_id = %s AND status = 'started'",
        [session_id],
    )
    booked = sum(reserve for _, _, reserve in open_calls)
    sql.execute(
        "UPDATE research_session SET in_doubt_microusd = in_doubt_microusd + %s WHERE id = %s",
        [booked, session_id],
    )
    details = {"code": "step_in_doubt", "calls": len(open_calls), "booked_microusd": booked}
    return [NewEvent(None, "in_doubt", details=details)]


def _stop(row: Session, status: SessionStatus, reason: str, deaths: int) -> None:
    """End the wait of a session that must not go on by itself; the fence rises so that no ghost writes."""
    doubtful = doubt_open_calls(row.pk)
    sql.execute(
        "UPDATE research_session SET status = %s, reason = %s, lease_owner = '', lease_until = 0, wish = '',"
        " fence = fence + 1, deaths = %s WHERE id = %s AND fence = %s",
        [status.value, reason, deaths, row.pk, row.fence],
    )
    sql.execute(
        "UPDATE research_stagerun SET status = %s"
        " WHERE session_id = %s AND status IN ('running', 'retrying')",
        ["queued", row.pk],
    )
    told = [NewEvent(None, "parked", details={"deaths": deaths})] if reason == "parked" else []
    told.append(NewEvent(None, status.value, details={"reason": reason}))
    log.append(row.pk, [*doubtful, *told])


def release(held: Held) -> None:
    """Give the lease back at once, so that another worker goes on now (drain). A lost lease is no error."""
    sql.execute(
        "UPDATE research_session SET lease_owner = '', lease_until = 0"
        " WHERE id = %s AND fence = %s AND lease_owner = %s",
        [held.session_id, held.fence, held.lease_owner],
    )


def guard(held: Held) -> tuple[str, int, int | None]:
    """(wish, spent in millionths, budget), with the row locked. LostLease when it is not ours."""
    found = sql.rows(
        "SELECT wish, cost_microusd + in_doubt_microusd, budget_microusd, status FROM research_session"
        " WHERE id = %s AND fence = %s AND lease_owner = %s" + sql.lock_clause(),
        [held.session_id, held.fence, held.lease_owner],
    )
    if not found or found[0][3] not in OWED:
        raise LostLease
    wish, spent, budget, _ = found[0]
    return wish, spent, budget


def renew(owner: str, seconds: float, sessions: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, int, str]]:
    """Renew this owner's leases of the sessions it still works on; what it holds: (session, fence, wish).

    A run that broke down no longer counts: its lease ends, and somebody takes the session up.
    """
    until = sql.now() + seconds
    with transaction.atomic():
        sql.execute(
            "UPDATE research_session SET lease_until = %s"
            f" WHERE lease_owner = %s AND id IN ({_marks(sessions)})",
            [until, owner, *sessions],
        )
        kept = sql.rows("SELECT id, fence, wish FROM research_session WHERE lease_owner = %s", [owner])
    return [(sql.as_uuid(key), fence, wish) for key, fence, wish in kept]


def begun(held: Held, stage: str, attempt: int, errors: int) -> Held:
    return replace(held, stage=stage, attempt=attempt, errors=errors)
