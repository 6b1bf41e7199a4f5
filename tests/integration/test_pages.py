"""The few pages there are: who gets in, and by which door."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from research import tokens
from research.api.limits import DOOR, LIMITER
from research.models import LoginLink
from tests.integration.worlds import ask, engine, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["engine"]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    LIMITER.forget()


def csrf_of(answer: Any) -> dict[str, str]:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.content.decode())
    assert found
    return {"csrfmiddlewaretoken": found[1]}


def signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_the_first_page_asks_to_sign_in_and_then_lists_what_is_mine(owner: User, stranger: User) -> None:
    client = Client()
    assert client.get("/")["Location"] == "/accounts/login/?next=/"
    mine, theirs = ask(owner, "What is <b>mine</b>?"), ask(stranger, "What is theirs?")
    run(mine)
    client.force_login(owner)
    page = client.get("/").content.decode()
    assert "What is &lt;b&gt;mine&lt;/b&gt;?" in page
    assert f"/api/v1/sessions/{mine.pk}/report?format=md" in page
    assert 'data-status="completed"' in page
    assert str(theirs.pk) not in page
    assert "theirs" not in page


def test_an_empty_list_says_what_to_do(owner: User) -> None:
    client = Client()
    client.force_login(owner)
    assert "Nothing here yet" in client.get("/").content.decode()


def test_pages_have_no_inline_script_or_style(owner: User) -> None:
    client = Client()
    link = tokens.create_login_link(owner)
    pages = [
        client.get(path).content.decode() for path in ("/accounts/login/", link, "/docs/problems/not_found/")
    ]
    client.force_login(owner)
    ask(owner)
    pages.append(client.get("/").content.decode())
    for page in pages:
        assert "<h1>" in page
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|https?://", page)


def test_a_password_signs_in_with_a_new_session_and_out_again(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    form = csrf_of(client.get("/accounts/login/"))
    wrong = client.post("/accounts/login/", {**form, "username": "owner", "password": "nonsense"})
    unknown = client.post("/accounts/login/", {**form, "username": "nobody", "password": "nonsense"})
    assert wrong.status_code == unknown.status_code == 200
    assert re.sub(r'value="\w*"', "", wrong.content.decode()) == re.sub(
        r'value="\w*"', "", unknown.content.decode()
    )
    answer = client.post("/accounts/login/", {**form, "username": "owner", "password": "a long pass phrase"})
    assert answer["Location"] == "/"
    assert signed_in(client)
    client.post("/accounts/logout/", csrf_of(client.get("/")))
    assert not signed_in(client)


def test_s30_guesses_are_limited_for_a_name_from_any_address(owner: User) -> None:
    client = Client()
    guess = {"username": "owner", "password": "nonsense"}
    for number in range(DOOR.quota):
        address = f"10.0.{number}.1"
        assert client.post("/accounts/login/", guess, REMOTE_ADDR=address).status_code == 200
    answer = client.post("/accounts/login/", {**guess, "username": "OWNER"}, HTTP_X_FORWARDED_FOR="10.9.9.9")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_a_sign_in_link_works_once_and_only_by_its_button(owner: User) -> None:
    path = tokens.create_login_link(owner)
    client = Client(enforce_csrf_checks=True)
    page = client.get(path)
    assert not signed_in(client)
    assert client.get(path).status_code == 200  # a preview has used nothing up
    assert client.post(path).status_code == 403
    assert client.post(path, csrf_of(page))["Location"] == "/"
    assert signed_in(client)
    again = Client()
    assert again.get(path).status_code == 404
    assert again.post(path).status_code == 404
    assert not signed_in(again)


def test_a_sign_in_link_ends_after_a_quarter_of_an_hour(owner: User) -> None:
    path = tokens.create_login_link(owner)
    link = LoginLink.objects.get()
    assert link.expires_at - datetime.now(UTC) <= timedelta(minutes=15)
    LoginLink.objects.update(expires_at=datetime.now(UTC))
    assert Client().get(path).status_code == 404
    assert Client().post(path).status_code == 404


def test_a_sign_in_link_of_somebody_who_left_opens_nothing(owner: User) -> None:
    path = tokens.create_login_link(owner)
    User.objects.update(is_active=False)
    assert Client().get(path).status_code == 404
    assert Client().post(path).status_code == 404


def test_s15_a_sign_in_link_is_not_in_the_database(owner: User) -> None:
    secret = tokens.create_login_link(owner).split("/")[-2]
    assert len(secret) == 43
    assert secret not in str(list(LoginLink.objects.values()))


def test_every_code_of_the_api_has_its_page() -> None:
    from research import errors
    from research.api import problems

    classes = [*vars(errors).values(), *vars(problems).values()]
    codes = {each.code for each in classes if isinstance(each, type) and issubclass(each, errors.ProwziError)}
    codes |= set(problems._PLAIN_CODES.values())
    assert len(codes) > 30
    missing = {code for code in codes if Client().get(f"/docs/problems/{code}/").status_code != 200}
    assert missing == set()
    assert Client().get("/docs/problems/nonsense/").status_code == 404
