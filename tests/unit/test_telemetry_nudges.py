from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from telemetry.nudges import Nudge, Place, names, open_nudges
from telemetry.nudges.doorbell import Doorbell
from telemetry.wakes import Listener, listener

PATIENCE = 20.0  # seconds a test waits for what should come at once
SESSION, OTHER = str(uuid4()), str(uuid4())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    path = tmp_path / "some.sqlite3"
    with sqlite3.connect(path) as database:
        database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE thing (id integer)")
    database.close()
    return Place(tmp_path, path)


@pytest.fixture
def bell(place: Place) -> Doorbell:
    return Doorbell(place.data_dir / "run" / "doorbells")


def test_the_file_name_is_the_name_people_type(place: Place) -> None:
    assert names() == ["data_version", "doorbell"]
    assert len(open_nudges(names(), place)) == 2


def test_an_unknown_name_lists_the_choices(place: Place) -> None:
    with pytest.raises(ValueError, match=r"'pigeon'.*data_version, doorbell"):
        open_nudges(["doorbell", "pigeon"], place)


def test_data_version_needs_sqlite(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SQLite"):
        open_nudges(["data_version"], Place(tmp_path))


@pytest.mark.parametrize("name", names())
def test_ringing_without_a_listener_is_nothing(name: str, place: Place) -> None:
    [nudge] = open_nudges([name], place)
    assert nudge.ring(SESSION) is None  # type: ignore[func-returns-value]


async def _wake_after(nudge: Nudge, place: Place) -> str | None:
    async with listener([nudge], poll_seconds=3600) as wakes:
        assert place.sqlite_path is not None
        with sqlite3.connect(place.sqlite_path) as database:
            database.execute("INSERT INTO thing VALUES (1)")
        database.close()
        nudge.ring(SESSION)
        async with asyncio.timeout(PATIENCE):
            return await wakes.next()


@pytest.mark.parametrize("name", names())
def test_every_nudge_wakes_a_listener_of_a_commit(name: str, place: Place) -> None:
    [nudge] = open_nudges([name], place)
    assert asyncio.run(_wake_after(nudge, place)) in {SESSION, None}


def test_a_doorbell_says_which_session(place: Place) -> None:
    assert asyncio.run(_wake_after(open_nudges(["doorbell"], place)[0], place)) == SESSION


def test_all_listeners_hear_and_leave_no_bell_behind(bell: Doorbell) -> None:
    async def listen_twice() -> list[str | None]:
        async with listener([bell], 3600) as one, listener([bell], 3600) as two, asyncio.timeout(PATIENCE):
            assert len(os.listdir(bell.directory)) == 2
            bell.ring(SESSION)
            return [await one.next(), await two.next()]

    assert asyncio.run(listen_twice()) == [SESSION, SESSION]
    assert os.listdir(bell.directory) == []


def test_the_bell_of_the_dead_is_taken_down(bell: Doorbell) -> None:
    bell.directory.mkdir(parents=True)
    child = subprocess.Popen(["true"])
    child.wait()
    (bell.directory / f"40000-{child.pid}").touch()
    (bell.directory / "not a bell").touch()
    bell.ring(SESSION)
    assert os.listdir(bell.directory) == ["not a bell"]


def test_forged_rings_are_not_heard(bell: Doorbell) -> None:
    async def forge() -> str | None:
        async with listener([bell], 3600) as wakes, asyncio.timeout(PATIENCE):
            port = int(os.listdir(bell.directory)[0].partition("-")[0])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
                for message in (b"", b"\xff" * 64, b"../../x", b"{}" * 10_000):
                    forger.sendto(message, ("127.0.0.1", port))
            bell.ring(SESSION)
            return await wakes.next()

    assert asyncio.run(forge()) == SESSION


def test_a_doorbell_hangs_on_loopback_only(bell: Doorbell) -> None:
    async def address() -> str:
        ear = await bell.listen()
        found: str = ear._transport.get_extra_info("sockname")[0]
        await ear.aclose()
        return found

    assert asyncio.run(address()) == "127.0.0.1"


class _Silent:
    """A nudge that loses everything; `heard` stands in for what would arrive."""

    def ring(self, session_id: str) -> None:
        pass

    async def listen(self) -> _Silent:
        return self

    async def __anext__(self) -> str | None:
        await asyncio.Event().wait()
        return None

    async def aclose(self) -> None:
        pass


def test_a_lost_nudge_costs_one_poll() -> None:
    async def wait() -> str | None:
        async with listener([_Silent()], poll_seconds=0.01) as wakes, asyncio.timeout(PATIENCE):
            return await wakes.next()

    assert asyncio.run(wait()) is None


def test_a_busy_doorbell_does_not_put_off_the_regular_look() -> None:
    async def wait() -> list[str | None]:
        async with Listener([], poll_seconds=0.02) as wakes, asyncio.timeout(PATIENCE):
            heard: list[str | None] = []
            while None not in heard:
                wakes._hear(SESSION)
                heard.append(await wakes.next())
                await asyncio.sleep(0)
            return heard

    assert asyncio.run(wait())[-1] is None


def test_rings_for_one_session_are_kept_once() -> None:
    async def wait() -> list[str | None]:
        async with Listener([], poll_seconds=3600) as wakes:
            for session_id in (SESSION, OTHER, SESSION):
                wakes._hear(session_id)
            return [await wakes.next(0) for _ in range(3)]

    assert asyncio.run(wait()) == [SESSION, OTHER, None]


def test_a_flood_of_sessions_becomes_one_look_at_everything() -> None:
    async def wait() -> tuple[str | None, int]:
        async with Listener([], poll_seconds=3600) as wakes:
            for _ in range(10_001):
                wakes._hear(str(uuid4()))
            return await wakes.next(0), len(wakes._pending)

    assert asyncio.run(wait()) == (None, 0)


def test_a_nudge_that_breaks_leaves_the_poll(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(_Silent):
        async def __anext__(self) -> str | None:
            raise OSError("gone")

        async def listen(self) -> Broken:
            return self

    async def wait() -> str | None:
        async with listener([Broken()], poll_seconds=0.01) as wakes, asyncio.timeout(PATIENCE):
            return await wakes.next()

    assert asyncio.run(wait()) is None
    assert "gone" in caplog.text
