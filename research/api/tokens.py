"""API tokens. One with fewer rights than its owner cannot make one with more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status

from research import queries, tokens
from research.api import idempotency
from research.api.auth import Visitor, door, user_of, visitor_of
from research.api.parameters import Cursor, Limit
from research.errors import NotFound, PermissionDenied
from research.schemas import TokenCreated, TokenIn, TokenPage

router = Router(tags=["tokens"])
DOOR = door("tokens")


@router.post("", auth=DOOR, response={201: TokenCreated})
def create_token(request: HttpRequest, body: TokenIn) -> HttpResponse:
    """The token is in this answer and nowhere else; a repeat with the same Idempotency-Key has null there."""
    _check_rights(visitor_of(request), body)
    with idempotency.attempt(request) as attempt:
        return attempt.stored() or attempt.commit(lambda: _create(request, body), secret="token")


def _create(request: HttpRequest, body: TokenIn) -> HttpResponse:
    row, text = tokens.create_token(
        owner=user_of(request), name=body.name, scopes=body.scopes, expires_days=body.expires_days
    )
    return JsonResponse({**tokens.token_json(row), "token": text}, status=201)


def _check_rights(visitor: Visitor, body: TokenIn) -> None:
    if visitor.scopes and not (body.scopes and set(body.scopes) <= set(visitor.scopes)):
        raise PermissionDenied(f"Your token may only make tokens with scopes of {', '.join(visitor.scopes)}.")
    ends = visitor.token.expires_at if visitor.token else None
    days = body.expires_days
    if ends is not None and (days is None or datetime.now(UTC) + timedelta(days=days) > ends):
        raise PermissionDenied("Your token may only make tokens that end when it does, or before.")


@router.get("", auth=DOOR, response=TokenPage)
def list_tokens(request: HttpRequest, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    """What they are called and may do; what they are is kept nowhere."""
    items, following = queries.page(tokens.tokens_of(user_of(request)), limit=limit, cursor=cursor)
    return {"items": [tokens.token_json(row) for row in items], "next": following}


@router.delete("/{uuid:token_id}", auth=DOOR, response={204: None})
def revoke_token(request: HttpRequest, token_id: UUID) -> Status[None]:
    found = tokens.tokens_of(user_of(request)).filter(pk=token_id).first()
    if found is None:
        raise NotFound("There is no such token for you.")
    tokens.revoke(found)
    return Status(204, None)
