"""Reads: they start from what this person may see. Foreign, missing and malformed look the same."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from pydantic import ValidationError as ArtifactError

from research.artifacts import Artifact, Options, Question
from research.conf import conf
from research.errors import CheckpointMalformed, InvalidInput, NotFound, ReportNotReady, UnknownChoice
from research.exporters import Report as ReportView
from research.models import ENDED, Checkpoint, Document, Report, Session, SessionStatus, StageRun, StageStatus
from research.pipeline import PIPELINE, STAGES
from research.report import build
from research.stage import ResearchState
from research.store.checkpoints import manager
from telemetry import queries as telemetry
from telemetry.events import Event

MICROUSD = 1_000_000
M = TypeVar("M", bound=Model)
LONGEST_SEARCH = 200  # characters
CITATIONS = ("total", "supported", "partly", "contradicted", "not_found", "not_checked", "fabricated")


# --- which ----------------------------------------------------------------------------------------


def sessions_of(user: User, *, status: str = "", q: str = "") -> QuerySet[Session]:
    """The newest first, with everything `session_json` shows: as many queries for one as for a hundred."""
    if status and status not in SessionStatus.values:
        choices = ", ".join(SessionStatus.values)
        raise UnknownChoice(f"There is no status {status[:40]!r}. Choose from: {choices}.", pointer="/status")
    check_search(q)
    found = _shown(Session.objects.filter(owner_id=user.pk))
    found = found.filter(status=status) if status else found
    return found.filter(prompt__icontains=q) if q else found


def check_search(q: str) -> None:
    """InvalidInput for what a database cannot look for."""
    if len(q) > LONGEST_SEARCH or re.search("[\0\ud800-\udfff]", q):
        raise InvalidInput(
            f"The search has at most {LONGEST_SEARCH} characters, none of them broken.", pointer="/q"
        )


def _shown(sessions: QuerySet[Session]) -> QuerySet[Session]:
    return (
        sessions.select_related("owner")
        .prefetch_related("stages", "checkpoints", "reports")
        .order_by("-created_at", "-id")
    )


def get_session(user: User, session_id: str | uuid.UUID) -> Session:
    found = sessions_of(user).filter(pk=_uuid(session_id)).first()
    if found is None:
        raise _no_session()
    return found


def get_checkpoint(user: User, checkpoint_id: str | uuid.UUID) -> Checkpoint:
    mine = Checkpoint.objects.filter(session__owner_id=user.pk)
    found = mine.filter(pk=_uuid(checkpoint_id)).first()
    if found is None:
        raise NotFound("There is no such checkpoint for you.")
    return found


def find_session(user: User, prefix: str) -> Session:
    """By the beginning of its id or of one of its checkpoints' ids. InvalidInput when several begin so."""
    first, last = _range(prefix)
    owned = Session.objects.filter(owner_id=user.pk)
    by_checkpoint = Checkpoint.objects.filter(pk__gte=first, pk__lte=last).values("session_id")
    found = list(owned.filter(Q(pk__gte=first, pk__lte=last) | Q(pk__in=by_checkpoint))[:2])
    if len(found) > 1:
        raise InvalidInput(f"More than one id begins with {prefix[:36]!r}. Write more of it.")
    if not found:
        raise _no_session()
    return found[0]


def _range(prefix: str) -> tuple[uuid.UUID, uuid.UUID]:
    """The first and the last id with this beginning."""
    digits = prefix.replace("-", "").lower()
    if not 1 <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
        raise _no_session()
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))


def _uuid(text: str | uuid.UUID) -> uuid.UUID:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return uuid.UUID(int=0)  # the id of nothing


def _no_session() -> NotFound:
    return NotFound("There is no such session for you.")


# --- pages of a list ------------------------------------------------------------------------------


def page(queryset: QuerySet[M], *, limit: int, cursor: str = "") -> tuple[list[M], str | None]:
    """The next `limit` rows, newest first, and where the page after them begins.

    The cursor names the last row that was shown, so rows that come or go in between repeat and hide nothing.
    """
    rows = queryset.order_by("-created_at", "-pk")
    if cursor:
        at, pk = _read_cursor(queryset.model, cursor)
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk))
    found = list(rows[: limit + 1])
    more = len(found) > limit
    return found[:limit], _write_cursor(found[limit - 1]) if more else None


