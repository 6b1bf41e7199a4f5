"""What the API says when something cannot be done: problem+json for everything, and nothing of the inside."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.test import Client, override_settings

from prowzi_site import logs
from research import errors, manual, queries
from research.api import limits, problems
from tests.integration.doors import V1, bearer, get, post, problem

pytestmark = pytest.mark.django_db(transaction=True)
SECRET_WORDS = "SELECT password FROM auth_user; /srv/prowzi/research/store.py line 42"


@pytest.fixture
def client(owner: User) -> Client:
    limits.LIMITER.forget()
    return bearer(owner)


def kinds_below(kind: type[errors.ProwziError]) -> set[type[errors.ProwziError]]:
    return {kind}.union(*(kinds_below(each) for each in kind.__subclasses__()))


def test_every_code_that_an_answer_may_carry_has_its_page() -> None:
    kinds = (
        kinds_below(errors.UserError) | kinds_below(errors.CheckpointError) | kinds_below(errors.StorageError)
    )
    codes = {kind.code for kind in kinds | {errors.NotReady, problems.DatabaseDown}} - {"user_error"}
    assert len(codes) > 20
    assert [
        code for code in sorted(codes | {*problems.PLAIN_CODES.values()}) if manual.problem(code) is None
    ] == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/nothing/here", 404, "not_found"),
        ("GET", "/sessions/nonsense", 404, "not_found"),
        ("GET", "/sessions/%00", 404, "not_found"),
        ("PUT", "/sessions", 405, "method_not_allowed"),
        ("DELETE", "/library/search", 405, "method_not_allowed"),
        ("PATCH", "/sessions/00000000-0000-4000-8000-000000000000/events", 405, "method_not_allowed"),
    ],
)
def test_even_what_no_endpoint_answers_is_a_problem(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.generic(method, f"{V1}{path}")
    problem(answer, status, code)
    assert ("Allow" in answer) == (status == 405)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ('{"prompt": "?"', 400),
        (b"\xff\xfe", 400),
        ("[" * 100_000, 400),
        ("[]", 422),
        ("null", 422),
        ('"prompt"', 422),
        ('{"prompt": "?", "budget_usd": 1e400}', 422),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(client: Client, body: str | bytes, status: int) -> None:
    for path in ("/sessions", "/tokens"):
        answer = client.post(f"{V1}{path}", body, content_type="application/json")
        assert answer.status_code in (status, 422), (path, answer.content)
        problem(answer, answer.status_code, answer.json()["code"])


def test_a_request_above_the_limit_is_refused_as_too_large(client: Client) -> None:
    answer = client.post(f"{V1}/sessions", b" " * (5 * 2**20), content_type="application/json")
    problem(answer, 413, "too_large")


def test_what_was_sent_is_never_sent_back(client: Client) -> None:
    for body in (
        {"prompt": 5, "x" * 5000: "y" * 5000},
        {"prompt": ["q" * 50_000]},
        {"prompt": "?", "engines": ["z" * 50_000] * 30},
        {"prompt": "?", **{f"field{number}": number for number in range(5000)}},
    ):
        answer = post(client, "/sessions", body)
        problem(answer, 422, answer.json()["code"])
        assert len(answer.content) < 8000


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_ours_shows_nothing_of_the_inside(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, debug: bool
) -> None:
    def stumble(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError(SECRET_WORDS)

    monkeypatch.setattr(queries, "sessions_of", stumble)
    client.raise_request_exception = False
    with override_settings(DEBUG=debug), caplog.at_level(logging.ERROR):
        answer = get(client, "/sessions")
    told = problem(answer, 500, "internal_error")
    assert not any(word in str(told) for word in ("SELECT", "srv", "Runtime", "Traceback", "queries"))
    assert told["instance"].removeprefix("urn:uuid:") == answer["X-Request-Id"]
    assert SECRET_WORDS in caplog.text


def test_the_log_tells_of_a_fault_under_the_requests_id(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(logs.formatter())
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.setattr(queries, "sessions_of", lambda *args, **kwargs: 1 / 0)
    client.raise_request_exception = False
    answer = get(client, "/sessions")
    lines = [json.loads(line) for line in told.getvalue().splitlines()]
    faults = [line for line in lines if "ZeroDivisionError" in line.get("exception", "")]
    assert [line["request_id"] for line in faults] == [answer["X-Request-Id"]]


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_worth_another_try(
    client: Client, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def stumble(*args: Any, **kwargs: Any) -> None:
        raise kind(SECRET_WORDS)

    monkeypatch.setattr(queries, "sessions_of", stumble)
    answer = get(client, "/sessions")
    told = problem(answer, 503, "database_down")
    assert int(answer["Retry-After"]) > 0
    assert "SELECT" not in str(told)


def test_a_database_that_is_away_at_the_door_is_worth_another_try(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(secret: str) -> None:
        raise OperationalError(SECRET_WORDS)

    monkeypatch.setattr("research.tokens.find_token", stumble)
    problem(get(client, "/sessions"), 503, "database_down")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidInput("no"), 422),
        (errors.UnknownChoice("no"), 422),
        (errors.NotFound("no"), 404),
        (errors.IllegalState("no"), 409),
        (errors.PermissionDenied("no"), 403),
        (errors.RateLimited("no", retry_after=7), 429),
        (errors.NotReady("no"), 503),
    ],
)
def test_the_class_of_an_error_decides_its_status(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: errors.ProwziError, status: int
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(queries, "sessions_of", refuse)
    answer = get(client, "/sessions")
    problem(answer, status, error.code)
    if status == 429:
        assert answer["Retry-After"] == "7"


def test_every_answer_tells_what_is_left_and_is_not_kept(client: Client) -> None:
    for answer in (get(client, "/sessions"), get(client, "/sessions", limit=0)):
        assert answer["RateLimit-Policy"].startswith('"read";q=')
        assert answer["RateLimit"].startswith('"read";r=')
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_who_asks_too_often_is_told_when_to_come_back(
    client: Client, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits.LIMITER, "_clock", lambda: 30.0)
    monkeypatch.setattr("research.api.auth.READ", limits.Policy("read", 2, 60))
    assert [get(client, "/sessions").status_code for _ in range(3)] == [200, 200, 429]
    answer = get(client, "/sessions")
    problem(answer, 429, "rate_limited")
    assert answer["Retry-After"] == "30"
    assert answer["RateLimit"] == '"read";r=0;t=30'
    assert get(bearer(colleague), "/sessions").status_code == 200
    monkeypatch.setattr(limits.LIMITER, "_clock", lambda: 61.0)
    assert get(client, "/sessions").status_code == 200


def test_the_description_and_its_page_need_no_foreign_server(client: Client) -> None:
    schema = client.get(f"{V1}/openapi.json").json()
    assert schema["openapi"].startswith("3.")
    assert "/api/v1/sessions/{session_id}/events" in schema["paths"]
    page = Client().get(f"{V1}/docs").content.decode()
    assert "/static/ninja/swagger-ui-bundle.js" in page
    assert "https://" not in page.replace("https://www.w3.org", "")
