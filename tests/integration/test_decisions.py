"""A person's verbs, and what becomes of a run when something goes wrong."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django_q.models import OrmQ

from research import services
from research.artifacts import Artifact, Options
from research.conf import conf
from research.errors import IllegalState, InvalidInput, ProviderRefused, ProviderUnavailable, UnknownChoice
from research.models import Checkpoint, JournalEntry, Report, Session, StageRun
from research.pipeline import PIPELINE, STAGES
from research.stage import Agent, ResearchState, StageSpec
from research.store.checkpoints import manager
from research.toolbox import Toolbox
from telemetry import queries
from telemetry.models import AuditRecord
from tests.integration.worlds import SmallEngine, ask, beside, engine, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["engine"]


def statuses(session: Session) -> list[str]:
    return [event.status for event in queries.all_events(session.pk)]


def markdown(session: Session) -> str:
    report = Report.objects.get(session=session)
    return (conf().data_dir / str(report.file.name)).read_text(encoding="utf-8")


def with_agent(stage: str, agent: Agent, **changes: Any) -> tuple[StageSpec, ...]:
    return tuple(replace(spec, agent=agent, **changes) if spec.name == stage else spec for spec in PIPELINE)


def failing(stage: str, errors: list[Exception]) -> tuple[StageSpec, ...]:
    """The pipeline with one stage that raises these errors first, one an attempt."""
    real = next(spec.agent for spec in PIPELINE if spec.name == stage)

    async def agent(state: ResearchState, tools: Toolbox) -> Artifact:
        if errors:
            raise errors.pop(0)
        return await real(state, tools)

    return with_agent(stage, agent)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("research.orchestrator.FIRST_DELAY", 0.01)


# --- starting -----------------------------------------------------------------------------------


def test_a_session_and_its_wake_up_appear_together(owner: User) -> None:
    session = ask(owner)
    assert str(session.pk) in OrmQ.objects.get().payload
    assert StageRun.objects.filter(session=session, status="queued").count() == len(STAGES)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("x" * 200_001, "200,000"),
        ("a\0b", "NUL"),
        ("a\ud800b", "surrogate"),
    ],
)
def test_a_question_that_cannot_be_researched_is_refused_with_a_reason(
    owner: User, prompt: str, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says) as refusal:
        ask(owner, prompt)
    assert refusal.value.pointer == "/prompt"
    assert Session.objects.count() == 0


@pytest.mark.parametrize("prompt", ["מה השעה?", "ما هو الوقت؟ \u202e evil", "x" * 200_000, "{{7*7}}"])
def test_a_strange_question_is_kept_as_it_is(owner: User, prompt: str) -> None:
    session = ask(owner, prompt)
    session.refresh_from_db()
    assert session.prompt == prompt


@pytest.mark.parametrize(
    ("options", "error", "pointer"),
    [
        ({"llm": "oracle"}, UnknownChoice, "/llm"),
        ({"engines": []}, InvalidInput, "/engines"),
        ({"max_results": 0}, InvalidInput, "/max_results"),
        ({"max_results": 1001}, InvalidInput, "/max_results"),
        ({"max_sections": 0}, InvalidInput, "/max_sections"),
        ({"documents": [str(uuid.uuid4())]}, InvalidInput, "/documents"),
        ({"documents": ["nonsense"]}, InvalidInput, "/documents"),
        ({"collections": ["nowhere"]}, InvalidInput, "/collections"),
    ],
)
def test_options_that_cannot_be_run_are_refused_before_anything_starts(
    owner: User, options: dict[str, Any], error: type[InvalidInput], pointer: str
) -> None:
    with pytest.raises(error) as refusal:
        ask(owner, **options)
    assert refusal.value.pointer == pointer
    assert Session.objects.count() == 0


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_waiting")
def test_a_passing_error_costs_an_attempt_not_the_session(owner: User) -> None:
    session = ask(owner)
    errors: list[Exception] = [ProviderUnavailable("gone"), RuntimeError("a bug with a secret inside")]
    assert run(session, failing("planning", errors)).status == "completed"
    row = StageRun.objects.get(session=session, stage="planning")
    assert (row.attempt, row.errors) == (3, 2)
    assert statuses(session).count("retrying") == 2
    assert "secret" not in str([event.as_json() for event in queries.all_events(session.pk)])


@pytest.mark.usefixtures("no_waiting")
def test_attempts_end_and_the_session_fails_with_what_happened(owner: User) -> None:
    session = ask(owner)
    assert run(session, failing("planning", [ProviderUnavailable("gone")] * 9)).status == "failed"
    assert (session.status, session.error) == ("failed", "gone")
    assert StageRun.objects.get(session=session, stage="planning").status == "failed"
    services.resume_session(session=session, actor=owner)
    assert run(session).status == "completed"


def test_an_error_that_repetition_cannot_help_fails_at_once(owner: User) -> None:
    session = ask(owner)
    assert run(session, failing("intent", [ProviderRefused("no")])).status == "failed"
    assert StageRun.objects.get(session=session, stage="intent").attempt == 1


@pytest.mark.usefixtures("no_waiting")
def test_a_stage_has_a_deadline_of_its_own(owner: User) -> None:
    async def hang(state: ResearchState, tools: Toolbox) -> Artifact:
        await asyncio.sleep(60)
        raise AssertionError

    session = ask(owner)
    pipeline = with_agent("intent", hang, deadline=0.05, attempts=2)
    assert run(session, pipeline).status == "failed"
    assert "longer than" in session.error


# --- a person's verbs ---------------------------------------------------------------------------


def during(stage: str, act: Callable[[], Any]) -> tuple[StageSpec, ...]:
    """The pipeline with something happening while a stage is at work."""
    real = next(spec.agent for spec in PIPELINE if spec.name == stage)

    async def agent(state: ResearchState, tools: Toolbox) -> Artifact:
        done = beside(act)
        await asyncio.get_running_loop().run_in_executor(None, done.join)
        return await real(state, tools)

    return with_agent(stage, agent)


def test_a_pause_is_reached_at_the_next_call_and_resume_goes_on(owner: User, engine: SmallEngine) -> None:
    session = ask(owner)
    outcome = run(session, during("search", lambda: services.pause_session(session=session, actor=owner)))
    assert (outcome.status, session.status, session.reason) == ("paused", "paused", "person")
    assert engine.asked == []
    services.resume_session(session=session, actor=owner)
    assert run(session).status == "completed"
    assert StageRun.objects.get(session=session, stage="intent").attempt == 1


def test_b51_after_a_cancel_nothing_more_is_called_or_committed(owner: User, engine: SmallEngine) -> None:
    session = ask(owner)
    outcome = run(session, during("search", lambda: services.cancel_session(session=session, actor=owner)))
    assert (outcome.status, session.status) == ("lost", "cancelled")
    assert engine.asked == []
    assert statuses(session)[-1] == "cancelled"
    with pytest.raises(IllegalState):
        services.resume_session(session=session, actor=owner)
    with pytest.raises(IllegalState):
        services.pause_session(session=session, actor=owner)


def test_a_queued_session_is_paused_and_cancelled_at_once(owner: User) -> None:
    session = services.pause_session(session=ask(owner), actor=owner)
    assert session.status == "paused"
    assert run(session).status == "busy"
    assert services.cancel_session(session=session, actor=owner).status == "cancelled"


def test_a_plan_waits_for_its_approval_and_holds_no_worker(owner: User) -> None:
    session = ask(owner, approve_plan=True)
    assert run(session).status == "waiting"
    assert (session.status, session.reason, session.lease_owner) == ("waiting", "plan", "")
    with pytest.raises(IllegalState, match="approve"):
        services.resume_session(session=session, actor=owner)
    services.approve_session(session=session, actor=owner)
    assert run(session).status == "completed"
    assert "approved" in statuses(session)


def test_two_resumes_at_once_queue_it_once(owner: User) -> None:
    session = services.pause_session(session=ask(owner), actor=owner)
    OrmQ.objects.all().delete()
    for _ in range(2):
        assert services.resume_session(session=session, actor=owner).status == "queued"
    assert OrmQ.objects.count() == 1
    assert statuses(session).count("resumed") == 1


def test_resuming_a_completed_session_changes_nothing(owner: User) -> None:
    session = ask(owner)
    run(session)
    told = statuses(session)
    assert services.resume_session(session=session, actor=owner).status == "completed"
    assert statuses(session) == told


def test_a_branch_keeps_what_came_before_and_leaves_its_parent_alone(
    owner: User, engine: SmallEngine
) -> None:
    session = ask(owner)
    run(session)
    parent = (Session.objects.values().get(pk=session.pk), statuses(session))
    asked = len(engine.asked)
    branch = services.branch_session(session=session, after="verification", actor=owner)
    assert run(branch).status == "completed"
    assert len(engine.asked) == asked
    assert (Session.objects.values().get(pk=session.pk), statuses(session)) == parent
    assert Checkpoint.objects.filter(session=branch).first().stage == "writing"  # type: ignore[union-attr]
    assert markdown(branch) == markdown(session)
    assert services.branch_session(session=branch, after="intent", actor=owner).parent_id == branch.pk


def test_a_branch_after_nothing_is_refused(owner: User) -> None:
    session = ask(owner)
    with pytest.raises(IllegalState, match="no checkpoint"):
        services.branch_session(session=session, after="search", actor=owner)
    with pytest.raises(InvalidInput, match="no stage"):
        services.branch_session(session=session, after="thinking", actor=owner)


def test_s44_deleting_a_session_leaves_one_audit_record_and_nothing_else(owner: User) -> None:
    session = ask(owner)
    with pytest.raises(IllegalState, match="Cancel"):
        services.delete_session(session=session, actor=owner)
    run(session)
    branch = services.branch_session(session=session, after="writing", actor=owner)
    with pytest.raises(IllegalState, match=str(branch.pk)):
        services.delete_session(session=session, actor=owner)
    services.cancel_session(session=branch, actor=owner)
    key, files = branch.pk, list(manager.store().keys())
    assert any(str(session.pk) in name for name in files)
    services.delete_session(session=branch, actor=owner)
    gone = session.pk
    services.delete_session(session=session, actor=owner)
    assert Session.objects.count() == JournalEntry.objects.count() == 0
    assert [name for name in list(manager.store().keys()) if str(gone) in name] == []
    assert list((conf().data_dir / "reports").rglob(f"{gone}*")) == []
    assert queries.stream_head(gone) is None
    assert set(AuditRecord.objects.values_list("object_id", flat=True)) == {str(key), str(gone)}


# --- checkpoints --------------------------------------------------------------------------------


def until(session: Session, stage: str) -> None:
    """Run until a stage has committed, then let it be taken up anew."""
    pipeline = failing(STAGES[STAGES.index(stage) + 1], [ProviderRefused("stop here")])
    assert run(session, pipeline).status == "failed"


def blob_of(session: Session, stage: str) -> Path:
    checkpoint = Checkpoint.objects.get(session=session, stage=stage)
    return conf().data_dir / "checkpoints" / str(checkpoint.blob.name)


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "checkpoint_truncated"),
        (
            lambda path: path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])),
            "checkpoint_tampered",
        ),
        (lambda path: path.unlink(), "checkpoint_missing"),
    ],
)
def test_b21_a_broken_checkpoint_costs_its_stage_and_no_call(
    owner: User, engine: SmallEngine, harm: Callable[[Path], Any], code: str
) -> None:
    session = ask(owner)
    until(session, "verification")
    asked = len(engine.asked)
    harm(blob_of(session, "search"))
    services.resume_session(session=session, actor=owner)
    assert run(session).status == "completed"
    assert len(engine.asked) == asked
    assert code in str([event.as_json() for event in queries.all_events(session.pk)])
    assert StageRun.objects.get(session=session, stage="planning").attempt == 1


def test_b23_a_checkpoint_of_another_session_is_refused(owner: User) -> None:
    mine, other = ask(owner), ask(owner, "What does light do to sleep?")
    for session in (mine, other):
        until(session, "search")
    blob_of(mine, "search").write_bytes(blob_of(other, "search").read_bytes())
    services.resume_session(session=mine, actor=owner)
    assert run(mine).status == "completed"
    assert "checkpoint_mismatch" in str([event.as_json() for event in queries.all_events(mine.pk)])


def test_b25_a_checkpoint_that_is_too_new_parks_the_session_until_the_upgrade(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ask(owner)
    until(session, "search")
    services.resume_session(session=session, actor=owner)
    with monkeypatch.context() as older:
        older.setattr("research.store.checkpoints.codec.FORMAT", 0)
        assert run(session).status == "paused"
    assert session.reason == "checkpoint_too_new"
    services.resume_session(session=session, actor=owner)
    assert run(session).status == "completed"


def test_without_checkpoints_a_run_works_and_a_crash_starts_it_over(owner: User, engine: SmallEngine) -> None:
    session = ask(owner, checkpoints=False)
    until(session, "search")
    asked = len(engine.asked)
    services.resume_session(session=session, actor=owner)
    assert run(session).status == "completed"
    assert Checkpoint.objects.filter(session=session).count() == 0
    assert StageRun.objects.get(session=session, stage="intent").attempt == 2
    assert len(engine.asked) == asked  # the journal still answers


def test_every_stage_reads_only_what_was_committed(owner: User) -> None:
    session = ask(owner)
    run(session)
    chain = manager.chain(session)
    for checkpoint in chain:
        spec = next(each for each in PIPELINE if each.name == checkpoint.stage)
        assert spec.artifact.model_validate(manager.read(checkpoint)).model_dump(mode="json")
    assert [each.parent_id for each in chain] == [None, *(each.pk for each in chain[:-1])]


def test_options_travel_as_they_were_given(owner: User) -> None:
    session = ask(owner, max_results=7, max_sections=2)
    assert Options(**session.options).max_results == 7


def test_b11_a_blob_whose_commit_never_came_is_collected_after_a_day(owner: User) -> None:
    session = ask(owner)
    run(session)
    committed = blob_of(session, "intent")
    orphan = committed.with_name("00001-intent-f1-0123456789ab.ckpt")
    young = committed.with_name("00001-intent-f2-0123456789ab.ckpt")
    for path in (orphan, young):
        path.write_bytes(b"published, never committed")
    for path in (orphan, committed):
        os.utime(path, (0, path.stat().st_mtime - 90_000))
    assert manager.collect_garbage(86_400) == 1
    assert [path.exists() for path in (orphan, young, committed)] == [False, True, True]
