"""A session's events: a page of them, or a live stream when the client accepts one."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router
from ninja.params import functions

from research import queries
from research.api import sse
from research.api.auth import door, user_of, visitor_of
from research.errors import InvalidInput
from research.schemas import EventPage

router = Router(tags=["sessions"])
STREAM = "text/event-stream"
LARGEST_SEQ = 2**62
LARGEST_PAGE = 1000
After = Annotated[int, functions.Query(ge=0, le=LARGEST_SEQ, description="the last seq that is known")]
Most = Annotated[int, functions.Query(ge=1, le=LARGEST_PAGE)]


@router.get("/{uuid:session_id}/events", auth=door("read"), response=EventPage)
async def list_events(
    request: HttpRequest,
    session_id: UUID,
    after: After = 0,
    limit: Most = 500,
) -> Any:
    """Gapless, in order. With `Accept: text/event-stream` they go on as they happen, until `event: end`."""
    await sync_to_async(queries.get_session)(user_of(request), session_id)
    if STREAM in request.headers.get("Accept", ""):
        return await _stream(request, session_id, _last_seen(request, after))
    news = await sync_to_async(queries.news_of)(session_id, after, limit + 1)
    items = news.events[:limit]
    more = len(news.events) > limit
    return {"items": [event.as_json() for event in items], "next": items[-1].seq if more else None}


def _last_seen(request: HttpRequest, after: int) -> int:
    """`Last-Event-ID` is what a client really has, `after` only where it first began."""
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return after
    if not (given.isascii() and given.isdigit() and len(given) < 20 and int(given) <= LARGEST_SEQ):
        raise InvalidInput("Last-Event-ID is the seq of an event.", pointer="/Last-Event-ID")
    return int(given)


async def _stream(request: HttpRequest, session_id: UUID, after: int) -> HttpResponse | StreamingHttpResponse:
    """204 tells a client that reconnects after the end to stay away."""
    news = await sync_to_async(queries.news_of)(session_id, after, 1)
    if news.has_ended and not news.events:
        return HttpResponse(status=204)
    frames = sse.stream(visitor_of(request), session_id, after)
    # Proxies that collect an answer before they pass it on would make a live stream late.
    return StreamingHttpResponse(frames, content_type=STREAM, headers={"X-Accel-Buffering": "no"})
