"""What a durable stage costs: ours beside a like-for-like floor, LangGraph and DBOS, in one interleaved run.

Eight stages whose bodies return at once, with outputs of 3, 5.5, 200, 14, 41, 4, 9 and 4 kB. The floor writes
the same bytes with the same syncs and one commit in raw Python. Prints medians over the rounds and ratios;
`--json FILE` keeps them. Peers are an optional dependency group; a missing one is said, not skipped silently.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import logging
import os
import pickle
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

SIZES = (3_000, 5_500, 200_000, 14_000, 41_000, 4_000, 9_000, 4_000)  # characters


def payloads() -> list[dict[str, Any]]:
    """Text that compresses like prose (about 2.6 to 1), the same for everybody."""
    dice = random.Random(20261123)
    words = ["".join(dice.choices("etaoinshrdlu", k=dice.randint(2, 9))) for _ in range(4000)]
    texts = []
    for size in SIZES:
        text = " ".join(dice.choices(words, k=size // 5))[:size]
        texts.append({"text": text, "number": size})
    return texts


PAYLOADS = payloads()


class Floor:
    """A file (sync, publish, folder sync) and one SQLite commit under FULL, nothing else."""

    name = "floor"

    def __init__(self, folder: Path) -> None:
        import zstandard

        self.pack = zstandard.ZstdCompressor(level=1).compress
        self.folder = folder
        self.database = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
        self.database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE stage (workflow TEXT, stage INT, file TEXT, PRIMARY KEY (workflow, stage))"
        )

    def run(self, workflows: int) -> None:
        for _ in range(workflows):
            workflow = uuid.uuid4().hex
            place = self.folder / workflow
            place.mkdir()
            for stage, payload in enumerate(PAYLOADS):
                self._stage(place, workflow, stage, payload)

    def _stage(self, place: Path, workflow: str, stage: int, payload: dict[str, Any]) -> None:
        data = self.pack(pickle.dumps(payload, protocol=5))
        temporary, path = place / ".tmp", place / f"{stage}.blob"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, data)
        os.fsync(descriptor)
        os.close(descriptor)
        os.link(temporary, path)
        temporary.unlink()
        descriptor = os.open(place, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        self.database.execute("BEGIN IMMEDIATE")
        self.database.execute("INSERT INTO stage VALUES (?, ?, ?)", (workflow, stage, path.name))
        self.database.execute("COMMIT")

    def close(self) -> None:
        self.database.close()


class Prowzi:
    """The commit protocol as a worker runs it: blob, one transaction with rows and chained events, nudge."""

    name = "prowzi"

    def __init__(self, folder: Path) -> None:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="prowzi_site.settings", PROWZI_DATA_DIR=str(folder), LOG_LEVEL="ERROR"
        )
        import django

        django.setup()
        from django.contrib.auth.models import User
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self.owner = User.objects.create_user("bench")
        self.workers: list[Any] = []

    def run(self, workflows: int) -> None:
        from research.conf import conf
        from research.pipeline import STAGES
        from research.store import commit, heartbeat, lease
        from research.store.checkpoints import manager
        from research.store.owners import OwnerLock

        with OwnerLock.create(conf().run_dir) as owner:
            for _ in range(workflows):
                session = self._session()
                held = lease.acquire(session.pk, owner=owner.name, run_dir=conf().run_dir, seconds=15)
                assert held is not None
                held = commit.begin_stage(held, STAGES[0])
                began = time.perf_counter()
                for stage, following in zip(STAGES, [*STAGES[1:], ""], strict=True):
                    written = manager.write(
                        held, PAYLOADS[STAGES.index(stage)], schema="Bench", schema_version=1
                    )
                    end = commit.StageEnd(uuid.uuid4().hex, written, 0.0, {"count": 1}, following=following)
                    held = commit.commit_stage(held, end)
                    heartbeat.tell(session.pk)
                self.stages = time.perf_counter() - began

    def _session(self) -> Any:
        from research import services
        from research.artifacts import Options

        return services.start_session(owner=self.owner, prompt="bench", options=Options(), queue=False)

    def at_once(self, workflows: int, width: int = 8) -> None:
        """Whole sessions through the orchestrator in two worker processes, as `prowzi up` has them."""
        if not self.workers:
            self.workers = [_start_worker(width // 2) for _ in range(2)]
        sessions = [str(self._session().pk) for _ in range(workflows)]
        for at, worker in enumerate(self.workers):
            worker.stdin.write(" ".join(sessions[at::2]) + "\n")
            worker.stdin.flush()
        for worker in self.workers:
            assert worker.stdout.readline() == "done\n", "a worker of the benchmark failed"

    def close(self) -> None:
        from django.db import connections

        for worker in self.workers:
            worker.stdin.close()
            worker.wait()
        connections.close_all()


def _start_worker(width: int) -> Any:
    command = [sys.executable, "-m", "benchmarks.stage_commit", "--serve", str(width)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def serve(width: int) -> None:
    """One worker: each line of stdin names sessions; `done` when they have all completed."""
    import django

    django.setup()
    from research import wiring
    from research.report import ReportText
    from research.store import gateway

    # The stages' bodies are empty, so there is nothing to render; the report's file and row are still kept.
    empty = ReportText(draft=1, markdown=b"A report.", words=2, citations={}, claims=[])
    gateway.write_report = lambda state, session, created: empty

    async def work(worker: Any, keys: list[str]) -> None:
        gate = asyncio.Semaphore(width)

        async def one(key: str) -> None:
            async with gate:
                outcome = await worker.run_session(uuid.UUID(key))
                assert outcome.status == "completed", outcome

        await asyncio.gather(*(one(key) for key in keys))

    async def listen(worker: Any) -> None:
        while line := await asyncio.to_thread(sys.stdin.readline):
            await work(worker, line.split())
            print("done", flush=True)

    with wiring.open_worker(bench_pipeline()) as worker:
        asyncio.run(listen(worker))


def bench_pipeline() -> Any:
    """Eight stages that hand over a payload."""
    from research.artifacts import Artifact
    from research.pipeline import STAGES
    from research.stage import StageSpec

    class Payload(Artifact):
        text: str
        number: int

    def stage(name: str, payload: dict[str, Any]) -> StageSpec:
        ready = Payload(**payload)

        async def agent(state: Any, tools: Any) -> Artifact:
            return ready

        return StageSpec(name, agent, Payload)

    return tuple(stage(name, payload) for name, payload in zip(STAGES, PAYLOADS, strict=True))


class LangGraph:
    """Eight nodes, SqliteSaver, durability sync: the usual code."""

    name = "langgraph"

    def __init__(self, folder: Path) -> None:
        from typing import Annotated, TypedDict

        from langgraph.checkpoint.sqlite import SqliteSaver
        from langgraph.graph import END, START, StateGraph

        def keep(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
            return {**left, **right}

        State = TypedDict("State", {"results": Annotated[dict[str, Any], keep]})  # type: ignore[misc]  # noqa: UP013
        graph = StateGraph(State)
        for at, payload in enumerate(PAYLOADS):
            graph.add_node(f"n{at}", lambda state, at=at, payload=payload: {"results": {str(at): payload}})
        graph.add_edge(START, "n0")
        for at in range(len(PAYLOADS) - 1):
            graph.add_edge(f"n{at}", f"n{at + 1}")
        graph.add_edge(f"n{len(PAYLOADS) - 1}", END)
        self.connection = sqlite3.connect(folder / "langgraph.sqlite3", check_same_thread=False)
        saver = SqliteSaver(self.connection)
        saver.setup()
        self.connection.execute("PRAGMA synchronous=FULL")
        self.graph = graph.compile(checkpointer=saver)

    def run(self, workflows: int) -> None:
        for _ in range(workflows):
            config = {"configurable": {"thread_id": uuid.uuid4().hex}}
            self.graph.invoke({"results": {}}, config, durability="sync")

    def at_once(self, workflows: int, width: int = 8) -> None:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(width) as pool:
            list(pool.map(lambda _: self.run(1), range(workflows)))

    def close(self) -> None:
        self.connection.close()


class Dbos:
    """Eight steps of one workflow over its SQLite system database."""

    name = "dbos"

    def __init__(self, folder: Path) -> None:
        from dbos import DBOS

        logging.getLogger("dbos").setLevel(logging.ERROR)
        with contextlib.redirect_stdout(io.StringIO()):
            DBOS(
                config={
                    "name": "bench",
                    "system_database_url": f"sqlite:///{folder / 'dbos.sqlite3'}",
                    "run_admin_server": False,
                    "log_level": "ERROR",
                }
            )

            @DBOS.step()
            def step(at: int) -> dict[str, Any]:
                return PAYLOADS[at]

            @DBOS.workflow()
            def workflow() -> int:
                return sum(step(at)["number"] for at in range(len(PAYLOADS)))

            DBOS.launch()
        self.dbos, self.workflow = DBOS, workflow

    def run(self, workflows: int) -> None:
        for _ in range(workflows):
            self.workflow()

    def at_once(self, workflows: int, width: int = 8) -> None:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(width) as pool:
            list(pool.map(lambda _: self.run(1), range(workflows)))

    def close(self) -> None:
        self.dbos.destroy()


def stored(folder: Path) -> int:
    for database in folder.glob("*.sqlite3"):
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def open_all(root: Path) -> list[Any]:
    opened = []
    for kind in (Floor, Prowzi, LangGraph, Dbos):
        folder = root / kind.name
        folder.mkdir()
        try:
            opened.append(kind(folder))
        except ImportError as error:
            print(f"{kind.name}: not installed ({error.name}); install the group `bench`", file=sys.stderr)
    return opened


def measure(subjects: list[Any], rounds: int) -> dict[str, dict[str, float]]:
    """Interleaved, so that a drift of the machine meets everybody."""
    times: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    rates: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    for subject in subjects:
        subject.run(2)  # warm
    for turn in range(rounds):
        for subject in subjects if turn % 2 else subjects[::-1]:
            began = time.perf_counter()
            subject.run(1)
            took = getattr(subject, "stages", None) or time.perf_counter() - began
            times[subject.name].append(took / len(SIZES) * 1000)
    for subject in subjects:
        if hasattr(subject, "at_once"):
            subject.at_once(8)  # warm
    for _ in range(5):
        for subject in subjects:
            if hasattr(subject, "at_once"):
                began = time.perf_counter()
                subject.at_once(32)
                rates[subject.name].append(32 / (time.perf_counter() - began))
    return {
        name: {
            "ms_per_stage": round(statistics.median(times[name]), 3),
            "workflows_per_second": round(statistics.median(rates[name]), 1) if rates[name] else 0.0,
        }
        for name in times
    }


def bytes_per_workflow(subjects: list[Any], root: Path) -> dict[str, float]:
    """What stays on the disk: files, and pages of the database after its log was folded in."""
    found = {}
    for subject in subjects:
        folder = root / subject.name
        before = stored(folder)
        subject.run(40)
        found[subject.name] = round((stored(folder) - before) / 40 / 1000, 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    with tempfile.TemporaryDirectory(prefix="prowzi-bench-") as scratch:
        subjects = open_all(Path(scratch))
        figures = measure(subjects, options.rounds)
        for name, kilobytes in bytes_per_workflow(subjects, Path(scratch)).items():
            figures[name]["kB_per_workflow"] = kilobytes
        for subject in subjects:
            subject.close()
    show(figures)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def show(figures: dict[str, dict[str, float]]) -> None:
    print(
        f"{'':10} {'ms per stage':>13} {'ours to it':>11} {'kB/workflow':>12} {'workflows/s, 8 at once':>23}"
    )
    ours = figures["prowzi"]["ms_per_stage"]
    for name, row in figures.items():
        ratio = ours / row["ms_per_stage"]
        rate = row["workflows_per_second"] or float("nan")
        print(
            f"{name:10} {row['ms_per_stage']:13.3f} {ratio:10.2f}x"
            f" {row['kB_per_workflow']:12.1f} {rate:23.1f}"
        )


if __name__ == "__main__":
    main()
