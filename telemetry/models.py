"""Streams of events, gauges, and the audit log. Written by telemetry.collector alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn, TypeVar

from django.db import models

from telemetry.errors import AppendOnly

M = TypeVar("M", bound=models.Model)


class AppendOnlyQuerySet(models.QuerySet[M, M]):
    """Adds and reads; every way to change or remove rows is refused."""

    def _refuse(self) -> NoReturn:
        raise AppendOnly(self.model.__name__)

    def update(self, **kwargs: Any) -> int:
        self._refuse()

    def delete(self) -> tuple[int, dict[str, int]]:
        self._refuse()

    def bulk_update(self, objs: Iterable[M], fields: Iterable[str], batch_size: int | None = None) -> int:
        self._refuse()

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        if kwargs.get("update_conflicts"):
            self._refuse()
        return super().bulk_create(objs, *args, **kwargs)

    def _raw_delete(self, using: str | None) -> int:  # the admin's and the deletion collector's back door
        self._refuse()


class AppendOnlyModel(models.Model):
    """A row that, once written, stays as it is."""

    objects: ClassVar[Any] = models.Manager.from_queryset(AppendOnlyQuerySet)()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly(type(self).__name__)
        # force_insert: an explicit primary key must never turn an insert into an update.
        super().save(force_insert=True, using=kwargs.get("using"))

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly(type(self).__name__)


class EventStream(AppendOnlyModel):
    """One session's log: who it belongs to and where its chain ends. Only the collector moves the head."""

    session_id = models.UUIDField(primary_key=True)
    owner_id = models.IntegerField(null=True)  # no foreign key: telemetry keeps ids only
    label = models.TextField(blank=True)
    last_seq = models.BigIntegerField(default=0)
    last_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    metadata = models.JSONField(default=dict)

    class Meta(AppendOnlyModel.Meta):
        abstract = False
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-created_at"], name="stream_by_age"),
            models.Index(fields=["owner_id", "-created_at"], name="stream_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} up to {self.last_seq}"


class Event(AppendOnlyModel):
    """One record of a session's chain; the fields are those of telemetry.events.Event."""

    session_id = models.UUIDField()
    seq = models.BigIntegerField()
    stage = models.CharField(max_length=40, blank=True)  # blank = the session itself
    status = models.CharField(max_length=40)
    attempt = models.IntegerField(null=True)
    duration_seconds = models.FloatField(null=True)
    details = models.TextField(default="{}")  # canonical JSON, as hashed
    error = models.TextField(blank=True)
    at = models.DateTimeField()
    hash = models.CharField(max_length=64)

    class Meta(AppendOnlyModel.Meta):
        abstract = False
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["session_id", "seq"], name="one_event_per_seq")
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.stage or 'session'} {self.status}"


class Gauge(models.Model):
    """How something stands now, such as the length of a queue. Only the last value is kept."""

    name = models.CharField(max_length=80)
    labels = models.CharField(max_length=500, default="{}")  # canonical JSON
    value = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["name", "labels"], name="one_gauge_per_labels")
        ]

    def __str__(self) -> str:
        return f"{self.name}{self.labels} {self.value}"


class AuditRecord(AppendOnlyModel):
    """Who did what to what: deletions and security events."""

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=80)
    object_kind = models.CharField(max_length=80)
    object_id = models.CharField(max_length=200)
    details = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object_kind} {self.object_id}"
