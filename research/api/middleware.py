"""What every answer under /api/ has: a request id, no caching, limits, and problem+json for any error."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bind_contextvars

from research.api.limits import Standing
from research.api.problems import MEDIA_TYPE, problem

Handler = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]
PREFIX = "/api/"


class ApiMiddleware:
    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        request.request_id = uuid.uuid4()  # type: ignore[attr-defined]
        bind_contextvars(request_id=str(request.request_id))  # type: ignore[attr-defined]  # for the log
        if iscoroutinefunction(self.get_response):
            return self._acall(request)
        return _finish(request, cast(HttpResponseBase, self.get_response(request)))

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        response = await cast(Awaitable[HttpResponseBase], self.get_response(request))
        return _finish(request, response)


def _finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if not request.path.startswith(PREFIX):
        return response
    if response.status_code >= 400 and response.headers.get("Content-Type") != MEDIA_TYPE:
        response = _as_problem(request, response)
    response.headers["X-Request-Id"] = str(request.request_id)  # type: ignore[attr-defined]
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    standing = getattr(request, "limit", None)
    if isinstance(standing, Standing):
        response.headers["RateLimit-Policy"] = standing.policy.header()
        response.headers["RateLimit"] = standing.header()
    return response


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Django's and ninja's own error pages, said our way: they are HTML, or say too much."""
    answer = problem(request, response.status_code)
    for name, value in response.headers.items():
        if not name.lower().startswith("content-"):
            answer[name] = value
    return answer
