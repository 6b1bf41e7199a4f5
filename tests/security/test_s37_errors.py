"""S12, S24, S37, S38: what goes in is what is known, and what comes out says nothing of the inside."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client

from research import services, tokens
from research.api import limits
from research.models import Session
from tests.integration.worlds import ask, engine
from tests.security import rules
from tests.security.rules import RULES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["engine"]

V1 = "/api/v1"
INSIDE = re.compile(
    r"Traceback|File \"|\.py\b|/site-packages|SELECT |INSERT |research_|sqlite|django|ninja|pydantic|python/"
    r"|0x[0-9a-f]{6}",
    re.IGNORECASE,
)


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    limits.LIMITER.forget()


@pytest.fixture
def client(owner: User) -> Client:
    _, secret = tokens.create_token(owner=owner)
    return Client(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)


def check(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content[:500]
    assert answer["Content-Type"] == "application/problem+json"
    assert len(answer.content) < 8000
    text = answer.content.decode()
    assert not INSIDE.search(text), text
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "code", "instance"} <= set(body)
    assert body["status"] == status
    assert body["instance"] == f"urn:uuid:{answer['X-Request-Id']}"
    return body


def test_s37_every_kind_of_failure_is_a_problem_that_says_nothing_of_the_inside(client: Client) -> None:
    assert check(client.get(f"{V1}/nonsense"), 404)["code"] == "not_found"
    assert check(client.get(f"{V1}/sessions/not-an-id"), 404)["code"] == "not_found"
    wrong_method = client.put(f"{V1}/sessions")
    assert check(wrong_method, 405)["code"] == "method_not_allowed"
    assert set(wrong_method["Allow"].split(", ")) == {"GET", "POST"}
    for body in ("{", "[" * 100_000, "\xff\xfe", "", "null", "[]", '"x"'):
        answer = client.post(f"{V1}/sessions", body, content_type="application/json")
        assert check(answer, answer.status_code)["status"] in (400, 422), body[:20]


@pytest.mark.parametrize("error", [RuntimeError("secret /etc/passwd SELECT 1"), KeyError("research_session")])
def test_s37_a_bug_is_a_500_with_an_id(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(**_: Any) -> Session:
        raise error

    monkeypatch.setattr(services, "start_session", broken)
    answer = client.post(f"{V1}/sessions", {"prompt": "Why?"}, content_type="application/json")
    body = check(answer, 500)
    assert body["code"] == "internal_error"
    assert "secret" not in str(body)


def test_s37_debug_pages_do_not_reach_the_api(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.DEBUG = True
    monkeypatch.setattr(services, "start_session", lambda **_: 1 / 0)
    check(client.post(f"{V1}/sessions", {"prompt": "Why?"}, content_type="application/json"), 500)
    check(client.get(f"{V1}/nonsense"), 404)


def test_s37_a_database_that_is_away_is_a_503_to_come_back_to(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> Session:
        raise OperationalError("could not connect to server at 10.0.0.7")

    monkeypatch.setattr(services, "start_session", away)
    answer = client.post(f"{V1}/sessions", {"prompt": "Why?"}, content_type="application/json")
    assert check(answer, 503)["code"] == "database_down"
    assert int(answer["Retry-After"]) > 0


def test_s37_huge_input_does_not_come_back(client: Client) -> None:
    huge = "A" * 300_000
    for body in (
        {"prompt": huge},
        {"prompt": "Why?", "llm": huge},
        {"prompt": "Why?", "engines": [huge] * 5},
        {"prompt": "Why?", huge: 1},
        {"prompt": "Why?", **{f"field{number}": huge[:100] for number in range(2000)}},
        {"prompt": {"deep": huge}},
    ):
        answer = client.post(f"{V1}/sessions", json.dumps(body), content_type="application/json")
        check(answer, 422)
        assert b"A" * 200 not in answer.content
    check(client.get(f"{V1}/sessions?limit={'9' * 5000}"), 422)
    check(client.get(f"{V1}/sessions?q={'A' * 5000}"), 422)
    check(client.get(f"{V1}/sessions/{'A' * 5000}"), 404)
    check(client.get(f"{V1}/sessions?cursor={'A' * 5000}"), 422)
    too_big = client.post(f"{V1}/sessions", b"A" * (5 * 2**20), content_type="application/json")
    assert check(too_big, too_big.status_code)["status"] in (400, 413)


def test_s12_no_field_that_is_not_ours_to_give_is_taken(client: Client, stranger: User) -> None:
    forbidden = {
        "owner_id": stranger.pk,
        "owner": "stranger",
        "is_staff": True,
        "fence": 9,
        "status": "completed",
        "cost_microusd": 0,
        "cost_usd": 0,
        "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "digest": "0" * 64,
        "prefix": "aaaaaaaa",
        "checkpoints": False,
    }
    takes_json = ["POST /sessions", "POST /sessions/estimate", "POST /library/collections", "POST /tokens"]
    for operation in takes_json:
        for name, value in forbidden.items():
            body = {**RULES[operation].body, name: value}
            answer = client.post(rules.missing().path(operation), body, content_type="application/json")
            assert [each["pointer"] for each in check(answer, 422)["errors"]] == [f"/{name}"], operation
    form = client.post(f"{V1}/sessions", {"prompt": "Why?", "owner_id": stranger.pk})
    assert [each["pointer"] for each in check(form, 422)["errors"]] == ["/owner_id"]
    assert not Session.objects.exists()


def test_s12_no_field_of_the_inside_goes_out(client: Client, owner: User) -> None:
    session = ask(owner)
    shown = client.get(f"{V1}/sessions/{session.pk}").json()
    inside = {field.name for field in Session._meta.get_fields()} - set(shown)
    assert {"fence", "lease_owner", "lease_until", "commit_token", "wish", "deaths", "base"} <= inside
    assert set(shown) == {
        *("session_id", "status", "reason", "error", "prompt", "options", "owner", "parent", "created_at"),
        *(
            "started_at",
            "completed_at",
            "total_duration_seconds",
            "total_retries",
            "failed_stages",
            "success",
        ),
        *("cost_usd", "cost_in_doubt_usd", "budget_usd", "stages", "checkpoints", "citations", "report_path"),
    }


def test_s24_every_answer_is_private_and_typed(client: Client, owner: User) -> None:
    paths = [rules.missing().path(each) for each in RULES] + [
        f"{V1}/nonsense",
        f"{V1}/openapi.json",
        f"{V1}/docs",
    ]
    for path in paths:
        for answer in (client.get(path), Client().get(path)):
            assert answer["Cache-Control"] == "no-store", path
            assert answer["X-Content-Type-Options"] == "nosniff", path
            assert answer["X-Frame-Options"] == "DENY", path
            assert "Server" not in answer.headers


def test_s38_order_and_filters_are_not_the_clients_to_choose(client: Client, owner: User) -> None:
    ask(owner, "First?")
    ask(owner, "Second?")
    usual = client.get(f"{V1}/sessions").json()
    for query in (
        "order_by=prompt",
        "order_by=owner__password",
        "ordering=-fence",
        "prompt__startswith=F",
        "owner__password__startswith=m",
        "status__in=failed",
        "order_by=created_at%0A;DROP",
    ):
        assert client.get(f"{V1}/sessions?{query}").json() == usual, query


def test_s31_what_is_left_is_told_and_more_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("research.api.auth.READ", limits.Policy("read", 2, 60))
    answers = [client.get(f"{V1}/sessions") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == '"read";q=2;w=60'
    assert [re.sub(r"t=\d+", "t=", answer["RateLimit"]) for answer in answers] == [
        '"read";r=1;t=',
        '"read";r=0;t=',
        '"read";r=0;t=',
    ]
    assert check(answers[2], 429)["code"] == "rate_limited"
    assert 1 <= int(answers[2]["Retry-After"]) <= 60


def test_the_documentation_needs_no_other_server(owner: User) -> None:
    page = Client().get(f"{V1}/docs").content.decode()
    assert "/static/ninja/swagger-ui-bundle.js" in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    schema = Client().get(f"{V1}/openapi.json").json()
    assert schema["openapi"].startswith("3.")
    assert rules.operations() == sorted(RULES)
