"""S13, S14: a cookie changes something only with the CSRF token; a key and a cookie never mix."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from research import tokens
from research.api.limits import LIMITER
from research.models import Session
from tests.security import rules
from tests.security.rules import RULES

pytestmark = pytest.mark.django_db(transaction=True)

UNSAFE = sorted(each for each in RULES if not each.startswith("GET "))


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    LIMITER.forget()


@pytest.fixture
def browser(owner: User) -> Client:
    """Signed in, with a CSRF cookie, as a real browser that the attacker's page makes requests with."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    client.get("/")
    assert "csrftoken" in client.cookies
    return client


def token_of(client: Client) -> str:
    return str(client.cookies["csrftoken"].value)


def refused(answer: Any) -> bool:
    return bool(answer.status_code == 403 and answer.json()["code"] == "csrf_failed")


def test_s13_a_cookie_alone_changes_nothing(browser: Client) -> None:
    foreign = {"X-CSRFToken": token_of(browser), "Origin": "https://evil.example"}
    for operation in UNSAFE:
        path, verb = rules.missing().path(operation), operation.partition(" ")[0].lower()
        assert refused(rules.call(browser, operation, path)), operation
        assert refused(rules.call(browser, operation, path, **{"X-CSRFToken": "a" * 32})), operation
        assert refused(rules.call(browser, operation, path, **foreign)), operation
        plain = getattr(browser, verb)(path, '{"prompt": "Why?"}', content_type="text/plain")
        assert refused(plain), operation
    assert not Session.objects.exists()


def test_s13_with_the_sites_token_it_passes(browser: Client) -> None:
    for operation in UNSAFE:
        path, headers = rules.missing().path(operation), {"X-CSRFToken": token_of(browser)}
        assert rules.call(browser, operation, path, **headers).status_code in (200, 201, 404), operation


def test_s13_no_get_changes_anything(browser: Client, owner: User) -> None:
    paths = [rules.missing().path(each) for each in RULES]
    with CaptureQueriesContext(connection) as told:
        for path in paths:
            browser.get(path)
    assert [each["sql"] for each in told if re.match(r"\s*(INSERT|UPDATE|DELETE)", each["sql"])] == []


def test_s14_a_bad_key_beside_a_good_cookie_is_refused_as_a_bad_key(browser: Client) -> None:
    for operation in UNSAFE:
        for key in ("Bearer nonsense", "Bearer ", "Basic b3duZXI6eA==", "prowzi_x", ""):
            LIMITER.forget()
            headers = {"Authorization": key, "X-CSRFToken": token_of(browser)}
            answer = rules.call(browser, operation, rules.missing().path(operation), **headers)
            assert answer.status_code == 401, (operation, key)
    assert not Session.objects.exists()


def test_s14_a_good_key_acts_for_its_owner_not_for_the_cookies(browser: Client, colleague: User) -> None:
    _, secret = tokens.create_token(owner=colleague)
    answer = rules.call(browser, "POST /sessions", "/api/v1/sessions", Authorization=f"Bearer {secret}")
    assert (answer.status_code, answer.json()["owner"]) == (201, "colleague")


def test_s14_a_key_is_no_cookie_and_no_parameter(owner: User) -> None:
    _, secret = tokens.create_token(owner=owner)
    client = Client()
    for name in ("sessionid", "token", "Authorization"):
        client.cookies[name] = secret
    assert client.get("/api/v1/sessions").status_code == 401
    for query in (
        f"?token={secret}",
        f"?key={secret}",
        f"?access_token={secret}",
        f"?Authorization=Bearer {secret}",
    ):
        assert Client().get(f"/api/v1/sessions{query}").status_code == 401
    assert client.get("/").status_code == 302


def test_s14_a_cookie_of_somebody_who_left_opens_nothing(browser: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert browser.get("/api/v1/sessions").status_code == 401
