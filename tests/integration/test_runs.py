"""One run from question to report, through the store that really keeps it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from research.models import Checkpoint, JournalEntry, Report, Session, StageRun
from research.pipeline import STAGES
from research.store.heartbeat import Heartbeat
from telemetry import queries
from tests.integration.worlds import SmallEngine, ask, beside, engine, run

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["engine"]


def events(session: Session) -> list[tuple[str | None, str]]:
    return [(event.stage, event.status) for event in queries.all_events(session.pk)]


def test_a_question_becomes_a_report_with_a_checkpoint_per_stage(owner: User, engine: SmallEngine) -> None:
    session = ask(owner)
    assert run(session).status == "completed"
    assert session.status == "completed"
    assert session.citations["fabricated"] == 0
    assert session.citations["total"] > 0
    report = Report.objects.get(session=session)
    assert report.words > 0
    kept = list(Checkpoint.objects.filter(session=session).values_list("stage", "sequence"))
    done = [row.stage for row in StageRun.objects.filter(session=session, status="completed")]
    assert [stage for stage, _ in kept] == [stage for stage in STAGES if stage in done]
    assert [sequence for _, sequence in kept] == list(range(1, len(kept) + 1))
    assert queries.verify(session.pk).ok


def test_the_events_tell_the_run_in_order(owner: User, engine: SmallEngine) -> None:
    session = ask(owner)
    run(session)
    told = events(session)
    assert told[:2] == [(None, "created"), (None, "started")]
    assert told[-1] == (None, "completed")
    stages = [stage for stage, status in told if status in ("completed", "skipped") and stage]
    assert stages == list(STAGES)


def test_every_search_is_one_journal_row(owner: User, engine: SmallEngine) -> None:
    session = ask(owner)
    run(session)
    rows: Any = JournalEntry.objects.filter(session=session)
    assert rows.count() == len(engine.asked) > 0
    assert set(rows.values_list("status", "calls")) == {("done", 1)}


def test_giving_the_lease_back_at_the_end_is_not_heard_as_losing_it(
    owner: User, engine: SmallEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heartbeat may beat between the last commit and the run's return."""
    session = ask(owner)
    told: list[str] = []

    def beat_after_commit(session_id: uuid.UUID) -> None:
        session.refresh_from_db()
        if session.status == "completed":
            watched = [listener for _, listener in beats[0]._watched.values()]
            told.extend("lost" for _ in watched)
            for listener in watched:
                listener("lost")

    beats: list[Heartbeat] = []
    enter = Heartbeat.__enter__

    def remember(heartbeat: Heartbeat) -> Heartbeat:
        beats.append(heartbeat)
        return enter(heartbeat)

    monkeypatch.setattr(Heartbeat, "__enter__", remember)
    monkeypatch.setattr("research.store.gateway.heartbeat.tell", _in_thread(beat_after_commit))
    assert run(session).status == "completed"
    assert told


def _in_thread(act: Callable[[uuid.UUID], None]) -> Callable[[uuid.UUID], None]:
    """Django's ORM refuses the loop's own thread."""

    def call(session_id: uuid.UUID) -> None:
        beside(lambda: act(session_id)).join()

    return call
