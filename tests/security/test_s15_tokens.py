"""S15: what a token is made of, what is kept of it, and when it opens nothing any more."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from research import tokens
from research.api.limits import DOOR, LIMITER
from research.errors import InvalidInput, UnknownChoice
from research.models import ApiToken

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    LIMITER.forget()


def status(secret: str, path: str = "/api/v1/sessions") -> int:
    return Client().get(path, headers={"Authorization": f"Bearer {secret}"}).status_code


def make(client: Client, **body: Any) -> Any:
    return client.post("/api/v1/tokens", body, content_type="application/json")


def bearer(owner: User, **options: Any) -> Client:
    return Client(headers={"Authorization": f"Bearer {tokens.create_token(owner=owner, **options)[1]}"})


def test_s15_a_token_has_an_id_256_random_bits_and_a_checksum(owner: User) -> None:
    made = {tokens.create_token(owner=owner)[1] for _ in range(50)}
    assert len(made) == 50
    assert len({secret[16:59] for secret in made}) == 50
    for secret in made:
        assert len(secret) == len("prowzi_") + 8 + 1 + 43 + 6
        assert zlib.crc32(secret[:-6].encode()) % 36**6 == int(secret[-6:], 36)


def test_s15_the_database_holds_no_token(owner: User) -> None:
    answer = make(bearer(owner), name="mine").json()
    assert status(answer["token"]) == 200
    connection.close()
    with closing(sqlite3.connect(str(connection.settings_dict["NAME"]))) as database:
        dump = "\n".join(database.iterdump())
    assert answer["prefix"] in dump
    assert answer["token"] not in dump
    assert answer["token"][16:59] not in dump
    files = Path(str(connection.settings_dict["NAME"])).parent.rglob("*.log")
    assert not [file for file in files if answer["token"] in file.read_text(errors="replace")]


def test_s15_a_token_is_shown_once(owner: User) -> None:
    client = bearer(owner)
    secret = make(client, name="mine").json()["token"]
    listed = client.get("/api/v1/tokens").content.decode()
    assert "mine" in listed
    assert secret[16:] not in listed
    assert '"token"' not in listed
    assert "digest" not in listed


def test_s15_what_is_not_exactly_the_token_opens_nothing(owner: User) -> None:
    row, secret = tokens.create_token(owner=owner)
    assert status(secret) == 200
    other = tokens.create_token(owner=owner)[1]
    mixed = secret[:16] + other[16:]
    forged = tokens._checksum(mixed[:-6])
    wrong = [
        secret[:-1],
        secret[:-6],
        secret + "0",
        secret.upper(),
        secret.swapcase(),
        secret[:20] + ("a" if secret[20] != "a" else "b") + secret[21:],
        mixed,
        mixed[:-6] + forged,  # a good checksum, another token's secret
        row.prefix,
        row.digest,
        f"prowzi_{row.prefix}",
        "prowzi_" + "0" * 8 + "_" + "é" * 43 + "0" * 6,
        "x" * 8000,
    ]
    for text in wrong:
        assert status(text) in (401, 429), text


def test_s15_expired_revoked_and_ownerless_tokens_open_nothing(owner: User) -> None:
    row, secret = tokens.create_token(owner=owner, expires_days=1)
    ApiToken.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert status(secret) == 401
    ApiToken.objects.update(expires_at=None)
    assert status(secret) == 200
    User.objects.update(is_active=False)
    assert status(secret) == 401
    User.objects.update(is_active=True)
    client = bearer(owner)
    assert client.delete(f"/api/v1/tokens/{row.pk}").status_code == 204
    assert client.delete(f"/api/v1/tokens/{row.pk}").status_code == 204
    assert status(secret) == 401
    assert ApiToken.objects.get(pk=row.pk).revoked_at is not None


def test_s15_use_is_noted_but_not_with_a_write_for_every_request(owner: User) -> None:
    row, secret = tokens.create_token(owner=owner)
    assert row.last_used_at is None
    status(secret)
    first = ApiToken.objects.get().last_used_at
    status(secret)
    assert first is not None
    assert ApiToken.objects.get().last_used_at == first


def test_s15_a_token_makes_none_that_may_more_or_lives_longer(owner: User) -> None:
    limited = bearer(owner, scopes=["read", "tokens"], expires_days=2)
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"scopes": []},
        {"scopes": ["write"], "expires_days": 1},
        {"scopes": ["read", "library"], "expires_days": 1},
        {"scopes": ["read"]},
        {"scopes": ["read"], "expires_days": 3},
    )
    for body in bodies:
        assert make(limited, **body).status_code == 403, body
    made = make(limited, scopes=["read"], expires_days=1)
    assert made.status_code == 201
    assert status(made.json()["token"]) == 200
    assert status(made.json()["token"], "/api/v1/tokens") == 403


def test_s15_unknown_scopes_and_impossible_lives_are_refused(owner: User) -> None:
    with pytest.raises(UnknownChoice, match="read, write"):
        tokens.create_token(owner=owner, scopes=["root"])
    for days in (0, -1, 10**9):
        with pytest.raises(InvalidInput):
            tokens.create_token(owner=owner, expires_days=days)
        assert make(bearer(owner), expires_days=days).status_code == 422


def test_s34_a_refused_key_leaves_a_record_without_the_key(
    owner: User, caplog: pytest.LogCaptureFixture
) -> None:
    row, secret = tokens.create_token(owner=owner)
    tokens.revoke(row)
    status(secret)
    told = [record for record in caplog.records if record.name == "prowzi.security"]
    assert [(vars(each)["code"], vars(each)["token"]) for each in told] == [("token_dead", row.prefix)]
    assert secret not in caplog.text


def test_s31_guessing_is_slowed_down_but_good_keys_still_pass(owner: User) -> None:
    _, secret = tokens.create_token(owner=owner)
    answers = [status("nonsense") for _ in range(DOOR.quota + 1)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert status(secret) == 200
