"""Small worlds for tests of runs: an engine over three short documents, and a worker to run sessions with."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.db import connections

from research import services, wiring
from research.artifacts import Options
from research.models import Session
from research.orchestrator import Outcome
from research.pipeline import PIPELINE
from research.toolbox import Hit, HitPassage, Scope

TEXTS = {
    "Tea and sleep": "Green tea contains caffeine. Drinking tea after 18:00 delays sleep by 12 minutes.",
    "Coffee and sleep": "Coffee holds more caffeine than tea. Coffee after 18:00 delays sleep by 40 minutes.",
    "Sleep and light": "Bright light in the evening delays sleep. Dim light does not change sleep.",
}
QUESTION = "How do tea and coffee in the evening change sleep?"


class SmallEngine:
    """Answers every query with its three documents and keeps count of what it was asked."""

    name: ClassVar[str] = "library"
    needs_network: ClassVar[bool] = False

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def search(self, query: str, scope: Scope) -> list[Hit]:
        self.asked.append(query)
        return [self._hit(title, text, 1.0 - at / 10) for at, (title, text) in enumerate(TEXTS.items())]

    def _hit(self, title: str, text: str, score: float) -> Hit:
        passage = HitPassage(start=0, end=len(text), text=text, score=score)
        return Hit(
            engine="library",
            document=str(uuid.uuid5(uuid.NAMESPACE_URL, title)),
            version="v1",
            title=title,
            score=score,
            passages=[passage],
        )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SmallEngine:
    small = SmallEngine()
    monkeypatch.setattr(wiring, "build_engines", lambda names: dict.fromkeys(names, small))
    return small


def ask(owner: User, prompt: str = QUESTION, **options: Any) -> Session:
    return services.start_session(owner=owner, prompt=prompt, options=Options(**options))


def run(session: Session, pipeline: Any = PIPELINE) -> Outcome:
    """Work on a session in this process, as a worker would."""
    with wiring.open_worker(pipeline) as worker:
        outcome = asyncio.run(worker.run_session(session.pk))
    session.refresh_from_db()
    return outcome


@pytest.fixture
def finished(owner: User, engine: SmallEngine) -> Session:
    session = ask(owner)
    run(session)
    return session


def beside(act: Callable[[], object]) -> threading.Thread:
    """A thread that is at it; its database connection ends with it."""

    def work() -> None:
        try:
            act()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread
