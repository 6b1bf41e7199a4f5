"""Waiting is not working: many sessions at once on a real installation, beside one alone.

Starts `prowzi up` in a scratch folder with two worker processes, on an engine whose every answer takes a
second. Prints: seconds from `up` to a healthy page; from the answer to a POST to the first stage's start; the
time of 64 sessions beside that of one alone; memory of all processes then (proportional set size: shared
pages count once).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tests.stack import ROOT, Stack, migrate, wait_until

AT_ONCE = 64
STARTS = 30
SETTINGS = {"PROWZI_CONCURRENCY": "32", "PROWZI_ENGINE_REHEARSAL__DELAY": "1", "LOG_LEVEL": "ERROR"}
QUESTION = "Does coffee change how well people sleep?"


def prepare(data_dir: Path) -> str:
    """A library and a token for the first administrator."""
    migrate(data_dir)
    os.chdir(ROOT)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="prowzi_site.settings", PROWZI_DATA_DIR=str(data_dir), PROWZI_TESTING="1"
    )
    import django

    django.setup()
    from django.contrib.auth.models import User

    from research import tokens
    from research.library.examples import add_examples

    owner = User.objects.create_superuser("admin")
    add_examples(owner)
    return tokens.create_token(owner=owner, name="bench")[1]


def ask(port: int, token: str, engine: str) -> str:
    # Few sources: this is about waiting, not about how long the offline methods think.
    choices = {"engines": [engine], "max_sections": 3, "max_results": 3}
    body = json.dumps({"prompt": QUESTION, **choices}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/sessions", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["session_id"])


def left(keys: list[str]) -> int:
    from research.models import Session

    return Session.objects.filter(pk__in=keys).exclude(status="completed").count()


def first_stage(key: str) -> datetime:
    from telemetry.models import Event

    wait_until(lambda: Event.objects.filter(session_id=key, stage="intent").exists(), 20)
    event = Event.objects.filter(session_id=key, stage="intent").order_by("seq").first()
    assert event is not None
    return event.at


def start_times(port: int, token: str) -> list[float]:
    """Milliseconds from the answer to the POST to the event that starts the first stage."""
    found = []
    for _ in range(STARTS):
        key = ask(port, token, "library")
        answered = datetime.now(UTC)
        found.append((first_stage(key) - answered).total_seconds() * 1000)
        wait_until(lambda key=key: left([key]) == 0, 20)
    return found


def run_at_once(port: int, token: str, count: int) -> float:
    """Seconds until all have completed."""
    began = time.perf_counter()
    keys = [ask(port, token, "rehearsal") for _ in range(count)]
    wait_until(lambda: left(keys) == 0, 300)
    return time.perf_counter() - began


def memory(stack: Stack) -> float:
    """MB of every process of the installation."""
    pids = [stack.process.pid, *(pid for group in stack.look().values() for pid in group)]
    return sum(psutil.Process(pid).memory_full_info().pss for pid in pids) / 1e6


def measure(scratch: Path) -> dict[str, Any]:
    token = prepare(scratch / "data")
    began = time.perf_counter()
    stack = Stack(scratch / "data", settings=SETTINGS).start()
    try:
        wait_until(stack.is_healthy, 60)
        healthy = time.perf_counter() - began
        wait_until(lambda: stack.look().get("worker"), 60)
        starts = start_times(stack.port, token)
        alone = run_at_once(stack.port, token, 1)
        together = run_at_once(stack.port, token, AT_ONCE)
        used = memory(stack)
        stack.stop()
    finally:
        stack.__exit__()
    return {
        "seconds from up to a healthy page": round(healthy, 2),
        "ms from answer to first stage, p50": round(statistics.median(starts), 1),
        "seconds, one session alone": round(alone, 2),
        f"seconds, {AT_ONCE} sessions at once": round(together, 2),
        "ratio": round(together / alone, 2),
        "MB of all processes": round(used),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="prowzi-bench-") as scratch:
        figures = measure(Path(scratch))
    for name, value in figures.items():
        print(f"{name:40} {value}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
