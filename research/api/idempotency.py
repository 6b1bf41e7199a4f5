"""Repeats of a creating request: the same Idempotency-Key gives the first answer again, for 24 hours.

The record commits in the transaction that creates the thing. A process that is killed before the commit
leaves neither, so a retry creates one (B01); one that is killed after it leaves both.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from research.api.auth import user_of
from research.api.problems import KeyReused, StillRunning
from research.errors import InvalidInput
from research.models import IdempotencyRecord

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Location",)

_running: set[tuple[int, str, str]] = set()  # in this process; across processes the unique row decides
_lock = threading.Lock()


@dataclass(frozen=True)
class Attempt:
    """One creating request, with or without a key."""

    owner: int
    key: str  # empty = none was sent
    operation: str
    digest: str

    def stored(self) -> HttpResponse | None:
        """The first answer to this key. KeyReused or StillRunning when it is no plain repeat."""
        if not self.key:
            return None
        record = self._records().filter(created_at__gt=datetime.now(UTC) - KEPT).first()
        return self._answer(record) if record else None

    def _answer(self, record: IdempotencyRecord) -> HttpResponse:
        if record.body_digest != self.digest:
            raise KeyReused("This Idempotency-Key was used with another request. Use a new one.")
        if not record.status:
            raise StillRunning
        return _replay(record)

    def _records(self) -> Any:
        return IdempotencyRecord.objects.filter(owner_id=self.owner, key=self.key, operation=self.operation)

    def commit(self, create: Callable[[], HttpResponse], *, secret: str = "") -> HttpResponse:
        """Create and remember in one transaction. A twin in another process that was faster is replayed.

        The member `secret` of the answer is not remembered: a repeat has null there.
        """
        if not self.key:
            return create()
        try:
            with transaction.atomic():
                record = self._claim()
                response = create()
                _remember(record, response, secret)
            return response
        except IntegrityError:
            stored = self.stored()
            if stored is None:
                raise
            return stored

    def _claim(self) -> IdempotencyRecord:
        now = datetime.now(UTC)
        IdempotencyRecord.objects.filter(owner_id=self.owner, created_at__lte=now - KEPT).delete()
        return IdempotencyRecord.objects.create(
            owner_id=self.owner,
            key=self.key,
            operation=self.operation,
            body_digest=self.digest,
            created_at=now,
        )


def _remember(record: IdempotencyRecord, response: HttpResponse, secret: str) -> None:
    body = json.loads(response.content)
    if secret:
        body[secret] = None
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    record.status = response.status_code
    record.answer = {"body": body, "headers": headers}
    record.save(update_fields=["status", "answer"])


def _replay(record: IdempotencyRecord) -> HttpResponse:
    response = JsonResponse(record.answer["body"], status=record.status, safe=False)
    for name, value in record.answer["headers"].items():
        response[name] = value
    response["Idempotent-Replayed"] = "true"
    return response


@contextmanager
def attempt(request: HttpRequest) -> Iterator[Attempt]:
    """The request as an attempt, alone with its key as long as the block lasts. StillRunning otherwise."""
    key = request.headers.get("Idempotency-Key", "")
    if key and not _KEY.fullmatch(key):
        raise InvalidInput("Idempotency-Key has 1 to 255 visible ASCII characters.", pointer="")
    operation = f"{request.method} {request.path}"[:120]
    found = Attempt(user_of(request).pk, key, operation, digest_of(request) if key else "")
    place = (found.owner, found.key, found.operation)
    if not key:
        yield found
        return
    with _lock:
        if place in _running:
            raise StillRunning
        _running.add(place)
    try:
        yield found
    finally:
        with _lock:
            _running.discard(place)


def digest_of(request: HttpRequest) -> str:
    """Of what was asked: the body, or the fields and files of a form, whose boundary differs each time."""
    if request.content_type != "multipart/form-data":
        return hashlib.sha256(request.body).hexdigest()
    parts = [[name, values] for name, values in sorted(request.POST.lists())]
    files = [[name, each.name, _file_digest(each)] for name, each in _files(request)]
    return hashlib.sha256(json.dumps([parts, files]).encode()).hexdigest()


def _files(request: HttpRequest) -> Iterator[tuple[str, Any]]:
    for name in sorted(request.FILES):
        for each in request.FILES.getlist(name):
            yield name, each


def _file_digest(file: Any) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
