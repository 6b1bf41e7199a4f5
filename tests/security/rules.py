"""Who may do what, for every operation of the API. An operation without a line here fails the suite (S11)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from research import services, tokens
from research.artifacts import Options
from research.models import Checkpoint, Session

V1 = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Rule:
    """`OWN` names one object, `LIST` shows only what is the caller's, `MAKE` makes something for them."""

    kind: str
    scope: str
    body: dict[str, Any] = field(default_factory=dict)
    query: str = ""
    files: bool = False


OWN, LIST, MAKE = "own", "list", "make"
RULES = {
    "GET /sessions": Rule(LIST, "read"),
    "POST /sessions": Rule(MAKE, "write", {"prompt": "Why?"}),
    "POST /sessions/estimate": Rule(MAKE, "read", {"prompt": "Why?"}),
    "GET /sessions/{session_id}": Rule(OWN, "read"),
    "DELETE /sessions/{session_id}": Rule(OWN, "write"),
    "POST /sessions/{session_id}/resume": Rule(OWN, "write", {}),
    "POST /sessions/{session_id}/pause": Rule(OWN, "write"),
    "POST /sessions/{session_id}/cancel": Rule(OWN, "write"),
    "POST /sessions/{session_id}/approve": Rule(OWN, "write"),
    "GET /sessions/{session_id}/events": Rule(OWN, "read"),
    "GET /sessions/{session_id}/telemetry": Rule(OWN, "read"),
    "GET /sessions/{session_id}/checkpoints": Rule(OWN, "read"),
    "GET /sessions/{session_id}/claims": Rule(OWN, "read"),
    "GET /sessions/{session_id}/report": Rule(OWN, "read"),
    "GET /checkpoints/{checkpoint_id}": Rule(OWN, "read"),
    "POST /library/documents": Rule(MAKE, "library", files=True),
    "GET /library/documents": Rule(LIST, "library"),
    "GET /library/documents/{document_id}": Rule(OWN, "library"),
    "DELETE /library/documents/{document_id}": Rule(OWN, "library"),
    "GET /library/search": Rule(LIST, "library", query="?q=tea"),
    "GET /library/collections": Rule(LIST, "library"),
    "POST /library/collections": Rule(MAKE, "library", {"name": "shelf"}),
    "GET /tokens": Rule(LIST, "tokens"),
    "POST /tokens": Rule(MAKE, "tokens", {"scopes": ["tokens"]}),
    "DELETE /tokens/{token_id}": Rule(OWN, "tokens"),
}


def operations() -> list[str]:
    """What the API says it has."""
    from prowzi_site.api import api

    paths: dict[str, Any] = api.get_openapi_schema()["paths"]
    prefix = len(V1)
    return sorted(f"{verb.upper()} {path[prefix:]}" for path, verbs in paths.items() for verb in verbs)


@dataclass(frozen=True)
class Belongings:
    """What one person has, by the names that paths use."""

    ids: dict[str, str]
    words: list[str]  # that only this person's answers may hold

    def path(self, operation: str) -> str:
        path = operation.partition(" ")[2]
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", value)
        return V1 + path


def missing() -> Belongings:
    names = ("session_id", "checkpoint_id", "document_id", "token_id")
    return Belongings({name: str(uuid.uuid4()) for name in names}, [])


def belongings_of(owner: User, finish: Callable[[Session], Any]) -> Belongings:
    """A finished session with its checkpoints, a document, a collection and a token."""
    from research.library import documents
    from research.library.intake import Upload

    row = b'{"_id": "1", "title": "owners-tea", "text": "Tea of the owner keeps people awake."}'
    report = documents.add(owner, [Upload("owners-tea.jsonl", row)], collection="owners shelf")
    session = services.start_session(owner=owner, prompt="What does the owner's tea do?", options=Options())
    finish(session)
    checkpoint = Checkpoint.objects.filter(session=session).earliest("sequence")
    token, _ = tokens.create_token(owner=owner, name="owners key")
    ids = {
        "session_id": str(session.pk),
        "checkpoint_id": str(checkpoint.pk),
        "document_id": report.added[0].document,
        "token_id": str(token.pk),
    }
    return Belongings(ids, [*ids.values(), "owner's tea", "owners-tea", "owners shelf", "owners key"])


def call(client: Client, operation: str, path: str, **headers: str) -> Any:
    """One request as its rule describes it, JSON unless it brings files."""
    rule, verb = RULES[operation], operation.partition(" ")[0].lower()
    if verb == "get":
        return client.get(path + rule.query, headers=headers)
    if rule.files:
        file = SimpleUploadedFile("mine.jsonl", b'{"_id": "2", "text": "Coffee is black."}')
        return client.post(path, {"files": file}, headers=headers)
    body = json.dumps(rule.body)
    return getattr(client, verb)(path, body, content_type="application/json", headers=headers)
