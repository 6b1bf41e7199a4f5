"""The journal: every paid or slow call is asked for once.

A row is keyed by stage, path, ordinal, provider and digest of the request, never by attempt or time:
started before the call goes out, done with its answer. A resumed run finds the answer here.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import zstandard
from django.db import transaction

from research.errors import LostLease, Suspended
from research.failpoints import failpoint
from research.models import JournalStatus
from research.store import lease, sql
from research.store.lease import Held

MAX_ANSWER = 64 * 2**20  # bytes of one answer after decompression


@dataclass(frozen=True)
class Call:
    """What is asked, before anything is sent."""

    path: str  # where in the stage, such as search/library
    ordinal: int  # which of the equal calls at this path
    provider: str
    request: dict[str, Any]  # canonical JSON of it is the key
    reserve_microusd: int = 0  # worst price

    @property
    def digest(self) -> str:
        text = json.dumps(self.request, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Ticket:
    """Leave to make a call, or its answer from before."""

    row: int
    idempotency_key: str  # the same on every repeat; providers that know such keys charge once
    answer: dict[str, Any] | None  # from before: nothing is sent
    sent: int  # how often it goes out with this one


@dataclass(frozen=True)
class Settled:
    answer: dict[str, Any]
    cost_microusd: int | None = 0  # None = unknown
    input_tokens: int = 0
    output_tokens: int = 0


def begin(held: Held, call: Call) -> Ticket:
    """The answer from before, or a row `started` and leave to call.

    LostLease; Suspended when a person paused the session or the budget does not reach.
    """
    with transaction.atomic():
        wish, spent, budget = lease.guard(held)
        known = _known(held, call)
        if known is not None and known[1] == JournalStatus.DONE:
            return Ticket(known[0], known[3], _unpack(known[2]), 0)
        if wish == "pause":
            raise Suspended("A person paused it.", reason="person")
        _check_budget(held, call, spent, budget)
        ticket = _repeat(held, call, known) if known else _insert(held, call)
    failpoint("FP04")
    return ticket


def _known(held: Held, call: Call) -> tuple[Any, ...] | None:
    found = sql.rows(
        "SELECT id, status, answer, idempotency_key, calls FROM research_journalentry WHERE session_id = %s"
        " AND stage = %s AND path = %s AND ordinal = %s AND provider = %s AND request_digest = %s",
        [held.session_id, held.stage, call.path, call.ordinal, call.provider, call.digest],
    )
    return found[0] if found else None


def _check_budget(held: Held, call: Call, spent: int, budget: int | None) -> None:
    if budget is None or not call.reserve_microusd:
        return
    [(reserved,)] = sql.rows(
        "SELECT COALESCE(SUM(reserve_microusd), 0) FROM research_journalentry"
        " WHERE session_id = %s AND status = 'started'",
        [held.session_id],
    )
    if spent + int(reserved) + call.reserve_microusd > budget:
        raise Suspended(
            "The next call could cost more than the budget has left.", reason="budget", waiting=True
        )


def _insert(held: Held, call: Call) -> Ticket:
    key = uuid.uuid5(
        held.session_id, f"{held.stage}/{call.path}/{call.ordinal}/{call.provider}/{call.digest}"
    ).hex
    values = [held.session_id, held.stage, call.path, call.ordinal, call.provider, call.digest]
    [(row,)] = sql.rows(
        "INSERT INTO research_journalentry (session_id, stage, path, ordinal, provider, request_digest,"
        " status, fence, calls, idempotency_key, error, input_tokens, output_tokens, reserve_microusd,"
        " in_doubt_microusd, started_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, 'started', %s, 1, %s, '', 0, 0, %s, 0, %s) RETURNING id",
        [*values, held.fence, key, call.reserve_microusd, datetime.now(UTC)],
    )
    return Ticket(row, key, None, 1)


def _repeat(held: Held, call: Call, known: tuple[Any, ...]) -> Ticket:
    row, _, _, key, calls = known
    sql.execute(
        "UPDATE research_journalentry SET status = 'started', calls = calls + 1, fence = %s, started_at = %s,"
        " reserve_microusd = %s, error = '' WHERE id = %s",
        [held.fence, datetime.now(UTC), call.reserve_microusd, row],
    )
    return Ticket(row, key, None, calls + 1)


def settle(held: Held, ticket: Ticket, settled: Settled) -> None:
    """Keep the answer and its cost. LostLease when the session went to another worker meanwhile."""
    failpoint("FP06")
    with transaction.atomic():
        lease.guard(held)
        changed = sql.execute(
            "UPDATE research_journalentry SET status = 'done', answer = %s, cost_microusd = %s,"
            " input_tokens = %s, output_tokens = %s, done_at = %s"
            " WHERE id = %s AND fence = %s AND status = 'started'",
            [
                _pack(settled.answer),
                settled.cost_microusd,
                settled.input_tokens,
                settled.output_tokens,
                datetime.now(UTC),
                ticket.row,
                held.fence,
            ],
        )
        if changed != 1:
            raise LostLease
        sql.execute(
            "UPDATE research_session SET cost_microusd = cost_microusd + %s, deaths = 0 WHERE id = %s",
            [settled.cost_microusd or 0, held.session_id],
        )
    failpoint("FP07")


def fail(held: Held, ticket: Ticket, error: str) -> None:
    """The other side refused it: nothing was bought, the call may be made again."""
    with transaction.atomic():
        lease.guard(held)
        sql.execute(
            "UPDATE research_journalentry SET status = 'failed', error = %s, done_at = %s"
            " WHERE id = %s AND fence = %s",
            [error[:2000], datetime.now(UTC), ticket.row, held.fence],
        )


def _pack(answer: dict[str, Any]) -> bytes:
    text = json.dumps(answer, separators=(",", ":"))  # ASCII: lone surrogates stay escaped
    return zstandard.ZstdCompressor(level=3).compress(text.encode("ascii"))


def _unpack(blob: bytes | memoryview) -> dict[str, Any]:
    text = zstandard.ZstdDecompressor().decompress(bytes(blob), max_output_size=MAX_ANSWER)
    answer: dict[str, Any] = json.loads(text)
    return answer
