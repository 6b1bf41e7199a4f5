"""Writes: a person's verbs. Each is one transaction with its event; the nudge goes out after the commit.

A verb is a compare-and-set on the session's state: two at once have one legal outcome (B51).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from research import wiring
from research.artifacts import Options
from research.conf import conf
from research.errors import IllegalState, InvalidInput, NotFound
from research.failpoints import failpoint
from research.models import (
    ENDED,
    OWED,
    Checkpoint,
    Collection,
    Document,
    Report,
    Session,
    SessionStatus,
    StageRun,
    StageStatus,
)
from research.pipeline import STAGES
from research.queue import wake
from research.store import lease, log, sql
from research.store.checkpoints import manager
from research.store.heartbeat import tell
from telemetry import collector
from telemetry.events import NewEvent

LONGEST_PROMPT = 200_000  # characters
MOST_RESULTS = 1000  # sources of one session
MICROUSD = 1_000_000

User = AbstractBaseUser


def start_session(
    *,
    owner: User,
    prompt: str,
    options: Options,
    budget_usd: Decimal | None = None,
    queue: bool = True,
    session_id: uuid.UUID | None = None,
) -> Session:
    """Accept a question: session, stages, first event and wake-up appear in one commit.

    `queue=False` leaves the work to the caller's own process; `session_id` is for data that must be the same
    wherever it is made. InvalidInput names the field.
    """
    check_prompt(prompt)
    check_options(owner, options)
    session = Session(
        id=session_id or uuid.uuid4(),
        owner_id=owner.pk,
        prompt=prompt,
        options=options.model_dump(mode="json"),
        created_at=datetime.now(UTC),
        budget_microusd=_budget(budget_usd),
    )
    failpoint("FP01")
    with transaction.atomic():
        _create(session, done=())
        _tell_created(session, [NewEvent(None, "created")], queue)
    tell(session.pk)
    return session


def _create(session: Session, done: Iterable[str]) -> None:
    session.save(force_insert=True)
    kept = set(done)
    sql.execute_many(
        "INSERT INTO research_stagerun (session_id, stage, status, attempt, errors, details, error)"
        " VALUES (%s, %s, %s, 0, 0, %s, '')",
        [
            (session.pk, stage, *(("completed", {"kept": True}) if stage in kept else ("queued", {})))
            for stage in STAGES
        ],
    )


def _tell_created(session: Session, events: list[NewEvent], queue: bool) -> None:
    log.open_stream(session)
    log.append(session.pk, events)
    failpoint("FP02")
    if queue:
        wake(session.pk)


def check_prompt(prompt: str) -> None:
    """InvalidInput when no research can be done on it."""
    if not prompt.strip():
        raise InvalidInput("The question is empty. Write what you want to know.", pointer="/prompt")
    if len(prompt) > LONGEST_PROMPT:
        raise InvalidInput(
            f"The question has {len(prompt):,} characters; the most is {LONGEST_PROMPT:,}. "
            "Put long material into the library and ask about it.",
            pointer="/prompt",
        )
    bad = next(
        (at for at, letter in enumerate(prompt) if letter == "\0" or "\ud800" <= letter <= "\udfff"), None
    )
    if bad is not None:
        what = "a NUL character" if prompt[bad] == "\0" else "half of a broken character (a lone surrogate)"
        raise InvalidInput(f"The question holds {what} at position {bad + 1}. Remove it.", pointer="/prompt")


def check_options(owner: User, options: Options) -> None:
    """InvalidInput or UnknownChoice for what cannot be run, before anything is started."""
    if not 1 <= options.max_results <= MOST_RESULTS:
        raise InvalidInput(f"max_results is between 1 and {MOST_RESULTS}.", pointer="/max_results")
    if not 1 <= options.max_sections <= 20:
        raise InvalidInput("max_sections is between 1 and 20.", pointer="/max_sections")
    if not options.engines:
        raise InvalidInput("Choose at least one engine, such as library.", pointer="/engines")
    wiring.build_llm(options.llm)
    wiring.build_engines(options.engines)
    _check_documents(owner, options.documents)
    _check_collections(owner, options.collections)


def _check_documents(owner: User, documents: list[str]) -> None:
    try:
        known = Document.objects.filter(owner_id=owner.pk, pk__in=documents).count() if documents else 0
    except ValidationError:
        known = -1
    if known != len(set(documents)):
        raise InvalidInput("One of the documents is not in your library.", pointer="/documents")


def _check_collections(owner: User, names: list[str]) -> None:
    if not names:
        return
    known = set(Collection.objects.filter(owner_id=owner.pk, name__in=names).values_list("name", flat=True))
    missing = sorted(set(names) - known)
    if missing:
        raise InvalidInput(f"There is no collection {missing[0]!r} in your library.", pointer="/collections")


def _budget(budget_usd: Decimal | None) -> int | None:
    chosen = (
        Decimal(str(conf().budget_usd))
        if budget_usd is None and conf().budget_usd is not None
        else budget_usd
    )
    if chosen is None:
        return None
    if not chosen.is_finite() or chosen < 0 or chosen > 1_000_000:
        raise InvalidInput(
            "budget_usd is an amount of US dollars from 0 to 1,000,000.", pointer="/budget_usd"
        )
    return int(chosen * MICROUSD)


def resume_session(*, session: Session, actor: User, queue: bool = True) -> Session:
    """Go on where the session stands. A completed or working one is left as it is."""
    with transaction.atomic():
        row = _locked(session)
        if row.status in OWED or row.status == SessionStatus.COMPLETED:
            _forget_wish(row)
            return row
        if row.status == SessionStatus.CANCELLED:
            raise IllegalState("A cancelled session does not go on. Branch it with resume --after.")
        if row.status == SessionStatus.WAITING and row.reason == "plan":
            raise IllegalState("The session waits for its plan to be approved. Use approve.")
        _put_back(row, NewEvent(None, "resumed", details=_by(actor)), queue)
    tell(session.pk)
    return _fresh(session)


def _forget_wish(row: Session) -> None:
    Session.objects.filter(pk=row.pk).exclude(wish="").update(wish="")


def _put_back(row: Session, event: NewEvent, queue: bool) -> None:
    changed = Session.objects.filter(pk=row.pk, fence=row.fence, status=row.status).update(
        status=SessionStatus.QUEUED,
        reason="",
        error="",
        wish="",
        deaths=0,
        retry_at=0,
        completed_at=None,
        lease_owner="",
        fence=row.fence + 1,
    )
    if not changed:
        raise IllegalState("The session changed in this very moment. Look at it again.")
    StageRun.objects.filter(
        session=row,
        status__in=[StageStatus.FAILED, StageStatus.WAITING, StageStatus.CANCELLED, StageStatus.RETRYING],
    ).update(status=StageStatus.QUEUED, errors=0, error="")
    log.append(row.pk, [event])
    if queue:
        wake(row.pk)


def branch_session(*, session: Session, after: str, actor: User, queue: bool = True) -> Session:
    """A new session that keeps everything up to the stage `after`; the old one is not touched."""
    if after not in STAGES:
        raise InvalidInput(
            f"There is no stage {after!r}. Choose from: {', '.join(STAGES)}.", pointer="/after"
        )
    base = next((each for each in manager.chain(session) if each.stage == after), None)
    if base is None:
        raise IllegalState(f"The session has no checkpoint after {after}.")
    kept = [each.stage for each in manager.ancestors(base)]
    if after == STAGES[-1]:
        raise IllegalState(f"Nothing comes after {after}.")
    return _branch(session, base, kept, actor, queue)


def _branch(session: Session, base: Checkpoint, kept: list[str], actor: User, queue: bool) -> Session:
    branch = Session(
        owner_id=session.owner_id,
        prompt=session.prompt,
        options=session.options,
        created_at=datetime.now(UTC),
        budget_microusd=session.budget_microusd,
        parent=session,
        base=base,
    )
    forked = {"parent": str(session.pk), "checkpoint": str(base.pk), "after": base.stage, **_by(actor)}
    with transaction.atomic():
        _create(branch, done=kept)
        _tell_created(branch, [NewEvent(None, "created"), NewEvent(None, "forked", details=forked)], queue)
    tell(branch.pk)
    return branch


def pause_session(*, session: Session, actor: User, reason: str = "person") -> Session:
    """A working session pauses at its next call or stage end, so nothing paid for is thrown away."""
    with transaction.atomic():
        row = _locked(session)
        if row.status == SessionStatus.PAUSED:
            return row
        if row.status not in OWED:
            raise IllegalState(f"The session is {row.status}; only one that is at work can be paused.")
        if row.lease_owner:
            Session.objects.filter(pk=row.pk, fence=row.fence).update(wish="pause")
        else:
            _settle(
                row,
                SessionStatus.PAUSED,
                reason,
                NewEvent(None, "paused", details={"reason": reason, **_by(actor)}),
            )
    tell(session.pk)
    return _fresh(session)


def cancel_session(*, session: Session, actor: User) -> Session:
    """At once and for good: the fence rises, so no later write of any worker counts (docs/adr/0004)."""
    with transaction.atomic():
        row = _locked(session)
        if row.status == SessionStatus.CANCELLED:
            return row
        if row.status in ENDED:
            raise IllegalState(f"The session is {row.status} already.")
        _settle(row, SessionStatus.CANCELLED, "person", NewEvent(None, "cancelled", details=_by(actor)))
    tell(session.pk)
    return _fresh(session)


def _settle(row: Session, status: SessionStatus, reason: str, event: NewEvent) -> None:
    """End or halt a session from outside; its calls in flight are in doubt from now on."""
    doubtful = lease.doubt_open_calls(row.pk)
    ended = status in ENDED
    changed = Session.objects.filter(pk=row.pk, fence=row.fence, status=row.status).update(
        status=status,
        reason=reason,
        wish="",
        lease_owner="",
        lease_until=0,
        retry_at=0,
        fence=row.fence + 1,
        completed_at=datetime.now(UTC) if ended else None,
    )
    if not changed:
        raise IllegalState("The session changed in this very moment. Look at it again.")
    left = StageStatus.CANCELLED if ended else StageStatus.QUEUED
    StageRun.objects.filter(session=row).exclude(
        status__in=[StageStatus.COMPLETED, StageStatus.SKIPPED, StageStatus.FAILED]
    ).update(status=left)
    log.append(row.pk, [*doubtful, event])


def approve_session(*, session: Session, actor: User, queue: bool = True) -> Session:
    """A person agrees to what the session waits for; it goes on."""
    with transaction.atomic():
        row = _locked(session)
        if row.status != SessionStatus.WAITING:
            raise IllegalState(f"The session is {row.status}; it does not wait for an approval.")
        _put_back(row, NewEvent(None, "approved", details={"reason": row.reason, **_by(actor)}), queue)
    tell(session.pk)
    return _fresh(session)


def delete_session(*, session: Session, actor: User) -> None:
    """Whole and for good: rows, blobs, report, events; one audit record stays (S44)."""
    with transaction.atomic():
        row = _locked(session)
        if row.status in OWED:
            raise IllegalState("The session is at work. Cancel it first.")
        branch = (
            Session.objects.filter(parent=row).first() or Session.objects.filter(base__session=row).first()
        )
        if branch is not None:
            raise IllegalState(
                f"The branch {branch.pk} stands on this session's checkpoints. Delete it first."
            )
        blobs = [str(each.blob.name) for each in Checkpoint.objects.filter(session=row)]
        files = [str(each.file.name) for each in Report.objects.filter(session=row)]
        for checkpoint in Checkpoint.objects.filter(session=row).order_by("-sequence"):
            checkpoint.delete()
        row.delete()
        collector.delete_stream(session.pk, actor=str(actor), reason="asked for by its owner")
    for key in blobs:
        manager.store().delete(key)
    for name in files:
        (conf().data_dir / name).unlink(missing_ok=True)


def _locked(session: Session) -> Session:
    """The row as it is now, locked until the transaction ends."""
    row = Session.objects.select_for_update().filter(pk=session.pk).first()
    if row is None:
        raise NotFound("There is no such session for you.")
    return row


def _fresh(session: Session) -> Session:
    session.refresh_from_db()
    return session


def _by(actor: User) -> dict[str, Any]:
    return {"by": str(actor)}
