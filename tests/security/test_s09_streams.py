"""S09 for the live stream: who may watch is asked again while they watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as DjangoSession
from django.test import AsyncClient

from research import services, tokens
from research.api import sse
from research.models import ApiToken, Session
from tests.integration.worlds import ask, engine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["engine"]

Door = tuple[AsyncClient, dict[str, str]]  # a client, and the headers that let it in


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(sse, "QUIET_SECONDS", 0.02)


async def watch(session: Session, door: Door, after_hello: Callable[[], Any]) -> str:
    client, headers = door
    path = f"/api/v1/sessions/{session.pk}/events"
    answer: Any = await client.get(path, headers={"Accept": "text/event-stream", **headers})
    assert answer.status_code == 200
    text = ""
    async for part in answer.streaming_content:
        if not text:
            await sync_to_async(after_hello)()
        text += part.decode()
    return text


def end_of(session: Session, door: Door, act: Callable[[], Any]) -> str:
    return async_to_sync(asyncio.wait_for)(watch(session, door, act), 20)


def bearer(owner: User) -> Door:
    _, secret = tokens.create_token(owner=owner)
    return AsyncClient(), {"Authorization": f"Bearer {secret}"}


def browser(owner: User) -> Door:
    client = AsyncClient()
    client.force_login(owner)
    return client, {}


def revoke() -> Any:
    return tokens.revoke(ApiToken.objects.get())


def leave() -> Any:
    return User.objects.update(is_active=False)


def expire() -> Any:
    row = ApiToken.objects.get()
    return ApiToken.objects.update(expires_at=row.created_at)


@pytest.mark.parametrize("act", [revoke, leave, expire])
def test_s09_a_watcher_whose_key_ends_is_sent_away(owner: User, act: Callable[[], Any]) -> None:
    assert "event: end" not in end_of(ask(owner), bearer(owner), act)


def sign_out(owner: User) -> Any:
    return DjangoSession.objects.all().delete()


def change_password(owner: User) -> Any:
    owner.set_password("another long pass phrase")
    owner.save()


@pytest.mark.parametrize("act", [sign_out, change_password])
def test_s09_a_browser_that_signed_out_is_sent_away(owner: User, act: Callable[[User], Any]) -> None:
    assert "event: end" not in end_of(ask(owner), browser(owner), lambda: act(owner))


def test_s09_a_session_that_changes_hands_is_not_shown_further(owner: User, stranger: User) -> None:
    text = end_of(ask(owner), bearer(owner), lambda: Session.objects.update(owner=stranger))
    assert "event: end" not in text


def test_s09_a_stream_of_a_deleted_session_ends(owner: User) -> None:
    session = ask(owner)

    def delete() -> None:
        services.cancel_session(session=session, actor=owner)
        services.delete_session(session=session, actor=owner)

    assert "event: end" in end_of(session, bearer(owner), delete)
