"""What an agent may do to the world: ask for a typed task, search an engine, report progress.

Agents get a Toolbox and nothing else. Every paid or slow call goes through the journal, so that
a resumed run takes the answer from there instead of calling again (design: the journal).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from research.artifacts import Artifact

T = TypeVar("T", bound=Artifact)


@dataclass(frozen=True)
class Task(Generic[T]):
    """One typed request to whatever thinks here: a model, or the offline methods."""

    name: str  # which task, such as understand, plan, draft_section
    instructions: str  # the prompt; stands at the top of the agent's file
    material: Mapping[str, object]  # plain data; untrusted text stays inside it, never in the instructions
    output: type[T]


class HitPassage(Artifact):
    start: int
    end: int
    text: str
    score: float


class Hit(Artifact):
    """One document that an engine answered with."""

    engine: str
    document: str
    version: str = ""
    title: str
    authors: list[str] = []
    year: int | None = None
    url: str = ""
    doi: str = ""
    venue: str = ""
    score: float = 0.0
    passages: list[HitPassage] = []


class Hits(Artifact):
    hits: list[Hit]


@dataclass(frozen=True)
class Scope:
    """Where a search may look. Owner and documents are set by the session, never by a model's answer."""

    owner: int
    documents: tuple[str, ...] = ()  # empty = all of the owner's
    collections: tuple[str, ...] = ()
    limit: int = 20
    options: Mapping[str, str] = field(default_factory=dict)


class Toolbox(Protocol):
    async def ask(self, task: Task[T]) -> T:
        """Answer a typed task. Raises TransientError or PermanentError."""
        ...

    async def search(self, engine: str, query: str, *, limit: int) -> list[Hit]:
        """Search one engine within the session's scope, best first. No answer: ProviderUnavailable."""
        ...

    async def progress(self, code: str, **details: object) -> None:
        """Record inner progress of the stage as an event; may be dropped while another one is under way."""
        ...
