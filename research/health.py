"""`/healthz`: this process answers. `/readyz`: it can do its work. Both for any Host, before all else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def _live() -> HttpResponse:
    return JsonResponse({"status": "ok"})


def _ready() -> HttpResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM research_session LIMIT 1")
    except DatabaseError:
        return JsonResponse(
            {"status": "unavailable", "what": "database"}, status=503, headers={"Retry-After": "5"}
        )
    return JsonResponse({"status": "ok"})


_ANSWERS = {"/healthz": _live, "/readyz": _ready}


class HealthMiddleware:
    """Answers the two paths itself; everything else goes on."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if iscoroutinefunction(self.get_response):
            return self._acall(request)
        answer = _ANSWERS.get(request.path)
        return answer() if answer else self.get_response(request)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        answer = _ANSWERS.get(request.path)
        if answer is not None:
            return await sync_to_async(answer)()
        response = self.get_response(request)
        return await cast(Awaitable[HttpResponseBase], response)
