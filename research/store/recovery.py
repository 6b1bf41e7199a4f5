"""What a session stands on when a worker takes it up: its question and the longest good run of checkpoints.

A broken blob costs the stages from it on; they are computed again, and their calls come from the journal
without being paid for twice (B21). A blob that is too new parks the session until the upgrade (B25).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from research.errors import (
    CheckpointError,
    CheckpointForbidden,
    CheckpointMissing,
    CheckpointTooNew,
    StorageError,
    Suspended,
)
from research.models import Checkpoint, Session, StageStatus
from research.store import lease, log, sql
from research.store.checkpoints import manager
from research.store.lease import Held
from telemetry.events import NewEvent

logger = logging.getLogger("prowzi.checkpoints")


@dataclass(frozen=True)
class Standing:
    """Plain data: what a session has, in the order of the stages."""

    held: Held
    prompt: str
    options: dict[str, Any]
    payloads: dict[str, dict[str, Any]]  # stage -> what it added
    skipped: frozenset[str]


def load(held: Held, stages: Sequence[str]) -> Standing:
    """Read the chain; whatever cannot be used is set back, with an event that says so."""
    session = Session.objects.get(pk=held.session_id)
    chain = manager.chain(session) if held.sequence or session.base_id else []
    good, broken = _read_chain(chain)
    if broken is not None:
        _drop_from(held, *broken)
        chain = chain[: chain.index(broken[0])]
    statuses = dict(
        sql.rows("SELECT stage, status FROM research_stagerun WHERE session_id = %s", [session.pk])
    )
    skipped = frozenset(stage for stage, status in statuses.items() if status == StageStatus.SKIPPED)
    done = _unbroken(stages, set(good), skipped)
    left = [stage for stage in stages if stage not in done and stage != held.stage]
    _set_back(held, [stage for stage in left if statuses.get(stage) in _BEGUN])
    last = chain[-1] if chain else None
    own = last is not None and last.session_id == session.pk
    standing = replace(held, sequence=last.sequence if last and own else 0, parent=last.pk if last else None)
    payloads = {stage: payload for stage, payload in good.items() if stage in done}
    return Standing(standing, session.prompt, session.options, payloads, skipped & set(done))


_BEGUN = (
    StageStatus.COMPLETED,
    StageStatus.SKIPPED,
    StageStatus.RUNNING,
    StageStatus.RETRYING,
    StageStatus.WAITING,
)
Broken = tuple[Checkpoint, CheckpointError | StorageError]


def _read_chain(chain: Sequence[Checkpoint]) -> tuple[dict[str, dict[str, Any]], Broken | None]:
    good: dict[str, dict[str, Any]] = {}
    for checkpoint in chain:
        try:
            good[checkpoint.stage] = manager.read(checkpoint)
        except CheckpointTooNew as error:
            raise Suspended(error.message, reason=error.code) from error
        except CheckpointForbidden as error:
            raise Suspended(error.message, reason=error.code) from error
        except (CheckpointError, CheckpointMissing) as error:
            return good, (checkpoint, error)
    return good, None


def _unbroken(stages: Sequence[str], good: set[str], skipped: frozenset[str]) -> list[str]:
    done = []
    for stage in stages:
        if stage not in good and stage not in skipped:
            break
        done.append(stage)
    return done


def _drop_from(held: Held, checkpoint: Checkpoint, error: CheckpointError | StorageError) -> None:
    """Take the broken checkpoint and all after it out of the session; the blobs stay for inspection."""
    if checkpoint.session_id != held.session_id:
        raise Suspended(f"A checkpoint of the parent session is broken: {error.message}", reason=error.code)
    logger.error(
        "checkpoint refused",
        extra={"code": error.code, "session": str(held.session_id), "checkpoint": str(checkpoint.pk)},
    )
    with transaction.atomic():
        lease.guard(held)
        later = Checkpoint.objects.filter(session_id=held.session_id, sequence__gte=checkpoint.sequence)
        if Session.objects.filter(base__in=later).exists():
            raise Suspended(f"A branch stands on a broken checkpoint: {error.message}", reason=error.code)
        for broken in later.order_by("-sequence"):
            broken.delete()
        sql.execute(
            "UPDATE research_session SET checkpoint_sequence = %s WHERE id = %s",
            [checkpoint.sequence - 1, held.session_id],
        )
        details = {"code": error.code, "checkpoint": str(checkpoint.pk), "digest": checkpoint.digest}
        log.append(
            held.session_id, [NewEvent(checkpoint.stage, "retrying", details=details, error=error.message)]
        )


def _set_back(held: Held, stages: Sequence[str]) -> None:
    """Stages that were begun or done, but have nothing that can be used, are owed again."""
    if not stages:
        return
    marks = ", ".join("%s" for _ in stages)
    with transaction.atomic():
        lease.guard(held)
        sql.execute(
            f"UPDATE research_stagerun SET status = 'queued' WHERE session_id = %s AND stage IN ({marks})",
            [held.session_id, *stages],
        )
