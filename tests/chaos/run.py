"""Random kills over all kinds of process while research is at work: `make chaos KILLS=60 SEED=…`.

Eight sessions are kept at work through the JSON API of a real installation, on an engine that takes time
and writes down every call. Processes die by SIGKILL at random moments: busy worker, idle worker, parent of
the cluster, sentinel, pusher, monitor, web, sweeper, the whole tree. Afterwards the invariants of the fault
list are checked one by one (invariants.py). Prints its seed; exit 1 names what did not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.stack import ROOT, Stack, migrate, wait_until

AT_ONCE = 8
DELAY_SECONDS = 0.25  # of one call to the engine
LEASE_SECONDS = 1.0
QUESTIONS = (
    "Does coffee change how well people sleep?",
    "What does caffeine do to the time people fall asleep?",
    "How long does caffeine stay in the body?",
    "Is decaffeinated coffee free of caffeine?",
)
LIBRARY = {
    "sleep-onset": "Coffee and sleep onset. Coffee after 18:00 delays sleep by 40 minutes on average. "
    "People who drink coffee in the morning fall asleep as quickly as others.",
    "half-life": "Caffeine in the body. Half of the caffeine of a cup is still in the body after five hours. "
    "In some people it takes nine hours until half of it is gone.",
    "decaffeinated": "Decaffeinated coffee. Decaffeinated coffee is not free of caffeine:"
    " a cup holds 2 to 7 mg. Ordinary coffee holds 95 mg a cup.",
    "depth": "Caffeine and deep sleep. Caffeine shortens deep sleep by a fifth even when people fall asleep. "
    "Coffee changes how well people sleep more than they notice.",
    "tea": "Tea in the evening. Green tea holds 30 mg of caffeine a cup and delays sleep by 12 minutes.",
}
# How often each kind dies; the whole tree and the parent are dear to restart, so they die less often.
KINDS = {
    "busy": 6,
    "idle": 2,
    "cluster": 2,
    "sentinel": 1,
    "pusher": 1,
    "monitor": 1,
    "web": 2,
    "sweeper": 1,
    "tree": 1,
}


@dataclass
class Kill:
    kind: str
    at: float  # seconds since the epoch
    sessions: list[str]  # at work in what died
    fences: dict[str, int] = field(default_factory=dict)  # of these sessions, before


@dataclass
class Chaos:
    data_dir: Path
    seed: int
    settings: dict[str, str]
    token: str = ""
    accepted: dict[str, str] = field(default_factory=dict)  # id the client saw with a 201 -> question
    kills: list[Kill] = field(default_factory=list)
    restarts: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.stack = Stack(self.data_dir, settings=self.settings)

    # --- the client ----------------------------------------------------------------------------

    def ask(self) -> None:
        """Start one session as a careful client does: the same Idempotency-Key until an answer comes."""
        question, key = self.dice.choice(QUESTIONS), str(uuid.UUID(int=self.dice.getrandbits(128)))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(urllib.error.URLError, OSError):
                answer = self._post({"prompt": question, "engines": ["rehearsal"], "max_sections": 3}, key)
                self.accepted[answer["session_id"]] = question
                return
            time.sleep(0.2)
        raise AssertionError("no session was accepted within 60 s")

    def _post(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.stack.port}/api/v1/sessions",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    # --- the killer ----------------------------------------------------------------------------

    def owners(self) -> dict[int, str]:
        """pid -> owner name of each process that may hold leases, as the kernel has it."""
        folder = self.data_dir / "run" / "owners"
        inodes = {}
        for path in folder.glob("*.lock"):
            with suppress(FileNotFoundError):
                inodes[path.stat().st_ino] = path.stem
        held = {}
        for line in Path("/proc/locks").read_text().splitlines():
            match = re.search(r"FLOCK\s+ADVISORY\s+WRITE\s+(\d+)\s+\S+:(\d+)\s", line)
            if match and int(match[2]) in inodes:
                held[int(match[1])] = inodes[int(match[2])]
        return held

    def victims(self, kind: str) -> list[int]:
        kinds, owners = self.stack.look(), self.owners()
        workers = kinds.get("worker", [])
        if kind == "busy":
            return [pid for pid in workers if pid in owners]
        if kind == "idle":
            return [pid for pid in workers if pid not in owners]
        if kind == "tree":
            return [self.stack.process.pid]
        return kinds.get(kind, [])

    def kill(self) -> None:
        kind = ""
        victims: list[int] = []
        while not victims:  # a kind that is just being replaced is nobody's victim
            kind = self.dice.choices(list(KINDS), list(KINDS.values()))[0]
            victims = self.victims(kind)
        pid = self.dice.choice(victims)
        whole = kind in ("tree", "cluster", "sentinel")
        held = self.held_by(None if whole else self.owners().get(pid, "nobody"))
        kill = Kill(kind, time.time(), list(held), held)
        os.kill(pid, signal.SIGKILL)
        self.kills.append(kill)
        if kind == "tree":
            self.restart()

    def restart(self) -> None:
        self.stack.process.wait(10)
        wait_until(lambda: self.stack.orphans() == [], 5, "nobody survives the supervisor")
        self.stack.process.communicate()
        self.restarts += 1
        self.stack = Stack(
            self.data_dir, settings=self.settings, port=self.stack.port, seen=self.stack.seen
        ).start()
        wait_until(self.stack.is_healthy, 30, "the web answers again")
        wait_until(lambda: self.stack.look().get("worker"), 30, "workers are back")

    # --- what the database says ----------------------------------------------------------------

    def held_by(self, owner: str | None) -> dict[str, int]:
        from research.models import OWED, Session

        rows = Session.objects.filter(status__in=OWED).exclude(lease_owner="")
        if owner is not None:
            rows = rows.filter(lease_owner__endswith=owner)
        return {str(key): fence for key, fence in rows.values_list("pk", "fence")}

    def at_work(self) -> int:
        from research.models import OWED, Session

        return Session.objects.filter(status__in=OWED).count()

    def run(self, kills: int) -> None:
        progress = Progress(kills)
        self.stack.start()
        try:
            wait_until(self.stack.is_healthy, 30, "the web answers")
            while len(self.kills) < kills:
                while self.at_work() < AT_ONCE:
                    self.ask()
                time.sleep(self.dice.uniform(0.3, 2.5))
                self.kill()
                progress.show(self.kills[-1].kind, len(self.accepted))
            wait_until(lambda: self.at_work() == 0, 120, "every session ends")
            self.stack.look()
            self.stack.stop()
            assert self.stack.orphans() == [], self.stack.orphans()
        finally:
            self.stack.__exit__()


@dataclass
class Progress:
    kills: int
    done: int = 0

    def show(self, kind: str, sessions: int) -> None:
        self.done += 1
        print(
            f"\r{self.done}/{self.kills} kills, last: {kind:9} {sessions} sessions accepted",
            end="",
            file=sys.stderr,
        )
        if self.done == self.kills:
            print(file=sys.stderr)


# --- the figures ---------------------------------------------------------------------------------


def recovery(chaos: Chaos) -> dict[str, list[float]]:
    """Seconds from a kill to the first work of the next owner of each session that lost its own, by kind."""
    from telemetry.models import Event

    found: dict[str, list[float]] = {}
    for kill in chaos.kills:
        for session in kill.sessions:
            later = Event.objects.filter(session_id=session, at__gt=_moment(kill.at)).order_by("seq")
            handed = later.filter(status__in=["taken_over", "continued"]).first()
            event = handed and later.filter(seq__gt=handed.seq).exclude(status="continued").first()
            if event:
                found.setdefault(kill.kind, []).append(event.at.timestamp() - kill.at)
    return found


def _moment(seconds: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)


# --- the whole --------------------------------------------------------------------------------------


def prepare(data_dir: Path) -> tuple[str, dict[str, str]]:
    """A library, a token, and the report of each question from a run that nothing disturbs."""
    import asyncio

    from django.contrib.auth.models import User

    from research import services, tokens, wiring
    from research.artifacts import Options
    from research.library import documents
    from research.library.intake import Upload
    from tests.chaos.invariants import report

    owner = User.objects.create_superuser("admin")
    documents.add(owner, [Upload(f"{name}.txt", text.encode()) for name, text in LIBRARY.items()])
    _, token = tokens.create_token(owner=owner, name="chaos")
    references = {}
    for question in QUESTIONS:
        options = Options(engines=["rehearsal"], max_sections=3)
        session = services.start_session(owner=owner, prompt=question, options=options, queue=False)
        with wiring.open_worker() as worker:
            asyncio.run(worker.run_session(session.pk))
        references[question] = report(str(session.pk))
        assert references[question], f"the undisturbed run of {question!r} left no report"
    return token, references


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"chaos seed {seed}, {options.kills} kills", flush=True)
    with tempfile.TemporaryDirectory(prefix="prowzi-chaos-") as scratch:
        return _in(Path(scratch), seed, options)


def _in(scratch: Path, seed: int, options: argparse.Namespace) -> int:
    data_dir, log = scratch / "data", scratch / "calls.jsonl"
    settings = {
        "PROWZI_LEASE_SECONDS": str(LEASE_SECONDS),
        "PROWZI_ENGINE_REHEARSAL__DELAY": str(DELAY_SECONDS),
        "PROWZI_ENGINE_REHEARSAL__LOG": str(log),
        "LOG_LEVEL": "CRITICAL",
    }
    migrate(data_dir)
    os.chdir(ROOT)
    os.environ.update(
        settings,
        DJANGO_SETTINGS_MODULE="prowzi_site.settings",
        PROWZI_DATA_DIR=str(data_dir),
        PROWZI_TESTING="1",
    )
    import django

    django.setup()
    token, references = prepare(data_dir)
    chaos = Chaos(data_dir, seed, settings, token)
    chaos.run(options.kills)
    from tests.chaos.invariants import broken

    problems = broken(chaos.accepted, references, log)
    figures = summary(chaos, log)
    for name, value in figures.items():
        print(f"{name:32} {value}")
    for problem in problems:
        print(f"BROKEN {problem}")
    print(f"{len(problems)} invariants broken; seed {seed}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"seed": seed, "problems": problems, **figures}, indent=1) + "\n")
    return 1 if problems else 0


def summary(chaos: Chaos, log: Path) -> dict[str, Any]:
    from tests.chaos.invariants import call_figures

    times = recovery(chaos)
    figures: dict[str, Any] = {
        "kills": dict(Counter(kill.kind for kill in chaos.kills)),
        "sessions accepted, all completed": len(chaos.accepted),
        "restarts of the whole tree": chaos.restarts,
        **call_figures(log),
    }
    for kind, seconds in sorted(times.items()):
        ordered = sorted(seconds)
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        figures[f"next progress after {kind}"] = (
            f"p50 {statistics.median(ordered):.2f} s, p99 {p99:.2f} s of {len(ordered)} sessions"
        )
    return figures


if __name__ == "__main__":
    sys.exit(main())
