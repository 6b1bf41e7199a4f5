"""Clients of the API for tests: somebody with a token, and short words for what they do."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from research import tokens

V1 = "/api/v1"
PROBLEM = "application/problem+json"


def bearer(user: User, *scopes: str) -> Client:
    """A client that sends this person's token with every request."""
    _, secret = tokens.create_token(owner=user, scopes=scopes)
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def client(owner: User) -> Client:
    return bearer(owner)


def post(client: Client, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(f"{V1}{path}", body or {}, content_type="application/json", headers=headers)


def get(client: Client, path: str, **query: Any) -> Any:
    return client.get(f"{V1}{path}", query)


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem that an answer must be."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == PROBLEM
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"].startswith("/docs/problems/")
    assert body["title"]
    assert body["detail"]
    return body
