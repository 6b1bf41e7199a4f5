"""Repeats of creating requests: the same Idempotency-Key creates one thing."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test import Client

from research import services
from research.models import ApiToken, IdempotencyRecord, Session
from tests.integration.doors import bearer, client, post, problem
from tests.integration.worlds import QUESTION, ask, engine, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["client", "engine"]
KEY = {"Idempotency-Key": "one-key"}


def test_a_repeat_gets_the_first_answer(client: Client) -> None:
    first = post(client, "/sessions", {"prompt": QUESTION}, **KEY)
    again = post(client, "/sessions", {"prompt": QUESTION}, **KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Session.objects.count() == 1


def test_without_a_key_every_request_counts(client: Client) -> None:
    for _ in range(2):
        assert post(client, "/sessions", {"prompt": QUESTION}).status_code == 201
    assert Session.objects.count() == 2


def test_a_key_belongs_to_one_request_of_one_person(client: Client, colleague: User) -> None:
    post(client, "/sessions", {"prompt": QUESTION}, **KEY)
    problem(post(client, "/sessions", {"prompt": "Another?"}, **KEY), 422, "idempotency_key_reused")
    assert post(client, "/library/collections", {"name": "teas"}, **KEY).status_code == 201
    assert post(bearer(colleague), "/sessions", {"prompt": "Another?"}, **KEY).status_code == 201
    assert Session.objects.count() == 2


@pytest.mark.parametrize("key", ["x" * 256, "with space", "é"])
def test_a_key_that_is_none_is_refused(client: Client, key: str) -> None:
    header = {"Idempotency-Key": key}
    problem(post(client, "/sessions", {"prompt": QUESTION}, **header), 422, "invalid_input")
    assert not Session.objects.exists()


def test_a_key_is_kept_for_a_day(client: Client) -> None:
    post(client, "/sessions", {"prompt": QUESTION}, **KEY)
    IdempotencyRecord.objects.update(created_at=F("created_at") - timedelta(hours=24, seconds=1))
    assert post(client, "/sessions", {"prompt": "Another?"}, **KEY).status_code == 201


def test_a_refused_request_does_not_use_its_key_up(client: Client) -> None:
    problem(post(client, "/sessions", {"prompt": ""}, **KEY), 422, "invalid_input")
    assert post(client, "/sessions", {"prompt": QUESTION}, **KEY).status_code == 201


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@pytest.mark.parametrize("place", ["FP01", "FP02"])
def test_b01_a_start_that_was_killed_is_repeated_to_one_session(
    client: Client, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def die(name: str) -> None:
        if name == place:
            raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(services, "failpoint", die)
        with pytest.raises(Killed):
            post(client, "/sessions", {"prompt": QUESTION}, **KEY)
    assert not Session.objects.exists()
    for _ in range(2):
        assert post(client, "/sessions", {"prompt": QUESTION}, **KEY).status_code == 201
    assert Session.objects.count() == 1


def test_two_at_once_create_one(client: Client, owner: User) -> None:
    clients, answers, start = [bearer(owner), bearer(owner)], [], Barrier(2)

    def knock(each: Client) -> None:
        start.wait(10)
        answers.append(post(each, "/sessions", {"prompt": QUESTION}, **KEY))
        connection.close()

    threads = [Thread(target=knock, args=(each,)) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    codes: list[int] = sorted(answer.status_code for answer in answers)
    assert codes in ([201, 201], [201, 409])
    assert Session.objects.count() == 1


def test_while_the_first_is_at_work_its_twin_is_sent_away(
    client: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins: list[Any] = []
    second = bearer(owner)

    def meet(name: str) -> None:
        if name == "FP01" and not twins:
            twins.append(post(second, "/sessions", {"prompt": QUESTION}, **KEY))

    monkeypatch.setattr(services, "failpoint", meet)
    assert post(client, "/sessions", {"prompt": QUESTION}, **KEY).status_code == 201
    problem(twins[0], 409, "idempotency_in_progress")
    assert int(twins[0]["Retry-After"]) > 0
    assert Session.objects.count() == 1


def test_a_branch_is_made_once(client: Client, owner: User) -> None:
    session = ask(owner)
    run(session)
    path = f"/sessions/{session.pk}/resume"
    first, again = (post(client, path, {"after": "search"}, **KEY).json() for _ in range(2))
    assert first["session_id"] == again["session_id"]
    assert Session.objects.count() == 2


def test_a_repeat_does_not_show_a_token_again(client: Client) -> None:
    first = post(client, "/tokens", {"name": "mine"}, **KEY).json()
    again = post(client, "/tokens", {"name": "mine"}, **KEY).json()
    assert again == {**first, "token": None}
    assert first["token"] not in str(IdempotencyRecord.objects.values_list("answer", flat=True)[0])
    assert ApiToken.objects.filter(name="mine").count() == 1
