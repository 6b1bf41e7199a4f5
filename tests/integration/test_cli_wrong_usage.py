"""What cannot be run is said in one clear message, before anything is started."""

from __future__ import annotations

import io
import sys

import pytest
from django.contrib.auth.models import User

from research.models import Session
from tests.integration.cli import NOBODYS_ID, prowzi
from tests.integration.worlds import QUESTION

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("root", password="a long pass phrase")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([""], "The question is empty"),
        (["  \n"], "The question is empty"),
        (["x" * 200_001], "200,001 characters; the most is 200,000"),
        (["why\0"], "a NUL character at position 4"),
        (["why\udcff"], "lone surrogate"),
        ([QUESTION, "--engine", "nowhere"], "no engine 'nowhere'. Choose from:"),
        ([QUESTION, "--llm", "hal-9000"], "no llm 'hal-9000'"),
        ([QUESTION, "--max-sections", "0"], "max_sections is between"),
        ([QUESTION, "--max-results", "0"], "max_results is"),
        ([QUESTION, "--max-results", "many"], "invalid int value"),
        ([QUESTION, "--budget", "-1"], "budget_usd is an amount"),
        ([QUESTION, "--budget", "NaN"], "budget_usd is an amount"),
        ([QUESTION, "--budget", "lots"], "not an amount of US dollars"),
        ([QUESTION, "--collection", "none such"], "no collection 'none such'"),
        ([QUESTION, "--output", "report.doc"], "names no format. Choose one of: .html, .json, .md"),
        ([QUESTION, "--output", "/nowhere/at/all/report.md"], "its folder does not exist"),
        ([], "PROMPT"),
    ],
)
def test_wrong_usage_is_one_clear_message_and_nothing_is_started(
    admin: User, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)  # argparse's own messages
    answer = prowzi("run", *arguments)
    assert answer.status == 2
    assert said in answer.err + heard.getvalue()
    assert "Traceback" not in answer.err
    assert not Session.objects.exists()


@pytest.mark.parametrize("command", ["resume", "show", "monitor", "pause", "cancel", "approve", "export"])
@pytest.mark.parametrize("key", [NOBODYS_ID, "7c9e", "no-id-at-all", "", "\0", "\udcff", "%", "../x"])
def test_what_is_nobodys_or_no_id_is_3(admin: User, command: str, key: str) -> None:
    answer = prowzi(command, key)
    assert (answer.status, answer.out) == (3, "")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("command", ["resume", "show", "monitor", "pause", "cancel", "approve", "export"])
def test_a_session_of_another_person_does_not_exist(admin: User, owner: User, command: str) -> None:
    key = _asked(owner)
    foreign, missing = prowzi(command, key), prowzi(command, NOBODYS_ID)
    assert foreign.status == missing.status == 3
    assert foreign.err.replace(key, "") == missing.err.replace(NOBODYS_ID, "")


def _asked(owner: User) -> str:
    session = Session.objects.create(owner=owner, prompt=QUESTION, created_at="2026-01-02T03:04:05Z")
    return str(session.pk)


def test_an_unknown_user_is_3(admin: User) -> None:
    answer = prowzi("sessions", "--user", "nobody")
    assert answer.status == 3
    assert "createsuperuser" in answer.err


def test_a_beginning_that_fits_two_sessions_is_wrong_usage(admin: User) -> None:
    for last in (1, 2):
        Session.objects.create(
            id=f"7c9e6679-7425-40de-944b-e07fc1f90ae{last}",
            owner=admin,
            prompt=QUESTION,
            created_at="2026-01-02T03:04:05Z",
        )
    assert prowzi("show", "7c9e6679").status == 2
    assert prowzi("show", "7c9e6679-7425-40de-944b-e07fc1f90ae2").status == 0


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["sessions", "--status", "sleeping"], 2),
        (["sessions", "--limit", "many"], 2),
        (["token", "create", "nobody"], 3),
        (["token", "create", "root", "--scope", "everything"], 2),
        (["token", "create", "root", "--expires", "0"], 2),
        (["token", "revoke", "12345678"], 3),
        (["token"], 2),
        (["login-link", "nobody"], 3),
        (["demo", "--sessions", "-1"], 2),
        (["export", NOBODYS_ID, "--format", "papyrus"], 2),
        (["export", NOBODYS_ID, "--output", "report.doc"], 2),
    ],
)
def test_each_refusal_has_the_status_of_the_contract(
    admin: User, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert prowzi(*arguments).status == status
