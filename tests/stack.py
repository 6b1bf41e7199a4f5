"""A whole Prowzi as real processes, in a folder and on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(data_dir.parent),
        "DJANGO_SETTINGS_MODULE": "prowzi_site.settings",
        "PYTHONPATH": str(ROOT),
        "PROWZI_TESTING": "1",
        "PROWZI_DATA_DIR": str(data_dir),
        **settings,
    }


def prowzi(arguments: list[str], data_dir: Path, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "prowzi_site", *arguments],
        cwd=data_dir.parent,
        env=environment(data_dir, **settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def migrate(data_dir: Path) -> None:
    process = prowzi(["migrate", "-v", "0", "--skip-checks"], data_dir)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def wait_until(fact: Callable[[], Any], seconds: float = 20.0, what: str = "") -> float:
    """Seconds until `fact` held."""
    began = time.monotonic()
    while not fact():
        assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {what or fact}"
        time.sleep(0.02)
    return time.monotonic() - began


@dataclass
class Stack:
    data_dir: Path
    command: str = "up"
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] = field(init=False)
    seen: dict[int, psutil.Process] = field(default_factory=dict)  # every process there ever was

    def start(self) -> Stack:
        self.process = prowzi([self.command], self.data_dir, PORT=str(self.port), **self.settings)
        return self

    def __enter__(self) -> Stack:
        return self.start()

    def __exit__(self, *ended: object) -> None:
        self.look()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        for each in self.seen.values():
            with suppress(psutil.NoSuchProcess):
                each.kill()

    def look(self) -> dict[str, list[int]]:
        """pids by the kind of process."""
        kinds: dict[str, list[int]] = {}
        with suppress(psutil.NoSuchProcess):
            for each in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if each.status() != psutil.STATUS_ZOMBIE:
                        self.seen[each.pid] = each
                        kinds.setdefault(each.name().removeprefix("prowzi-"), []).append(each.pid)
        return kinds

    def orphans(self) -> list[str]:
        """Processes that once belonged to it and live though it has ended."""
        assert self.process.poll() is not None
        return [f"{each.pid} {each.name()}" for each in self.seen.values() if _lives(each)]

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return int(answer.status) == 200
        except (urllib.error.URLError, OSError):
            return False

    def song(self) -> tuple[int, int]:
        """(pid of the cluster, its last song); nothing sung yet is 0."""
        for pid in self.look().get("cluster", []):
            with suppress(FileNotFoundError, ValueError):
                return pid, int((self.data_dir / "run" / "canaries" / str(pid)).read_text())
        return 0, 0

    def wait_for_song(self, seconds: float = 20.0) -> float:
        """Seconds until a song that was not there before."""
        before = self.song()
        return wait_until(lambda: self.song()[1] and self.song() != before, seconds, "the canary sings")

    def wait_for_full_house(self, seconds: float = 20.0) -> dict[str, list[int]]:
        wait_until(self.is_healthy, seconds, "the web answers")
        self.wait_for_song(seconds)
        wait_until(lambda: "pusher" in self.look(), seconds, "the cluster is whole")
        return self.look()

    def stop(self, number: int = signal.SIGTERM, seconds: float = 12.0) -> float:
        """Seconds to its end."""
        self.look()
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(seconds)
        return time.monotonic() - began


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
