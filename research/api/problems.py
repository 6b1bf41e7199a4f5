"""What went wrong, as RFC 9457 problem+json. `type` is a page of the docs, `code` stays as it is.

Nothing of the request but the names of its fields comes back, and nothing of the inside: no path, no SQL.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict

import pydantic
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as NinjaValidationError

from research import errors

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5  # after which a database that was away is worth another request
_MOST_ERRORS = 20
_LONGEST_POINTER = 120

logger = logging.getLogger("prowzi.api")


class FieldError(TypedDict):
    detail: str
    pointer: str  # JSON Pointer (RFC 6901) into the body, or /name of a query parameter
    code: NotRequired[str]  # of a refused file


class RefusedFields(errors.InvalidInput):
    """The request does not have the right shape."""

    def __init__(self, fields: Sequence[FieldError], message: str = "") -> None:
        super().__init__(message or _count(fields))
        self.fields = list(fields)


class KeyReused(errors.InvalidInput):
    """This Idempotency-Key was used with another request."""

    code = "idempotency_key_reused"


class StillRunning(errors.IllegalState):
    """The first request with this Idempotency-Key is still at work."""

    code = "idempotency_in_progress"


class Unauthenticated(errors.UserError):
    """Sign in, or send a valid token."""

    code = "unauthenticated"


class CsrfFailed(errors.PermissionDenied):
    """The request does not carry the page's CSRF token."""

    code = "csrf_failed"


class DatabaseDown(errors.TransientError):
    """The database does not answer at the moment."""

    code = "database_down"


# The first that fits, so the narrow ones stand before the wide ones.
_STATUS: tuple[tuple[type[errors.ProwziError], int], ...] = (
    (Unauthenticated, 401),
    (errors.InvalidInput, 422),
    (errors.NotFound, 404),
    (errors.IllegalState, 409),
    (errors.PermissionDenied, 403),
    (errors.RateLimited, 429),
    (errors.UserError, 400),
    (errors.DocumentRefused, 422),
    (errors.NotReady, 503),
    (errors.TransientError, 503),
    (errors.StorageFull, 503),
    (errors.StorageFailed, 503),
)
PLAIN_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    500: "internal_error",
    503: "not_ready",
}
_PLAIN_DETAILS = {
    400: "The request cannot be read. Send JSON in UTF-8.",
    404: "There is no such thing for you.",
    405: "This path does not know the method; Allow lists those it knows.",
    413: "The request is larger than this server takes.",
    500: "Something went wrong here. The request's id helps whoever runs this server to find it in the log.",
}


def status_of(error: errors.ProwziError) -> int:
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(
    request: HttpRequest,
    status: int,
    *,
    code: str = "",
    detail: str = "",
    extra: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The answer; `extra` are further members such as `errors`."""
    code = code or PLAIN_CODES.get(status, "error")
    body = {
        "type": f"/docs/problems/{code}/",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail or _PLAIN_DETAILS.get(status, HTTPStatus(status).phrase),
        "code": code,
        "instance": f"urn:uuid:{getattr(request, 'request_id', '')}",
        **(extra or {}),
    }
    text = json.dumps(
        body, ensure_ascii=True
    )  # so that half a character in a message cannot break the answer
    return HttpResponse(text, content_type=MEDIA_TYPE, status=status)


def of_error(request: HttpRequest, error: errors.ProwziError) -> HttpResponse:
    """The problem of any error in the tree of research/errors.py."""
    status = status_of(error)
    if status >= 500:
        logger.error("request failed", extra={"code": error.code, "error": error.message})
    detail = f"{error.message} {error.hint}".strip()
    answer = problem(request, status, code=error.code, detail=detail, extra=_members(error))
    for name, value in _headers(error, status).items():
        answer[name] = value
    return answer


def _members(error: errors.ProwziError) -> dict[str, Any]:
    if isinstance(error, RefusedFields):
        return {"errors": error.fields}
    if isinstance(error, errors.InvalidInput):
        return {"errors": [FieldError(detail=error.message, pointer=error.pointer)]}
    if isinstance(error, errors.DocumentRefused):
        return {"errors": [{"detail": error.message, "pointer": "", "code": error.refusal}]}
    return {}


def _headers(error: errors.ProwziError, status: int) -> dict[str, str]:
    if isinstance(error, errors.RateLimited):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, StillRunning):
        return {"Retry-After": "1"}
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="prowzi"'}
    return {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}


def refused_fields(found: Sequence[Mapping[str, Any]], skip: int = 0) -> RefusedFields:
    """From pydantic's list of errors; `skip` parts of each place are not the client's."""
    return RefusedFields(
        [
            FieldError(detail=str(each["msg"])[:300], pointer=_pointer(each["loc"][skip:]))
            for each in found[:_MOST_ERRORS]
        ]
    )


def _pointer(place: Sequence[object]) -> str:
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in place]
    pointer = "".join(f"/{part}" for part in parts)
    return pointer if len(pointer) <= _LONGEST_POINTER else pointer[:_LONGEST_POINTER] + "…"


def _count(fields: Sequence[FieldError]) -> str:
    what = f"{len(fields)} fields are" if len(fields) != 1 else "One field is"
    return f"{what} not right; errors names each."


def refuse(error: pydantic.ValidationError) -> RefusedFields:
    return refused_fields(error.errors(include_url=False, include_input=False, include_context=False))


# --- what ninja calls -----------------------------------------------------------------------------


def register(api: NinjaAPI) -> None:
    """Every error that may come out of an endpoint. What is not here is a bug, and the middleware's 500."""
    api.add_exception_handler(errors.ProwziError, _ours)
    api.add_exception_handler(AuthenticationError, _unauthenticated)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(Http404, lambda request, error: problem(request, 404))
    api.add_exception_handler(NinjaValidationError, _invalid)
    api.add_exception_handler(OperationalError, _database_down)
    api.add_exception_handler(InterfaceError, _database_down)
    for kind in (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        api.add_exception_handler(kind, lambda request, error: problem(request, 413))


def _ours(request: HttpRequest, error: Any) -> HttpResponse:
    return of_error(request, error)


def _unauthenticated(request: HttpRequest, error: Any) -> HttpResponse:
    return of_error(request, Unauthenticated())


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(request, error.status_code)


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    # Ninja's places begin with where it looked, and for a body also with the parameter's name.
    found = [{**each, "loc": each["loc"][2 if each["loc"][0] == "body" else 1 :]} for each in error.errors]
    return of_error(request, refused_fields(found))


def _database_down(request: HttpRequest, error: Any) -> HttpResponse:
    logger.error("database", extra={"code": "database_down", "error": str(error)})
    return of_error(request, DatabaseDown())