def _write_cursor(row: Model) -> str:
    at: datetime = getattr(row, "created_at")  # noqa: B009 - every listed model has one
    text = json.dumps([at.isoformat(), str(row.pk)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(model: type[Model], cursor: str) -> tuple[datetime, Any]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, pk = json.loads(raw)
        moment = datetime.fromisoformat(at)
        key = model._meta.pk.to_python(pk)
    except (ValueError, TypeError, binascii.Error, ValidationError, RecursionError):
        raise _bad_cursor() from None
    if moment.tzinfo is None or isinstance(pk, bool | float):
        raise _bad_cursor()
    return moment, key


def _bad_cursor() -> InvalidInput:
    return InvalidInput("The cursor is not one that a list gave out. Begin without it.", pointer="/cursor")


def documents_of(user: User, *, q: str = "", collection: str = "") -> QuerySet[Document]:
    """A person's library, the newest first; `q` looks in titles and names."""
    check_search(q)
    check_search(collection)
    found = Document.objects.filter(owner_id=user.pk).prefetch_related("collections")
    found = found.filter(collections__name=collection) if collection else found
    return found.filter(Q(title__icontains=q) | Q(name__icontains=q)) if q else found


def get_document(user: User, document_id: str | uuid.UUID) -> Document:
    """By its whole id. NotFound for other people's and missing alike."""
    found = documents_of(user).filter(pk=_uuid(document_id)).first()
    if found is None:
        raise NotFound("There is no such document for you.")
    return found


# --- as JSON --------------------------------------------------------------------------------------


def session_json(session: Session) -> dict[str, Any]:
    """A session as the command line and the API show it (`prowzi show --json`)."""
    stages = _stages(session)
    return {
        "session_id": str(session.pk),
        "status": session.status,
        "reason": session.reason or None,
        "error": session.error or None,
        "prompt": session.prompt,
        "options": session.options,
        "owner": session.owner.get_username(),
        "parent": str(session.parent_id) if session.parent_id else None,
        "created_at": _iso(session.created_at),
        "started_at": _iso(session.started_at),
        "completed_at": _iso(session.completed_at),
        "total_duration_seconds": _duration(session, stages),
        "total_retries": sum(max(0, stage.attempt - 1) for stage in stages),
        "failed_stages": [stage.stage for stage in stages if stage.status == StageStatus.FAILED],
        "success": session.status == SessionStatus.COMPLETED,
        **_money(session),
        "stages": [_stage_json(stage) for stage in stages],
        "checkpoints": checkpoints_json(session),
        "citations": {name: int(session.citations.get(name, 0)) for name in CITATIONS},
        "report_path": _report_path(session),
    }


def _stages(session: Session) -> list[StageRun]:
    return sorted(session.stages.all(), key=lambda row: STAGES.index(row.stage))


def _money(session: Session) -> dict[str, float | None]:
    budget = session.budget_microusd
    return {
        "cost_usd": session.cost_microusd / MICROUSD,
        "cost_in_doubt_usd": session.in_doubt_microusd / MICROUSD,
        "budget_usd": None if budget is None else budget / MICROUSD,
    }


def _stage_json(stage: StageRun) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "status": stage.status,
        "attempt": stage.attempt,
        "duration_seconds": stage.duration_seconds,
        "started_at": _iso(stage.started_at),
        "details": stage.details,
        "error": stage.error or None,
    }


def _duration(session: Session, stages: Iterable[StageRun]) -> float | None:
    """From the first start to the end; to now while somebody works; to the last sign of work on a halt."""
    if session.started_at is None:
        return None
    end = session.completed_at
    if end is None and session.status in (SessionStatus.RUNNING, SessionStatus.RETRYING):
        end = datetime.now(UTC)
    if end is None:
        end = max([session.started_at, *_ends(stages)])
    return round(max(0.0, (end - session.started_at).total_seconds()), 6)


def _ends(stages: Iterable[StageRun]) -> Iterator[datetime]:
    for stage in stages:
        if stage.started_at:
            yield stage.started_at + timedelta(seconds=stage.duration_seconds or 0.0)


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def checkpoints_json(session: Session) -> list[dict[str, Any]]:
    return [checkpoint_json(row) for row in sorted(session.checkpoints.all(), key=lambda row: row.sequence)]


def checkpoint_json(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "id": str(checkpoint.pk),
        "sequence": checkpoint.sequence,
        "stage": checkpoint.stage,
        "created_at": _iso(checkpoint.created_at),
        "bytes": checkpoint.bytes,
    }


def checkpoint_details(checkpoint: Checkpoint) -> dict[str, Any]:
    """All that is known about a checkpoint but what it holds."""
    return {
        **checkpoint_json(checkpoint),
        "session_id": str(checkpoint.session_id),
        "parent": str(checkpoint.parent_id) if checkpoint.parent_id else None,
        "attempt": checkpoint.attempt,
        "schema": checkpoint.schema,
        "schema_version": checkpoint.schema_version,
        "raw_bytes": checkpoint.raw_bytes,
        "digest": checkpoint.digest,
        "key_id": checkpoint.key_id,
    }


def checkpoint_content(checkpoint: Checkpoint) -> dict[str, Any]:
    """What its stage added, as plain data. CheckpointError or StorageError when it must not be used."""
    return manager.read(checkpoint)


def claims_json(session: Session) -> list[dict[str, Any]]:
    """The ledger of the report's last draft, in the order of its sentences."""
    last = _last_report(session)
    if last is None:
        return []
    fields = ("ordinal", "section", "text", "verdict", "tier", "confidence", "origins", "spans")
    return list(session.claims.filter(draft=last.draft).order_by("ordinal").values(*fields))


# --- the log ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class News:
    events: list[Event]
    has_ended: bool  # nothing comes after these


def news_of(session_id: uuid.UUID, after: int, limit: int = telemetry.PAGE) -> News:
    """What the log holds after a seq. Who may see the session is asked before."""
    # The state first: what is committed between the two reads is told by the next look.
    status = Session.objects.filter(pk=session_id).values_list("status", flat=True).first()
    events = telemetry.events_after(session_id, after, limit)
    return News(events, (status is None or status in ENDED) and len(events) < limit)


# --- the report -----------------------------------------------------------------------------------


def report_text(session: Session) -> str:
    """The published Markdown, as it lies in its file."""
    last = _last_report(session)
    if last is None:
        raise _not_ready(session)
    try:
        return (conf().data_dir / str(last.file.name)).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ReportNotReady("The report's file is gone from the data folder.") from error


def load_report(session: Session) -> ReportView:
    """The finished report as structured data, for every export. ReportNotReady before it is written."""
    if _last_report(session) is None:
        raise _not_ready(session)
    state = ResearchState(
        Question(prompt=session.prompt, options=Options.model_validate(session.options)), _results(session)
    )
    try:
        return build(state, str(session.pk), session.created_at)
    except KeyError as error:
        raise ReportNotReady("Checkpoints were off for this session: only its Markdown was kept.") from error


def _results(session: Session) -> dict[str, Artifact]:
    kinds = {spec.name: spec.artifact for spec in PIPELINE}
    try:
        return {
            each.stage: kinds[each.stage].model_validate(manager.read(each))
            for each in manager.chain(session)
        }
    except ArtifactError as error:
        raise CheckpointMalformed(
            "A checkpoint of this session does not have the shape of its stage."
        ) from error


def _last_report(session: Session) -> Report | None:
    return max(session.reports.all(), key=lambda row: row.draft, default=None)


def _report_path(session: Session) -> str | None:
    last = _last_report(session)
    return str(conf().data_dir / str(last.file.name)) if last else None


def _not_ready(session: Session) -> ReportNotReady:
    return ReportNotReady(f"The report is not written yet: the session is {session.status}.")
