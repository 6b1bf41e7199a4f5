"""Events through the collector, chain and sequence included, beside the same rows by raw sqlite3.

python -m benchmarks.events [--rounds N] [--json]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import django
from django.conf import settings

if TYPE_CHECKING:
    from telemetry.events import NewEvent

EVENTS = 20_000
BATCH = 500
LONG = 100_000  # length of the log whose last events are weighed against its first
SAMPLE = 300  # single appends per sample
MUST, TRY = 20_000, 40_000  # events/s (figures 1)
MUST_RATIO = 1.1  # the 100,000th event against the 100th


def configure(folder: Path) -> None:
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    options = {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": pragmas}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "events.sqlite3")}
    settings.configure(
        INSTALLED_APPS=["telemetry"],
        DATABASES={"default": {**database, "OPTIONS": options}},
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def measure(rounds: int, folder: Path) -> dict[str, float]:
    """Medians over the rounds; floor and ours take turns."""
    ours, floors = [], []
    for number in range(rounds):
        floors.append(EVENTS / timed(partial(fill_floor, folder / f"floor{number}.sqlite3")))
        ours.append(EVENTS / timed(partial(fill, new_stream(), EVENTS)))
    early, late, commits = measure_ages(rounds)
    return {
        "events_per_second": statistics.median(ours),
        "floor_events_per_second": statistics.median(floors),
        "ms_per_append_of_3": commits,
        "ms_early": early,
        "ms_late": late,
        "late_to_early": late / early,
    }


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def new_stream() -> str:
    from telemetry import collector

    session_id = str(uuid4())
    collector.open_stream(session_id, owner_id=1, label="benchmark")
    return session_id


def fill(session_id: str, count: int) -> None:
    from django.db import transaction

    from telemetry import collector

    for start in range(0, count, BATCH):
        with transaction.atomic():
            collector.append(session_id, batch(min(BATCH, count - start)))


def batch(count: int) -> list[NewEvent]:
    from telemetry.events import NewEvent

    return [
        NewEvent("search", "progress", 1, 0.25, {"sources": number, "engine": "library"})
        for number in range(count)
    ]


def fill_floor(path: Path) -> None:
    """The same columns and index in one INSERT per row: no numbers taken, no chain, no Django."""
    with sqlite3.connect(path) as database:
        database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "CREATE TABLE event (id integer PRIMARY KEY AUTOINCREMENT, session_id char(32), seq bigint,"
            " stage, status, attempt, duration_seconds, details, error, at, hash, UNIQUE (session_id, seq));"
        )
        row = (
            "search",
            "progress",
            1,
            0.25,
            '{"engine":"library","sources":1}',
            "",
            "2026-01-01 00:00:00.000000",
        )
        for start in range(0, EVENTS, BATCH):
            rows = [("a" * 32, start + n + 1, *row, "b" * 64) for n in range(BATCH)]
            database.executemany(
                "INSERT INTO event (session_id, seq, stage, status, attempt, duration_seconds, details,"
                " error, at, hash) VALUES (?,?,?,?,?,?,?,?,?,?)",
                rows,
            )
            database.commit()
    database.close()


def measure_ages(rounds: int) -> tuple[float, float, float]:
    """ms per append of one event to a young and to an old log, taking turns; and of three events."""
    young, old = new_stream(), new_stream()
    fill(young, 100)
    fill(old, LONG)
    early, late, commits = [], [], []
    for _ in range(rounds):
        early.append(timed(partial(append_singly, young)) / SAMPLE * 1000)
        late.append(timed(partial(append_singly, old)) / SAMPLE * 1000)
        commits.append(timed(partial(append_singly, new_stream(), 3)) / SAMPLE * 1000)
    return statistics.median(early), statistics.median(late), statistics.median(commits)


def append_singly(session_id: str, size: int = 1) -> None:
    for _ in range(SAMPLE):
        fill(session_id, size)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        configure(Path(folder))
        figures = measure(chosen.rounds, Path(folder))
    print(json.dumps(figures) if chosen.json else table(figures))


def table(figures: dict[str, float]) -> str:
    speed, ratio = figures["events_per_second"], figures["late_to_early"]
    return "\n".join(
        [
            f"events/s, batches of {BATCH}      {speed:>10,.0f}   must {MUST:,}, try {TRY:,}",
            f"the same rows, raw sqlite3    {figures['floor_events_per_second']:>10,.0f}",
            f"ms per commit of 3 events     {figures['ms_per_append_of_3']:>10.3f}",
            f"{LONG:,}th event against 100th {ratio:>10.2f}   must {MUST_RATIO}",
        ]
    )


if __name__ == "__main__":
    main()
