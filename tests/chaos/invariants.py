"""What must hold after any number of kills. The ids are those of the fault list."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db.models import Count

from research.conf import conf
from research.errors import ProwziError
from research.models import Checkpoint, JournalEntry, Report, Session
from research.store.checkpoints import manager
from telemetry import queries
from telemetry.models import Event


def broken(accepted: Mapping[str, str], references: Mapping[str, str], log: Path) -> list[str]:
    """Everything that does not hold, in words. `accepted`: session id -> question, as the client saw it."""
    return [
        *lost(accepted),
        *stuck(),
        *committed_twice(),
        *chains(),
        *fences(),
        *repeated_calls(log),
        *open_calls(),
        *blobs(),
        *reports(accepted, references),
    ]


def lost(accepted: Mapping[str, str]) -> list[str]:
    known = {str(key) for key in Session.objects.values_list("pk", flat=True)}
    return [f"I1: {key} was accepted and is gone" for key in accepted if key not in known]


def stuck() -> list[str]:
    left = Session.objects.exclude(status="completed")
    return [f"I2: {row.pk} is {row.status} {row.reason} {row.error}" for row in left]


def committed_twice() -> list[str]:
    doubled = Checkpoint.objects.values("session", "stage").annotate(n=Count("pk")).filter(n__gt=1)
    told = Counter(
        Event.objects.filter(status="completed").exclude(stage="").values_list("session_id", "stage")
    )
    twice = [f"I3: {key} completed {count} times" for key, count in told.items() if count > 1]
    return [f"I3: {row}" for row in doubled] + twice


def chains() -> list[str]:
    found = {row.pk: queries.verify(row.pk) for row in Session.objects.all()}
    return [f"I5: {key}: {report.why}" for key, report in found.items() if not report.ok]


def fences() -> list[str]:
    """Later checkpoints of a session never carry a lower fence."""
    problems = []
    for row in Session.objects.all():
        seen = list(row.checkpoints.order_by("sequence").values_list("fence", flat=True))
        if seen != sorted(seen) or (seen and seen[-1] > row.fence):
            problems.append(f"I4: {row.pk}: fences {seen}, now {row.fence}")
    return problems


def calls(log: Path) -> tuple[Counter[str], Counter[str]]:
    """What the engine itself wrote down: calls that arrived and calls that it answered, by session."""
    asked: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for line in log.read_text(encoding="ascii").splitlines():
        row = json.loads(line)
        (asked if row["what"] == "asked" else answered)[row["session"]] += 1
    return asked, answered


def repeated_calls(log: Path) -> list[str]:
    """No call goes out that the journal did not allow; a repeat is allowed only for one left in doubt."""
    asked, _ = calls(log)
    sent: Counter[str] = Counter()
    for session, count in JournalEntry.objects.values_list("session_id", "calls"):
        sent[str(session)] += count
    # A worker may die between the row and the request: then fewer went out than the journal booked.
    return [
        f"I7: {key}: {count} calls went out, the journal knows {sent[key]}"
        for key, count in asked.items()
        if count > sent[key]
    ] + [f"I7: {key}: {why}" for key, why in _undoubted_repeats().items()]


def _undoubted_repeats() -> dict[str, str]:
    """Sessions with more repeats than calls that an event marked as in doubt."""
    repeats: Counter[str] = Counter()
    for session, count in JournalEntry.objects.filter(calls__gt=1).values_list("session_id", "calls"):
        repeats[str(session)] += count - 1
    doubted: Counter[str] = Counter()
    for event in Event.objects.filter(status="in_doubt"):
        details: Any = event.details
        details = json.loads(details) if isinstance(details, str) else details
        doubted[str(event.session_id)] += details["calls"]
    return {
        key: f"{count} calls were repeated, {doubted[key]} were in doubt"
        for key, count in repeats.items()
        if count > doubted[key]
    }


def open_calls() -> list[str]:
    rows = JournalEntry.objects.exclude(status="done").count()
    return [f"I8: {rows} calls of completed sessions are not done"] if rows else []


def blobs() -> list[str]:
    problems = []
    for row in Checkpoint.objects.all():
        try:
            manager.read(row)
        except ProwziError as error:
            problems.append(f"I9: {row.pk}: {error.code}")
    return problems


def reports(accepted: Mapping[str, str], references: Mapping[str, str]) -> list[str]:
    return [
        f"I10: the report of {key} differs from the undisturbed one"
        for key, question in accepted.items()
        if report(key) != references[question]
    ]


def report(session_id: str) -> str:
    row = Report.objects.filter(session_id=session_id).first()
    return (conf().data_dir / str(row.file.name)).read_text(encoding="utf-8") if row else ""


def call_figures(log: Path) -> dict[str, int]:
    _, answered = calls(log)
    return {
        "calls answered by the engine": sum(answered.values()),
        "calls sent again, all in doubt": JournalEntry.objects.filter(calls__gt=1).count(),
        "most sends of one call": max(JournalEntry.objects.values_list("calls", flat=True), default=0),
    }
