"""What a stage is: a typed async agent, its deadline, its attempts, and when it does not apply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from research.artifacts import Artifact, Question

if TYPE_CHECKING:
    from research.toolbox import Toolbox

A = TypeVar("A", bound=Artifact)


@dataclass(frozen=True)
class ResearchState:
    """The question and what the stages before this one committed."""

    question: Question
    results: Mapping[str, Artifact] = field(default_factory=dict)  # stage name -> artifact

    def get(self, stage: str, kind: type[A]) -> A:
        """The artifact of an earlier stage; KeyError when that stage has not committed."""
        found = self.results[stage]
        if not isinstance(found, kind):
            raise TypeError(f"{stage} holds {type(found).__name__}, not {kind.__name__}")
        return found

    def with_result(self, stage: str, artifact: Artifact) -> ResearchState:
        return ResearchState(self.question, {**self.results, stage: artifact})


Agent = Callable[["ResearchState", "Toolbox"], Awaitable[Artifact]]
Applies = Callable[[ResearchState], str]


def always(state: ResearchState) -> str:
    """Why the stage is skipped; empty = it applies."""
    return ""


@dataclass(frozen=True)
class StageSpec:
    name: str
    agent: Agent
    artifact: type[Artifact]
    schema_version: int = 1
    deadline: float = 900.0  # seconds for one attempt
    attempts: int = 4  # attempts that end in an error the stage itself raised
    skipped_because: Applies = always

    @property
    def schema(self) -> str:
        return self.artifact.__name__
