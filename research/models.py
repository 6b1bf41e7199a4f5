"""The rows of research: sessions and what hangs on them, the library, the keys to the doors.

Times are aware datetimes in UTC, money is whole millionths of a US dollar, durations are seconds.
Who may change what: `store` writes sessions, stages, checkpoints, journal; `services` writes the rest.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models


class SessionStatus(models.TextChoices):
    """contract.md section 2; the same words in JSON, pages and the command line."""

    QUEUED = "queued"  # accepted, no worker holds it yet
    RUNNING = "running"  # a worker holds the lease
    WAITING = "waiting"  # for a person, with a reason
    PAUSED = "paused"  # by a person or by a lack of something, with a reason
    RETRYING = "retrying"  # between two attempts of a stage
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OWED = (SessionStatus.QUEUED, SessionStatus.RUNNING, SessionStatus.RETRYING)  # somebody must work on these
ENDED = (SessionStatus.COMPLETED, SessionStatus.FAILED, SessionStatus.CANCELLED)


class StageStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Session(models.Model):
    """One research run. `fence` only rises; a write that carries a lower one changes nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    prompt = models.TextField()
    options = models.JSONField(default=dict)  # artifacts.Options
    status = models.CharField(max_length=12, choices=SessionStatus.choices, default=SessionStatus.QUEUED)
    reason = models.CharField(max_length=64, blank=True, default="")
    error = models.TextField(blank=True, default="")

    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="branches"
    )
    base = models.ForeignKey(
        "Checkpoint", null=True, blank=True, on_delete=models.PROTECT, related_name="branches"
    )

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    lease_owner = models.CharField(max_length=120, blank=True, default="")
    lease_until = models.FloatField(default=0)  # seconds since the epoch, the database's clock
    fence = models.BigIntegerField(default=0)
    deaths = models.PositiveSmallIntegerField(default=0)  # workers that died holding it since the last commit
    retry_at = models.FloatField(default=0)  # not before this second, the database's clock
    wish = models.CharField(max_length=8, blank=True, default="")  # a person's `pause`, not yet reached
    checkpoint_sequence = models.PositiveIntegerField(default=0)
    commit_token = models.CharField(max_length=32, blank=True, default="")  # of the last commit (B29)

    budget_microusd = models.BigIntegerField(null=True, blank=True)
    cost_microusd = models.BigIntegerField(default=0)
    in_doubt_microusd = models.BigIntegerField(default=0)
    citations = models.JSONField(default=dict, blank=True)  # counts by verdict, and fabricated

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at", "-id"], name="session_of_owner"),
            models.Index(
                fields=["created_at"],
                name="session_owed",
                condition=models.Q(status__in=["queued", "running", "retrying"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class StageRun(models.Model):
    """How one stage of one session stands. At most one result is ever committed (I3)."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="stages")
    stage = models.CharField(max_length=16)
    status = models.CharField(max_length=12, choices=StageStatus.choices, default=StageStatus.QUEUED)
    attempt = models.PositiveIntegerField(default=0)  # every start counts, also after a death
    errors = models.PositiveSmallIntegerField(default=0)  # attempts that ended in an error of their own
    started_at = models.DateTimeField(null=True, blank=True)
    duration_seconds = models.FloatField(null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["session", "stage"], name="one_row_per_stage")
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.status}"


class Checkpoint(models.Model):
    """What one stage added. The chain of `parent`s, over branches too, is the whole state."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="checkpoints")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    sequence = models.PositiveIntegerField()  # 1, 2 … within the session
    stage = models.CharField(max_length=16)
    attempt = models.PositiveSmallIntegerField()
    fence = models.BigIntegerField()
    schema = models.CharField(max_length=40)
    schema_version = models.PositiveSmallIntegerField()
    blob = models.FileField(max_length=255)
    bytes = models.PositiveBigIntegerField()  # of the blob
    raw_bytes = models.PositiveBigIntegerField()  # before compression
    digest = models.CharField(max_length=64)  # sha256 of the whole blob
    key_id = models.CharField(max_length=16)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["sequence"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["session", "sequence"], name="one_checkpoint_per_sequence"),
            models.UniqueConstraint(fields=["session", "stage"], name="one_committed_result_per_stage"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.stage}"


class JournalStatus(models.TextChoices):
    STARTED = "started"  # on its way; at a kill: in doubt
    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"  # was on its way when its worker died; repeated once, booked at its reserve


class JournalEntry(models.Model):
    """One paid or slow call, keyed by what is asked, never by attempt or time."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="journal")
    stage = models.CharField(max_length=16)
    path = models.CharField(max_length=120)  # where in the stage
    ordinal = models.PositiveIntegerField()  # which of the equal calls at this path
    provider = models.CharField(max_length=80)
    request_digest = models.CharField(max_length=64)  # sha256 of the canonical request
    status = models.CharField(max_length=10, choices=JournalStatus.choices, default=JournalStatus.STARTED)
    fence = models.BigIntegerField()
    calls = models.PositiveSmallIntegerField(default=1)  # how often it was sent; above 1 only after a death
    idempotency_key = models.CharField(max_length=64)
    answer = models.BinaryField(null=True, blank=True)  # JSON, zstd
    error = models.TextField(blank=True, default="")
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    reserve_microusd = models.BigIntegerField(default=0)
    cost_microusd = models.BigIntegerField(null=True, blank=True)  # null = unknown
    in_doubt_microusd = models.BigIntegerField(default=0)  # reserves of calls whose answer never came
    started_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["session", "stage", "path", "ordinal", "provider", "request_digest"],
                name="one_row_per_call",
            )
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.path} {self.ordinal} {self.status}"


class Report(models.Model):
    """One draft of the report as people read it, and the file it was published as."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="reports")
    draft = models.PositiveSmallIntegerField()
    checkpoint = models.ForeignKey(Checkpoint, null=True, on_delete=models.SET_NULL, related_name="+")
    file = models.FileField(max_length=255)  # Markdown
    digest = models.CharField(max_length=64)
    words = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["session", "draft"], name="one_row_per_draft")
        ]

    def __str__(self) -> str:
        return f"draft {self.draft}"


class Claim(models.Model):
    """One asserting sentence of a finished report with its verdict: the ledger."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="claims")
    draft = models.PositiveSmallIntegerField()
    ordinal = models.PositiveIntegerField()
    section = models.SmallIntegerField()  # -1 = summary
    text = models.TextField()
    verdict = models.CharField(max_length=12)
    tier = models.CharField(max_length=24)
    confidence = models.FloatField()
    origins = models.PositiveSmallIntegerField(default=0)
    spans = models.JSONField(default=list)  # artifacts.Span

    class Meta:
        ordering: ClassVar[list[str]] = ["ordinal"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["session", "draft", "ordinal"], name="one_row_per_claim")
        ]

    def __str__(self) -> str:
        return f"{self.ordinal} {self.verdict}"


class Collection(models.Model):
    """A named part of one person's library."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["owner", "name"], name="one_collection_per_name")
        ]

    def __str__(self) -> str:
        return self.name


