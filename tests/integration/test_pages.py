"""The few pages there are: recent sessions, signing in, what a problem means."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from research import tokens
from research.api.limits import LIMITER
from research.models import LoginLink
from tests.integration.worlds import ask, engine, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["engine"]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    LIMITER.forget()


def test_the_first_page_asks_to_sign_in(client: Client) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/")


def test_a_person_sees_their_sessions_and_nobody_elses(client: Client, owner: User, colleague: User) -> None:
    session, _ = ask(owner, "Is <b>tea</b> healthy?"), ask(colleague, "A question of a colleague")
    client.force_login(owner)
    page = client.get("/").content.decode()
    assert "Is &lt;b&gt;tea&lt;/b&gt; healthy?" in page
    assert 'data-status="queued"' in page
    assert "colleague" not in page
    assert "/report" not in page
    run(session)
    page = client.get("/").content.decode()
    assert 'data-status="completed"' in page
    links = re.findall(r'href="(/api/v1/sessions/[^"]+)"', page)
    assert links
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200


def test_an_empty_home_says_what_to_do(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "prowzi run" in client.get("/").content.decode()


def test_pages_hold_no_script_and_no_style_of_their_own(client: Client, owner: User) -> None:
    link = tokens.create_login_link(owner)
    pages = [
        client.get(path).content.decode() for path in ("/accounts/login/", link, "/docs/problems/not_found/")
    ]
    client.force_login(owner)
    for page in [*pages, client.get("/").content.decode()]:
        assert not re.search(r"<script|<style| style=| on\w+=", page)
        assert '<html lang="en">' in page


def test_signing_in_with_a_password(client: Client, owner: User) -> None:
    form = {"username": "owner", "password": "wrong"}
    wrong = client.post("/accounts/login/", form)
    assert (wrong.status_code, 'role="alert"' in wrong.content.decode()) == (200, True)
    right = client.post("/accounts/login/", {**form, "password": "a long pass phrase"})
    assert (right.status_code, right["Location"]) == (302, "/")
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org/", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(client: Client, owner: User, elsewhere: str) -> None:
    form = {"username": "owner", "password": "a long pass phrase", "next": elsewhere}
    assert client.post("/accounts/login/", form)["Location"] == "/"


def test_a_sign_in_link_works_once_and_by_its_button_only(client: Client, owner: User) -> None:
    link = tokens.create_login_link(owner)
    for _ in range(2):
        assert client.get(link).status_code == 200
        assert "_auth_user_id" not in client.session
    assert client.post(link)["Location"] == "/"
    assert client.session["_auth_user_id"] == str(owner.pk)
    other = Client()
    for answer in (other.get(link), other.post(link)):
        assert answer.status_code == 404
    assert "_auth_user_id" not in other.session


def test_a_sign_in_link_ends_after_its_time_and_with_its_person(client: Client, owner: User) -> None:
    late, gone = tokens.create_login_link(owner), tokens.create_login_link(owner)
    LoginLink.objects.filter(pk=LoginLink.objects.earliest("pk").pk).update(expires_at=datetime.now(UTC))
    assert client.post(late).status_code == 404
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert client.post(gone).status_code == 404
    assert "_auth_user_id" not in client.session


def test_the_button_of_a_link_needs_its_page(owner: User) -> None:
    link = tokens.create_login_link(owner)
    assert Client(enforce_csrf_checks=True).post(link).status_code == 403
    assert LoginLink.objects.get().used_at is None


def test_only_a_digest_of_the_link_is_kept(owner: User) -> None:
    secret = tokens.create_login_link(owner).split("/")[3]
    assert secret not in str(list(LoginLink.objects.values()))


def test_a_problems_type_is_a_page(client: Client) -> None:
    told = client.get("/api/v1/nothing").json()
    page = client.get(told["type"])
    assert page.status_code == 200
    assert told["code"] in page.content.decode()
    assert client.get("/docs/problems/no-such-code/").status_code == 404
