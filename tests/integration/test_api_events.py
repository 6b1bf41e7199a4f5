"""A session's events over the API: pages, and a live stream that loses and repeats nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from research import services, tokens
from research.api import sse
from research.models import Session
from telemetry import queries as telemetry
from tests.integration.doors import V1, client, get, problem
from tests.integration.worlds import ask, engine, finished

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
__all__ = ["client", "engine", "finished"]
SSE = "text/event-stream"


@dataclass
class Watcher:
    """A client of the stream, with somebody's token."""

    secret: str

    async def open(self, session: Session, query: str = "", last: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.secret}", "Accept": SSE}
        if last is not None:
            headers["Last-Event-ID"] = last
        return await AsyncClient().get(f"{V1}/sessions/{session.pk}/events{query}", headers=headers)

    async def read(self, session: Session, query: str = "", last: str | None = None) -> str:
        """The whole stream, to its end."""
        answer = await self.open(session, query, last)
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith(SSE)
        return b"".join([part async for part in answer.streaming_content]).decode()


@pytest.fixture
def watcher(owner: User) -> Watcher:
    return Watcher(tokens.create_token(owner=owner)[1])


def messages(stream: str) -> list[dict[str, str]]:
    """The messages of a stream; comments are none."""
    blocks = (block.split("\n") for block in stream.split("\n\n"))
    fields = [dict(line.split(": ", 1) for line in block if line and line[0] != ":") for block in blocks]
    return [each for each in fields if "data" in each]


def test_events_come_in_pages_without_a_gap(client: Client, finished: Session) -> None:
    everything = [event.as_json() for event in telemetry.all_events(finished.pk)]
    assert get(client, f"/sessions/{finished.pk}/events").json() == {"items": everything, "next": None}
    seen: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = get(client, f"/sessions/{finished.pk}/events", after=after, limit=5).json()
        seen, after = seen + page["items"], page["next"]
    assert seen == everything


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 30])
def test_an_after_that_is_no_seq_is_refused(client: Client, finished: Session, after: str) -> None:
    answer = get(client, f"/sessions/{finished.pk}/events", after=after)
    told = problem(answer, 422, answer.json()["code"])
    assert told["errors"][0]["pointer"] == "/after"


def test_a_stream_of_an_ended_session_tells_all_and_ends(finished: Session, watcher: Watcher) -> None:
    told = messages(async_to_sync(watcher.read)(finished))
    assert told[-1]["event"] == "end"
    events = [json.loads(each["data"]) for each in told[:-1]]
    assert events == [event.as_json() for event in telemetry.all_events(finished.pk)]
    assert [int(each["id"]) for each in told[:-1]] == [event["seq"] for event in events]


def test_a_reconnect_goes_on_after_the_last_id_whatever_the_address_says(
    finished: Session, watcher: Watcher
) -> None:
    last = telemetry.all_events(finished.pk)
    seqs = [event.seq for event in last]
    told = messages(async_to_sync(watcher.read)(finished, "?after=2", str(seqs[-3])))
    assert [int(each["id"]) for each in told[:-1]] == seqs[-2:]
    told = messages(async_to_sync(watcher.read)(finished, "?after=2"))
    assert [int(each["id"]) for each in told[:-1]] == seqs[2:]


def test_a_reconnect_after_the_end_is_told_to_stay_away(finished: Session, watcher: Watcher) -> None:
    head = telemetry.stream_head(finished.pk)
    assert head is not None
    for query, last in (("", str(head.seq)), (f"?after={head.seq}", None), ("", str(head.seq + 5))):
        answer = async_to_sync(watcher.open)(finished, query, last)
        assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("last", ["", "-1", "x", "9" * 30, "²"])
def test_a_last_id_that_is_no_seq_is_refused(finished: Session, watcher: Watcher, last: str) -> None:
    answer = async_to_sync(watcher.open)(finished, "", last)
    problem(answer, 422, "invalid_input")


def test_a_stream_of_a_strangers_session_is_not_there(finished: Session, stranger: User) -> None:
    answer = async_to_sync(Watcher(tokens.create_token(owner=stranger)[1]).open)(finished)
    problem(answer, 404, "not_found")


async def _next(parts: AsyncIterator[bytes], told: list[dict[str, str]]) -> dict[str, str]:
    while not told:
        told += messages((await anext(parts)).decode())
    return told.pop(0)


async def _watch_live(session: Session, watcher: Watcher, owner: User) -> list[dict[str, str]]:
    """Somebody watches while another pauses, resumes and cancels."""
    answer = await watcher.open(session)
    parts = aiter(answer.streaming_content)
    rest: list[dict[str, str]] = []
    seen: list[dict[str, str]] = []
    seen.append(await _next(parts, rest))  # created
    for verb in (services.pause_session, services.resume_session, services.cancel_session):
        await sync_to_async(verb)(session=session, actor=owner)
        seen.append(await _next(parts, rest))
    seen.append(await _next(parts, rest))
    return seen


def test_a_live_stream_tells_what_happens_as_it_happens(owner: User, watcher: Watcher) -> None:
    session = ask(owner)
    seen = async_to_sync(_watch_live)(session, watcher, owner)
    assert [json.loads(each["data"]).get("status") for each in seen[:-1]] == [
        "created",
        "paused",
        "resumed",
        "cancelled",
    ]
    assert [each.get("id") for each in seen] == ["1", "2", "3", "4", None]
    assert seen[-1]["event"] == "end"


async def _first_comment(session: Session, watcher: Watcher) -> str:
    answer = await watcher.open(session, "?after=1")
    text = ""
    async for part in answer.streaming_content:
        text += part.decode()
        if text.rstrip().endswith(": quiet"):
            await answer.streaming_content.aclose() if hasattr(answer.streaming_content, "aclose") else None
            break
    return text


def test_a_quiet_stream_shows_that_it_lives(
    owner: User, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "QUIET_SECONDS", 0.05)
    text = async_to_sync(asyncio.wait_for)(_first_comment(ask(owner), watcher), 20)
    assert messages(text) == []
