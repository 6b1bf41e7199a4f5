"""What comes in and goes out of the API. Unknown fields are refused on the way in, dropped on the way out."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import ConfigDict, StringConstraints

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True, pattern=r"^[^\x00]+$")
]
Word = Annotated[str, StringConstraints(max_length=200)]


class Incoming(Schema):
    model_config = ConfigDict(extra="forbid")


class SessionIn(Incoming):
    prompt: str
    documents: list[Word] = Field(default_factory=list, max_length=10_000)
    collections: list[Word] = Field(default_factory=list, max_length=1_000)
    engines: list[Word] | None = Field(None, max_length=50)
    llm: Word | None = None
    max_results: int = Field(20, ge=0, le=10_000)
    max_sections: int = Field(5, ge=1, le=20)
    budget_usd: Decimal | None = Field(None, ge=0, le=1_000_000, allow_inf_nan=False)
    approve_plan: bool = False


class ResumeIn(Incoming):
    after: Word | None = None


class DocumentIn(Incoming):
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class CollectionIn(Incoming):
    name: Name


class TokenIn(Incoming):
    name: Annotated[str, StringConstraints(max_length=120, pattern=r"^[^\x00]*$")] = ""
    scopes: list[Word] = Field(default_factory=list, max_length=20)
    expires_days: int | None = Field(None, ge=1, le=3650)


class StageOut(Schema):
    stage: str
    status: str
    attempt: int
    duration_seconds: float | None
    started_at: str | None
    details: dict[str, Any]
    error: str | None


class CheckpointLine(Schema):
    id: str
    sequence: int
    stage: str
    created_at: str
    bytes: int


class Citations(Schema):
    total: int
    supported: int
    partly: int
    contradicted: int
    not_found: int
    not_checked: int
    fabricated: int


class SessionOut(Schema):
    session_id: str
    status: str
    reason: str | None
    error: str | None
    prompt: str
    owner: str
    parent: str | None
    options: dict[str, Any]
    created_at: str
    started_at: str | None
    completed_at: str | None
    total_duration_seconds: float | None
    total_retries: int
    failed_stages: list[str]
    success: bool
    cost_usd: float
    cost_in_doubt_usd: float
    budget_usd: float | None
    stages: list[StageOut]
    checkpoints: list[CheckpointLine]
    citations: Citations
    report_path: str | None


class RefusedFile(Schema):
    name: str
    code: str
    detail: str


class SessionCreated(SessionOut):
    refused: list[RefusedFile] = []  # files of a form that could not be taken; the others went in


class SessionPage(Schema):
    items: list[SessionOut]
    next: str | None


class EventOut(Schema):
    seq: int
    session_id: str
    stage: str | None
    status: str
    attempt: int | None
    duration_seconds: float | None
    details: dict[str, Any]
    error: str | None
    at: str
    hash: str


class EventPage(Schema):
    items: list[EventOut]
    next: int | None  # the `after` of the next page; null = these are the last so far


class CheckpointOut(CheckpointLine):
    session_id: str
    parent: str | None
    attempt: int
    schema_name: str = Field(alias="schema")
    schema_version: int
    raw_bytes: int
    digest: str
    key_id: str


class CheckpointPage(Schema):
    items: list[CheckpointOut]
    next: str | None


class CheckpointContent(CheckpointOut):
    content: dict[str, Any]


class ClaimOut(Schema):
    ordinal: int
    section: int
    text: str
    verdict: str
    tier: str
    confidence: float
    origins: int
    spans: list[Any]


class ClaimPage(Schema):
    items: list[ClaimOut]
    next: str | None


class Estimate(Schema):
    stages: tuple[int, int]
    calls: tuple[int, int]
    cost_usd: tuple[float, float] | None  # null = not known for this model
    minutes: tuple[float, float] | None  # null = no finished session here to judge by
    says: str


class DocumentOut(Schema):
    id: str
    title: str
    name: str
    kind: str
    external_id: str
    collections: list[str]
    chars: int
    bytes: int
    passages: int
    version: str
    metadata: dict[str, Any]
    created_at: str


class DocumentPage(Schema):
    items: list[DocumentOut]
    next: str | None


class DocumentsAdded(Schema):
    items: list[DocumentOut]  # those that were in already too
    refused: list[RefusedFile]


class SearchHit(Schema):
    document: str
    title: str
    score: float
    start: int
    end: int
    text: str


class SearchPage(Schema):
    items: list[SearchHit]
    next: None = None


class CollectionOut(Schema):
    id: int
    name: str
    created_at: str


class CollectionPage(Schema):
    items: list[CollectionOut]
    next: str | None


class TokenOut(Schema):
    id: str
    prefix: str
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class TokenCreated(TokenOut):
    token: str | None  # shown this once


class TokenPage(Schema):
    items: list[TokenOut]
    next: str | None