class Document(models.Model):
    """One document of a person's library. Its kept text never changes: a new version is a new row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    collections = models.ManyToManyField(Collection, related_name="documents", blank=True)
    kind = models.CharField(max_length=12)  # pdf docx html markdown text jsonl
    title = models.TextField()
    name = models.TextField()  # file name, row id or address, as given
    external_id = models.CharField(max_length=200, blank=True, default="")  # `_id` of a JSONL row
    digest = models.CharField(max_length=64)  # sha256 of the content as given
    version = models.CharField(max_length=64)  # sha256 of the kept text
    bytes = models.PositiveBigIntegerField()
    chars = models.PositiveIntegerField()
    passage_count = models.PositiveIntegerField(default=0)
    metadata = models.JSONField(default=dict, blank=True)  # authors, year, doi, url, pages …
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["owner", "digest"], name="one_document_per_content")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at", "-id"], name="document_of_owner"),
            models.Index(fields=["owner", "external_id"], name="document_by_external_id"),
        ]

    def __str__(self) -> str:
        return self.title


class DocumentText(models.Model):
    """The kept text that offsets of passages and spans count in. Apart, so that lists stay light."""

    document = models.OneToOneField(Document, on_delete=models.CASCADE, primary_key=True, related_name="text")
    text = models.TextField()

    def __str__(self) -> str:
        return str(self.document_id)


class Passage(models.Model):
    """A slice of the kept text: text[start:end]."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="passages")
    ordinal = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar[list[str]] = ["ordinal"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["document", "ordinal"], name="one_passage_per_ordinal")
        ]

    def __str__(self) -> str:
        return f"{self.document_id} {self.start}:{self.end}"


class ApiToken(models.Model):
    """A key to the API. Only the digest of the secret is kept; the token is shown once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    name = models.CharField(max_length=120, blank=True, default="")
    scopes = models.JSONField(default=list)  # empty = everything its owner may do
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.prefix


class LoginLink(models.Model):
    """A sign-in link: valid 15 minutes, used once by a button on its page."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.user_id)


class IdempotencyRecord(models.Model):
    """The first answer to a creating request, kept 24 hours for its repeats."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    operation = models.CharField(max_length=120)  # method and path
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)  # 0 = still running
    answer: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["owner", "key", "operation"], name="one_answer_per_key")
        ]

    def __str__(self) -> str:
        return self.key
