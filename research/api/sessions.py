"""Sessions and a person's verbs over them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status

from research import queries, services
from research.api import asking, idempotency, uploads
from research.api.auth import door, user_of, visitor_of
from research.api.parameters import Cursor, Limit, Offset, Words
from research.errors import NotFound
from research.estimates import estimate
from research.exporters import exporter
from research.models import Session
from research.schemas import (
    CheckpointPage,
    ClaimPage,
    Estimate,
    ResumeIn,
    SessionCreated,
    SessionOut,
    SessionPage,
)
from telemetry import queries as telemetry

router = Router(tags=["sessions"])
READ, WRITE = door("read"), door("write")


def _path(session: Session) -> str:
    return f"/api/v1/sessions/{session.pk}"


@router.post("", auth=WRITE, response={201: SessionCreated}, openapi_extra=asking.DOCUMENTED)
def start_session(request: HttpRequest) -> HttpResponse:
    """Ask a question. 201 once the session is committed; a worker takes it up from there."""
    with idempotency.attempt(request) as attempt:
        asked = asking.read(request)
        stored = attempt.stored()
        if stored is not None:
            return stored
        brought = uploads.take_in(visitor_of(request), request)
        options = asking.with_documents(asked.options, brought.ids)
        return attempt.commit(lambda: _start(request, asked, options, brought))


def _start(request: HttpRequest, asked: asking.Asked, options: Any, brought: uploads.Brought) -> HttpResponse:
    session = services.start_session(
        owner=user_of(request), prompt=asked.body.prompt, options=options, budget_usd=asked.body.budget_usd
    )
    answer = {**queries.session_json(session), "refused": brought.refused}
    return JsonResponse(answer, status=201, headers={"Location": _path(session)})


@router.post("/estimate", auth=READ, response=Estimate, openapi_extra=asking.DOCUMENTED)
def estimate_session(request: HttpRequest) -> Any:
    """What it would take, as far as that is known. Nothing is started."""
    asked = asking.read(request)
    return estimate(user_of(request), asked.body.prompt, asked.options)


@router.get("", auth=READ, response=SessionPage)
def list_sessions(
    request: HttpRequest,
    status: str = "",
    q: Words = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Your sessions, the newest first."""
    rows = queries.sessions_of(user_of(request), status=status, q=q)
    items, following = queries.page(rows, limit=limit, cursor=cursor)
    return {"items": [queries.session_json(session) for session in items], "next": following}


@router.get("/{uuid:session_id}", auth=READ, response=SessionOut)
def show_session(request: HttpRequest, session_id: UUID) -> dict[str, Any]:
    return queries.session_json(queries.get_session(user_of(request), session_id))


@router.delete("/{uuid:session_id}", auth=WRITE, response={204: None})
def delete_session(request: HttpRequest, session_id: UUID) -> Status[None]:
    """Whole and for good. One that is at work must be cancelled first; one with branches stays."""
    user = user_of(request)
    services.delete_session(session=queries.get_session(user, session_id), actor=user)
    return Status(204, None)


@router.post("/{uuid:session_id}/resume", auth=WRITE, response={202: SessionOut})
def resume_session(
    request: HttpRequest, session_id: UUID, body: ResumeIn | None = None
) -> HttpResponse | Status[dict[str, Any]]:
    """Go on where it stands; with `after` a branch that keeps everything up to that stage."""
    user = user_of(request)
    session = queries.get_session(user, session_id)
    after = body.after if body else None
    if after is None:
        return _told(user, services.resume_session(session=session, actor=user))
    with idempotency.attempt(request) as attempt:
        return attempt.stored() or attempt.commit(lambda: _branch(user, session, after))


def _branch(user: User, session: Session, after: str) -> HttpResponse:
    branch = services.branch_session(session=session, after=after, actor=user)
    shown = queries.session_json(queries.get_session(user, branch.pk))
    return JsonResponse(shown, status=202, headers={"Location": _path(branch)})


@router.post("/{uuid:session_id}/pause", auth=WRITE, response={202: SessionOut})
def pause_session(request: HttpRequest, session_id: UUID) -> Status[dict[str, Any]]:
    user = user_of(request)
    return _told(user, services.pause_session(session=queries.get_session(user, session_id), actor=user))


@router.post("/{uuid:session_id}/cancel", auth=WRITE, response={202: SessionOut})
def cancel_session(request: HttpRequest, session_id: UUID) -> Status[dict[str, Any]]:
    user = user_of(request)
    return _told(user, services.cancel_session(session=queries.get_session(user, session_id), actor=user))


@router.post("/{uuid:session_id}/approve", auth=WRITE, response={202: SessionOut})
def approve_session(request: HttpRequest, session_id: UUID) -> Status[dict[str, Any]]:
    user = user_of(request)
    return _told(user, services.approve_session(session=queries.get_session(user, session_id), actor=user))


def _told(user: Any, session: Session) -> Status[dict[str, Any]]:
    """202: the wish is written down; a worker may still be on its way to it. Read anew, as it is now."""
    return Status(202, queries.session_json(queries.get_session(user, session.pk)))


@router.get("/{uuid:session_id}/telemetry", auth=READ, response=dict[str, Any])
def show_telemetry(request: HttpRequest, session_id: UUID) -> dict[str, Any]:
    """WorkflowMetrics: a pure fold of the session's events."""
    session = queries.get_session(user_of(request), session_id)
    metrics = telemetry.metrics_of(session.pk)
    if metrics is None:
        raise NotFound("This session has no events: it ran while telemetry was off.")
    return metrics.to_dict()


@router.get("/{uuid:session_id}/checkpoints", auth=READ, response=CheckpointPage, by_alias=True)
def list_checkpoints(request: HttpRequest, session_id: UUID) -> dict[str, Any]:
    """A session's own checkpoints, at most one a stage."""
    session = queries.get_session(user_of(request), session_id)
    rows = sorted(session.checkpoints.all(), key=lambda row: row.sequence)
    return {"items": [queries.checkpoint_details(row) for row in rows], "next": None}


@router.get("/{uuid:session_id}/claims", auth=READ, response=ClaimPage)
def list_claims(
    request: HttpRequest, session_id: UUID, limit: Limit = 20, cursor: Offset = 0
) -> dict[str, Any]:
    """Every asserting sentence of the report with its verdict and the spans behind it."""
    claims = queries.claims_json(queries.get_session(user_of(request), session_id))[cursor:]
    following = str(cursor + limit) if len(claims) > limit else None
    return {"items": claims[:limit], "next": following}


@router.get("/{uuid:session_id}/report", auth=READ)
def show_report(request: HttpRequest, session_id: UUID, format: str = "md") -> HttpResponse:  # noqa: A002
    """The finished report as a file."""
    plugin = exporter(format)
    session = queries.get_session(user_of(request), session_id)
    if plugin.FORMAT == "md":
        data = queries.report_text(session).encode()  # the published file itself
    else:
        data = plugin.render(queries.load_report(session))
    name = f"report-{str(session.pk)[:8]}.{plugin.FORMAT}"
    # Never shown as a page of ours: a report holds other people's text.
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": "sandbox"}
    return HttpResponse(data, content_type=plugin.MEDIA_TYPE, headers=headers)
