"""Sessions over the API: ask, look, decide, read."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_q.models import OrmQ
from pytest_django import DjangoAssertNumQueries

from research.conf import conf
from research.models import Checkpoint, Session
from research.pipeline import STAGES
from research.services import LONGEST_PROMPT
from tests.integration.doors import V1, client, get, post, problem
from tests.integration.worlds import QUESTION, ask, engine, finished, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["client", "engine", "finished"]


def test_a_question_is_accepted_and_shown_where_location_says(client: Client, owner: User) -> None:
    answer = post(client, "/sessions", {"prompt": QUESTION, "max_sections": 3, "budget_usd": "2.50"})
    assert answer.status_code == 201
    created = answer.json()
    assert answer["Location"] == f"{V1}/sessions/{created['session_id']}"
    assert Session.objects.get().options["max_sections"] == 3
    assert OrmQ.objects.count() == 1
    shown = client.get(answer["Location"]).json()
    assert {**shown, "refused": []} == created
    assert (shown["status"], shown["owner"], shown["budget_usd"]) == ("queued", owner.username, 2.5)
    assert [stage["stage"] for stage in shown["stages"]] == list(STAGES)
    assert set(shown["citations"].values()) == {0}
    assert shown["report_path"] is None
    assert shown["parent"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"prompt": ""}, "/prompt"),
        ({"prompt": " \n\t "}, "/prompt"),
        ({"prompt": "x" * (LONGEST_PROMPT + 1)}, "/prompt"),
        ({"prompt": "What is a \0?"}, "/prompt"),
        ({"prompt": "half a \ud800 letter"}, "/prompt"),
        ({"prompt": 7}, "/prompt"),
        ({}, "/prompt"),
        ({"prompt": "?", "engines": ["oracle"]}, "/engines"),
        ({"prompt": "?", "engines": []}, "/engines"),
        ({"prompt": "?", "llm": "crystal-ball"}, "/llm"),
        ({"prompt": "?", "documents": [str(uuid.uuid4())]}, "/documents"),
        ({"prompt": "?", "documents": ["nonsense"]}, "/documents"),
        ({"prompt": "?", "collections": ["not mine"]}, "/collections"),
        ({"prompt": "?", "max_results": 0}, "/max_results"),
        ({"prompt": "?", "max_sections": 0}, "/max_sections"),
        ({"prompt": "?", "budget_usd": -1}, "/budget_usd"),
        ({"prompt": "?", "budget_usd": "NaN"}, "/budget_usd"),
        ({"prompt": "?", "owner_id": 1}, "/owner_id"),
        ({"prompt": "?", "status": "completed"}, "/status"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_the_name_of_its_field(
    client: Client, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], pointer: str
) -> None:
    if "engines" in body:
        monkeypatch.undo()  # the real engines know which of them there are
    answer = post(client, "/sessions", body)
    assert answer.status_code == 422, answer.content
    refused = problem(answer, 422, answer.json()["code"])
    assert [each["pointer"] for each in refused["errors"]] == [pointer]
    assert len(answer.content) < 2000
    assert not Session.objects.exists()
    assert not OrmQ.objects.exists()


@pytest.mark.parametrize(
    "prompt", ["x" * LONGEST_PROMPT, "ما هو تأثير القهوة على النوم؟", "睡眠とコーヒー", "\u202eabc", "👩‍👩‍👧"]
)
def test_every_script_and_length_may_be_asked(client: Client, prompt: str) -> None:
    answer = post(client, "/sessions", {"prompt": prompt, "max_results": 1})
    assert answer.status_code == 201
    assert answer.json()["prompt"] == prompt


def test_an_estimate_gives_ranges_and_starts_nothing(client: Client, owner: User) -> None:
    body = {"prompt": QUESTION, "max_sections": 4}
    first = post(client, "/sessions/estimate", body).json()
    assert first["stages"] == [7, 8]
    assert first["cost_usd"] == [0, 0]
    assert first["minutes"] is None
    assert first["calls"][0] <= first["calls"][1]
    assert not Session.objects.exists()
    run(ask(owner))
    low, high = post(client, "/sessions/estimate", body).json()["minutes"]
    assert 0 <= low <= high


def test_lists_filter_and_go_on_at_their_cursor(client: Client, owner: User, colleague: User) -> None:
    asked = [str(ask(owner, f"Question {number} about tea?").pk) for number in range(3)]
    ask(colleague, "A colleague's question about tea?")
    first = get(client, "/sessions", limit=2, q="TEA").json()
    rest = get(client, "/sessions", limit=2, q="TEA", cursor=first["next"]).json()
    assert [each["session_id"] for each in first["items"] + rest["items"]] == asked[::-1]
    assert rest["next"] is None
    assert get(client, "/sessions", status="failed").json() == {"items": [], "next": None}
    assert len(get(client, "/sessions", status="queued").json()["items"]) == 3


@pytest.mark.parametrize(
    "query",
    [
        {"status": "sleeping"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "many"},
        {"cursor": "nonsense"},
        {"q": "\0"},
    ],
)
def test_a_list_that_cannot_be_given_is_refused(client: Client, query: dict[str, str]) -> None:
    answer = get(client, "/sessions", **query)
    assert answer.status_code == 422
    refused = problem(answer, 422, answer.json()["code"])
    assert [each["pointer"] for each in refused["errors"]] == ["/" + next(iter(query))]


def test_a_list_asks_the_database_as_often_for_one_as_for_many(
    client: Client, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ask(owner)
    get(client, "/sessions")  # the token's first use is noted
    with django_assert_max_num_queries(20) as one:
        assert len(get(client, "/sessions").json()["items"]) == 1
    for number in range(9):
        ask(owner, f"Question {number}?")
    with django_assert_max_num_queries(20) as many:
        assert len(get(client, "/sessions").json()["items"]) == 10
    assert len(many) == len(one)


def test_a_persons_verbs_answer_with_the_session_and_refuse_what_does_not_fit(
    client: Client, owner: User
) -> None:
    path = f"/sessions/{ask(owner).pk}"
    for verb, status in [
        ("pause", "paused"),
        ("resume", "queued"),
        ("resume", "queued"),
        ("cancel", "cancelled"),
        ("cancel", "cancelled"),
    ]:
        answer = post(client, f"{path}/{verb}")
        assert (answer.status_code, answer.json()["status"]) == (202, status)
    for verb in ("pause", "resume", "approve"):
        problem(post(client, f"{path}/{verb}"), 409, "illegal_state")


def test_a_verb_needs_no_body_at_all(client: Client, owner: User) -> None:
    path = f"{V1}/sessions/{ask(owner).pk}"
    for verb in ("pause", "resume"):
        assert client.generic("POST", f"{path}/{verb}").status_code == 202


def test_resume_after_a_stage_makes_a_branch(client: Client, finished: Session) -> None:
    path = f"/sessions/{finished.pk}"
    answer = post(client, f"{path}/resume", {"after": "search"})
    branch = answer.json()
    assert answer.status_code == 202
    assert answer["Location"] == f"{V1}/sessions/{branch['session_id']}"
    assert branch["parent"] == str(finished.pk)
    assert [stage["status"] for stage in branch["stages"]][:4] == ["completed"] * 3 + ["queued"]
    problem(post(client, f"{path}/resume", {"after": "lunch"}), 422, "invalid_input")
    problem(post(client, f"{path}/resume", {"before": "search"}), 422, "invalid_input")
    told = problem(client.delete(f"{V1}{path}"), 409, "illegal_state")
    assert branch["session_id"] in told["detail"]


def test_only_a_session_at_rest_is_deleted(client: Client, owner: User) -> None:
    path = f"/sessions/{ask(owner).pk}"
    problem(client.delete(f"{V1}{path}"), 409, "illegal_state")
    post(client, f"{path}/cancel")
    answer = client.delete(f"{V1}{path}")
    assert (answer.status_code, answer.content) == (204, b"")
    problem(get(client, path), 404, "not_found")


def test_a_report_comes_in_every_format(client: Client, finished: Session) -> None:
    path = f"/sessions/{finished.pk}/report"
    published = Path(get(client, f"/sessions/{finished.pk}").json()["report_path"])
    markdown = get(client, path)
    assert markdown.content == published.read_bytes()
    assert markdown["Content-Type"].startswith("text/markdown")
    page = get(client, path, format="html")
    assert page["Content-Type"].startswith("text/html")
    assert "sandbox" in page["Content-Security-Policy"]
    data = get(client, path, format="json").json()
    assert data["session_id"] == str(finished.pk)
    assert data["citations"]["fabricated"] == 0
    refused = problem(get(client, path, format="papyrus"), 422, "unknown_choice")
    assert "html, json, md" in refused["detail"]


def test_before_it_is_written_a_report_is_not_ready(client: Client, owner: User) -> None:
    problem(get(client, f"/sessions/{ask(owner).pk}/report"), 404, "report_not_ready")


def test_metrics_checkpoints_and_claims_of_a_session(client: Client, finished: Session) -> None:
    path = f"/sessions/{finished.pk}"
    metrics = get(client, f"{path}/telemetry").json()
    assert metrics["success"] is True
    assert {stage["stage"] for stage in metrics["stages"]} == set(STAGES)
    claims = get(client, f"{path}/claims", limit=100).json()["items"]
    assert len(claims) == get(client, path).json()["citations"]["total"]
    assert all(claim["text"] and claim["verdict"] for claim in claims)
    lines = get(client, f"{path}/checkpoints").json()["items"]
    assert [line["sequence"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    checkpoint = get(client, f"/checkpoints/{lines[2]['id']}").json()
    assert checkpoint["stage"] == "search"
    assert checkpoint["session_id"] == str(finished.pk)
    assert checkpoint["schema"] == "SearchResult"
    assert checkpoint["content"]["sources"]
    assert "blob" not in checkpoint


def test_a_broken_checkpoint_says_what_is_wrong_with_it(client: Client, finished: Session) -> None:
    row = Checkpoint.objects.get(session=finished, stage="search")
    file = conf().data_dir / "checkpoints" / str(row.blob.name)
    blob = file.read_bytes()
    for bad, code in ((blob[:-9], "checkpoint_truncated"), (blob[:-1] + b"\0", "checkpoint_tampered")):
        file.chmod(0o600)
        file.write_bytes(bad)
        answer = get(client, f"/checkpoints/{row.pk}")
        told = problem(answer, answer.status_code, code)
        assert answer.status_code >= 400
        assert str(file) not in str(told)
    file.unlink()
    answer = get(client, f"/checkpoints/{row.pk}")
    told = problem(answer, answer.status_code, "checkpoint_missing")
    assert str(conf().data_dir) not in str(told)
