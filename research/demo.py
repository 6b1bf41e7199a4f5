"""Deterministic example data, made on the ordinary way: services, orchestrator, store, the example library.

Ids come from a seed, so a second call finds what the first one made and goes on where it was interrupted.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

from django.contrib.auth.models import User
from django.db import transaction

from research import services
from research.artifacts import Artifact, Options
from research.errors import ProviderRefused, Suspended
from research.library.examples import add_examples
from research.models import OWED, Session, SessionStatus
from research.pipeline import PIPELINE
from research.stage import Agent, ResearchState, StageSpec
from research.toolbox import Toolbox
from research.wiring import Worker, open_worker
from telemetry import collector
from telemetry.events import NewEvent
from telemetry.queries import stream_head

SEED = uuid.UUID("6f0b2f6e-8a57-5c1e-9a43-0d76d3dedb55")
BATCH = 500  # events in one transaction
KEPT_UP_TO = "verification"  # by the branch; where the others were paused

QUESTIONS = (
    "Does coffee change how well people sleep?",
    "What do the documents say about tea in the evening?",
    "Where do the documents contradict each other?",
    "How does light in the evening change sleep?",
    "Which methods are described, and what are their limits?",
    "What is known about how much and when?",
    "Which numbers are given, and for whom do they hold?",
)
KINDS = ("finished", "failed", "paused", "resumed", "branched", "cancelled", "waiting")


async def _refuse(state: ResearchState, toolbox: Toolbox) -> Artifact:
    raise ProviderRefused("The engine refused the question. (An example of a failed run.)")


async def _halt(state: ResearchState, toolbox: Toolbox) -> Artifact:
    raise Suspended("A person paused it.", reason="person")


def _with_agent(stage: str, agent: Agent) -> tuple[StageSpec, ...]:
    return tuple(replace(spec, agent=agent) if spec.name == stage else spec for spec in PIPELINE)


@dataclass(frozen=True)
class _Crew:
    """Workers that differ in one agent: what makes a run end as its example needs it."""

    usual: Worker
    failing: Worker
    halting: Worker

    def run(self, worker: Worker, session: Session) -> None:
        asyncio.run(worker.run_session(session.pk))
        session.refresh_from_db()


def session_id(number: int) -> uuid.UUID:
    return uuid.uuid5(SEED, f"session {number}")


def make(owner: User, *, sessions: int, events: int, tell: Callable[[str], None]) -> list[Session]:
    """`sessions` examples, one of each kind in turn; the first paused one with `events` events at least."""
    add_examples(owner)
    made: list[Session] = []
    with ExitStack() as stack:
        crew = _Crew(
            usual=stack.enter_context(open_worker()),
            failing=stack.enter_context(open_worker(_with_agent("search", _refuse))),
            halting=stack.enter_context(open_worker(_with_agent("writing", _halt))),
        )
        for number in range(sessions):
            kind = KINDS[number % len(KINDS)]
            made.append(_make(owner, number, kind, crew))
            tell(kind)
    if events and (paused := next((each for each in made if each.status == SessionStatus.PAUSED), None)):
        for count in pad(paused, events):
            tell(f"{count} events")
    return made


def _make(owner: User, number: int, kind: str, crew: _Crew) -> Session:
    session = Session.objects.filter(pk=session_id(number)).first() or services.start_session(
        owner=owner,
        prompt=QUESTIONS[number % len(QUESTIONS)],
        options=Options(approve_plan=kind == "waiting"),
        queue=False,
        session_id=session_id(number),
    )
    if session.status in OWED:
        first = {
            "failed": crew.failing,
            "finished": crew.usual,
            "branched": crew.usual,
            "waiting": crew.usual,
        }
        crew.run(first.get(kind, crew.halting), session)
    _decide(session, owner, kind, crew)
    return session


def _decide(session: Session, owner: User, kind: str, crew: _Crew) -> None:
    """What a person did after the first run stopped."""
    is_paused = session.status == SessionStatus.PAUSED
    if kind == "cancelled" and is_paused:
        services.cancel_session(session=session, actor=owner)
    elif kind == "resumed" and is_paused:
        services.resume_session(session=session, actor=owner, queue=False)
        crew.run(crew.usual, session)
    elif kind == "branched" and session.status == SessionStatus.COMPLETED:
        _branch(session, owner, crew)


def _branch(session: Session, owner: User, crew: _Crew) -> None:
    branch = Session.objects.filter(parent=session).first() or services.branch_session(
        session=session, after=KEPT_UP_TO, actor=owner, queue=False
    )
    if branch.status in OWED:
        crew.run(crew.usual, branch)


def pad(session: Session, events: int) -> Iterator[int]:
    """Progress events until the session's log has so many; how many there are, batch by batch."""
    head = stream_head(session.pk)
    count = head.seq if head else events  # telemetry is off: there is no log to fill
    while count < events:
        batch = [_read(number) for number in range(count, min(events, count + BATCH))]
        with transaction.atomic():
            collector.append(session.pk, batch)
        count += len(batch)
        yield count


def _read(number: int) -> NewEvent:
    return NewEvent("writing", "progress", 1, details={"code": "read_passage", "number": number})
