"""S11: every object is its owner's alone. Generated from what the API says it has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from research import tokens
from research.api.limits import LIMITER
from research.models import ApiToken, Collection, Document, Session
from tests.integration.worlds import engine, run
from tests.security import rules
from tests.security.rules import LIST, MAKE, OWN, RULES, Belongings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["engine"]

OPERATIONS = sorted(RULES)


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    LIMITER.forget()


@pytest.fixture
def theirs(owner: User) -> Belongings:
    return rules.belongings_of(owner, run)


def bearer(user: User, **options: Any) -> Client:
    _, secret = tokens.create_token(owner=user, **options)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def counts() -> list[Any]:
    sessions = Session.objects.values_list("pk", "status", "fence")
    return [list(sessions), Document.objects.count(), Collection.objects.count(), ApiToken.objects.count()]


def test_s11_every_operation_has_a_rule() -> None:
    assert rules.operations() == OPERATIONS


def test_s11_nobody_and_no_dead_key_gets_anything(owner: User, theirs: Belongings) -> None:
    expired, revoked = bearer(owner, name="expired"), bearer(owner, name="revoked")
    ApiToken.objects.filter(name="expired").update(expires_at=datetime.now(UTC))
    ApiToken.objects.filter(name="revoked").update(revoked_at=datetime.now(UTC))
    before = counts()
    for operation in OPERATIONS:
        for client in (Client(), expired, revoked):
            LIMITER.forget()
            answer = rules.call(client, operation, theirs.path(operation))
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), operation
            assert answer["WWW-Authenticate"].startswith("Bearer")
    assert counts() == before


def test_s11_foreign_and_missing_look_the_same(stranger: User, theirs: Belongings) -> None:
    client = bearer(stranger)
    for operation in [each for each in OPERATIONS if RULES[each].kind == OWN]:
        before = counts()
        foreign = rules.call(client, operation, theirs.path(operation))
        missing = rules.call(client, operation, rules.missing().path(operation))
        assert foreign.status_code == missing.status_code == 404, operation
        without_id = [{**answer.json(), "instance": ""} for answer in (foreign, missing)]
        assert without_id[0] == without_id[1], operation
        assert counts() == before, operation


def test_s11_lists_show_only_what_is_mine(stranger: User, owner: User, theirs: Belongings) -> None:
    client, mine = bearer(stranger), bearer(owner)
    for operation in [each for each in OPERATIONS if RULES[each].kind == LIST]:
        answer = rules.call(client, operation, theirs.path(operation))
        assert answer.status_code == 200, operation
        assert not [word for word in theirs.words if word in answer.content.decode()], operation
        own = rules.call(mine, operation, theirs.path(operation)).content.decode()
        assert [word for word in theirs.words if word in own], operation


def test_s11_what_is_made_belongs_to_its_maker(stranger: User, owner: User, theirs: Belongings) -> None:
    client = bearer(stranger)
    made = [each for each in OPERATIONS if RULES[each].kind == MAKE]
    for operation in made:
        assert rules.call(client, operation, theirs.path(operation)).status_code in (200, 201), operation
    assert Session.objects.filter(owner=stranger).count() == 1
    assert Document.objects.filter(owner=stranger).count() == 1
    assert Session.objects.filter(owner=owner).count() == 1
    assert Document.objects.filter(owner=owner).count() == 1


def test_s11_a_question_cannot_read_another_persons_library(stranger: User, theirs: Belongings) -> None:
    client = bearer(stranger)
    for field, value in (("documents", theirs.ids["document_id"]), ("collections", "owners shelf")):
        body = {"prompt": "Why?", field: [value]}
        answer = client.post("/api/v1/sessions", body, content_type="application/json")
        assert answer.status_code == 422, field
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{field}"]


def test_s15_a_key_opens_only_what_its_scopes_name(owner: User, theirs: Belongings) -> None:
    for scope in tokens.SCOPES:
        client = bearer(owner, scopes=[scope])
        allowed = {"write": ("write", "read")}.get(scope, (scope,))
        for operation in OPERATIONS:
            answer = rules.call(client, operation, rules.missing().path(operation))
            if RULES[operation].scope in allowed:
                assert answer.status_code in (200, 201, 404), (scope, operation)
            else:
                assert answer.status_code == 403, (scope, operation)
                assert answer.json()["code"] == "permission_denied"
