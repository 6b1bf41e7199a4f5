"""What a person may read, and how."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from research import queries
from research.errors import InvalidInput, NotFound, ReportNotReady, UnknownChoice
from research.models import Checkpoint, Session
from research.pipeline import STAGES
from research.services import branch_session
from tests.integration.worlds import ask, engine, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["engine"]


def test_a_finished_session_is_shown_whole(owner: User) -> None:
    session = ask(owner)
    assert queries.session_json(session)["report_path"] is None
    run(session)
    shown = queries.session_json(queries.get_session(owner, session.pk))
    assert [stage["stage"] for stage in shown["stages"]] == list(STAGES)
    assert {stage["status"] for stage in shown["stages"]} == {"completed", "skipped"}
    assert (shown["success"], shown["status"], shown["owner"]) == (True, "completed", "owner")
    assert set(shown["citations"]) == set(queries.CITATIONS)
    assert shown["citations"]["fabricated"] == 0
    assert shown["citations"]["total"] > 0
    assert Path(shown["report_path"]).is_absolute()
    assert Path(shown["report_path"]).read_text() == queries.report_text(session)
    assert [each["sequence"] for each in shown["checkpoints"]] == [1, 2, 3, 4, 5, 6, 7]
    assert shown["total_duration_seconds"] > 0
    assert shown["parent"] is None


def test_the_report_of_a_branch_stands_on_its_parents_checkpoints(owner: User) -> None:
    session = ask(owner)
    run(session)
    branch = branch_session(session=session, after="search", actor=owner)
    with pytest.raises(ReportNotReady):
        queries.load_report(branch)
    run(branch)
    branch = queries.get_session(owner, branch.pk)
    assert queries.session_json(branch)["parent"] == str(session.pk)
    assert queries.load_report(branch).draft == queries.load_report(session).draft
    assert len(queries.claims_json(branch)) == queries.session_json(branch)["citations"]["total"]


def test_before_the_report_is_written_there_is_none(owner: User) -> None:
    session = ask(owner)
    for read in (queries.load_report, queries.report_text):
        with pytest.raises(ReportNotReady, match="queued"):
            read(session)
    assert queries.claims_json(session) == []


def test_s11_foreign_missing_and_malformed_ids_look_the_same(owner: User, stranger: User) -> None:
    session = ask(owner)
    messages = set()
    for wanted in (str(session.pk), str(uuid.uuid4()), "nonsense", "", "\0", "9" * 400):
        with pytest.raises(NotFound) as caught:
            queries.get_session(stranger, wanted)
        messages.add(caught.value.message)
        with pytest.raises(NotFound) as caught:
            queries.find_session(stranger, wanted)
        messages.add(caught.value.message)
    assert len(messages) == 1
    assert queries.get_session(owner, str(session.pk)) == session
    assert list(queries.sessions_of(stranger)) == []


def test_a_session_is_found_by_the_beginning_of_an_id(owner: User) -> None:
    ids = [uuid.UUID(f"aaaaaaaa-0000-4000-8000-00000000000{number}") for number in (1, 2)]
    now = datetime.now(UTC)
    _, two = [Session.objects.create(id=each, owner=owner, prompt="?", created_at=now) for each in ids]
    with pytest.raises(InvalidInput, match="More than one"):
        queries.find_session(owner, "AAAAaaaa-0")
    assert queries.find_session(owner, "aaaaaaaa-0000-4000-8000-000000000002") == two
    third = ask(owner)
    run(third)
    checkpoint = Checkpoint.objects.filter(session=third).first()
    assert checkpoint is not None
    assert queries.find_session(owner, str(checkpoint.pk)[:13]) == third


def test_lists_filter_by_status_and_words(owner: User) -> None:
    first, second = ask(owner, "Why is tea green?"), ask(owner, "Why is coffee black?")
    assert list(queries.sessions_of(owner)) == [second, first]
    assert list(queries.sessions_of(owner, q="TEA")) == [first]
    assert list(queries.sessions_of(owner, status="failed")) == []
    with pytest.raises(UnknownChoice, match="queued, running"):
        queries.sessions_of(owner, status="sleeping")


def test_pages_repeat_and_hide_nothing(owner: User) -> None:
    asked = [ask(owner, f"Question {number}?") for number in range(5)]
    moment = asked[0].created_at
    Session.objects.update(created_at=moment)  # ties are broken by the id
    seen: list[Session] = []
    cursor: str | None = ""
    while cursor is not None:
        found, cursor = queries.page(queries.sessions_of(owner), limit=2, cursor=cursor)
        seen += found
        if len(seen) == 2:
            ask(owner, "Newer than all?")
    assert sorted(seen, key=lambda each: each.pk) == sorted(asked, key=lambda each: each.pk)


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "%",
        "é",
        "bnVsbA",  # null
        "W10",  # []
        "WyIyMDI2LTAxLTAxIiwgIngiXQ",  # ["2026-01-01", "x"]
        "W1siYSJdLCB7fV0",  # [["a"], {}]
        "x" * 5000,
    ],
)
def test_a_cursor_that_no_list_gave_out_is_refused(owner: User, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        queries.page(queries.sessions_of(owner), limit=2, cursor=cursor)


def test_a_list_asks_the_database_as_often_for_one_as_for_many(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        ask(owner, f"Question {number}?")
        if number in (0, 5):
            with django_assert_num_queries(4):
                found, _ = queries.page(queries.sessions_of(owner), limit=20)
                assert len([queries.session_json(session) for session in found]) == number + 1
