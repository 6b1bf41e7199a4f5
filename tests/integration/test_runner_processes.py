"""The promises of `up` that need real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack, migrate, prowzi, wait_until

EVERYBODY = {"web": 1, "cluster": 1, "sweeper": 1, "sentinel": 1, "worker": 3, "monitor": 1, "pusher": 1}
Refusals = dict[str, tuple[int, str]]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("up") / "data"
    migrate(data_dir)
    return data_dir


@pytest.fixture(scope="module")
def stack(migrated: Path) -> Iterator[Stack]:
    with Stack(migrated) as started:
        started.wait_for_full_house()
        yield started


@pytest.fixture(scope="module")
def refusals(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    """Every start that must be refused, tried at once: exit status and what stands on stderr."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "file").write_text("")
    (folder / "old").mkdir()
    (folder / "old" / "prowzi.sqlite3").touch()
    (folder / "port").mkdir()
    (folder / "port" / "prowzi.sqlite3").write_bytes((stack.data_dir / "prowzi.sqlite3").read_bytes())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        nowhere = "postgres://nobody@127.0.0.1:1/none"
        started = {
            "second": prowzi(["up"], stack.data_dir),
            "port": prowzi(["up"], folder / "port", PORT=port),
            "port of web": prowzi(["web"], folder / "port", PORT=port),
            "file": prowzi(["up"], folder / "file", SECRET_KEY="k" * 50),
            "unmigrated": prowzi(["up"], folder / "old"),
            "database": prowzi(["up"], folder / "else", DATABASE_URL=nowhere, SECRET_KEY="k" * 50),
        }
        return {name: _result(process) for name, process in started.items()} | {"taken": (0, port)}


def _result(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        _, errors = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:  # it was not refused
        process.terminate()
        _, errors = process.communicate(timeout=12)
    return process.returncode, errors.strip()


def test_up_answers_and_its_cluster_takes_tasks(stack: Stack) -> None:
    kinds = stack.wait_for_full_house()
    assert {kind: len(pids) for kind, pids in kinds.items()} == EVERYBODY


def test_a_second_up_on_the_same_folder_is_refused_and_names_the_first(
    stack: Stack, refusals: Refusals
) -> None:
    _is_one_line(refusals["second"], f"kill {stack.process.pid}")


def test_a_taken_port_is_one_line_with_another_one(refusals: Refusals) -> None:
    port = int(refusals["taken"][1])
    _is_one_line(refusals["port"], f"Port {port} is taken. Use another one: PORT={port + 1} make run")
    _is_one_line(refusals["port of web"], f"Port {port} is taken.")


def test_a_data_folder_that_cannot_be_written_is_one_line(refusals: Refusals) -> None:
    _is_one_line(refusals["file"], "PROWZI_DATA_DIR=")


def test_a_database_that_lacks_migrations_is_one_line(refusals: Refusals) -> None:
    _is_one_line(refusals["unmigrated"], "prowzi migrate")


def test_a_database_that_does_not_answer_is_one_line(refusals: Refusals) -> None:
    _is_one_line(refusals["database"], "DATABASE_URL")


def _is_one_line(result: tuple[int, str], says: str) -> None:
    status, errors = result
    assert status == 5, errors
    assert says in errors
    assert len(errors.splitlines()) == 1, errors


def test_a_killed_web_process_is_replaced_on_the_same_port(stack: Stack) -> None:
    (web,) = stack.look()["web"]
    os.kill(web, signal.SIGKILL)
    wait_until(lambda: stack.look().get("web", [web]) != [web], 5)
    wait_until(stack.is_healthy, 10)


def test_sigterm_ends_every_process_within_ten_seconds(stack: Stack) -> None:
    stack.look()
    assert stack.stop(seconds=10) < 10
    assert stack.process.returncode == 0
    assert stack.orphans() == []
