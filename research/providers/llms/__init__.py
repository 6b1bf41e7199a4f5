"""What thinks. One file is one plug-in; `offline` answers the same tasks by deterministic methods.

To add one: a module with `build(options) -> LLM`. `paid` plug-ins go through the journal with a reserve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from research.artifacts import Artifact
from research.toolbox import Task

T = TypeVar("T", bound=Artifact)


@dataclass(frozen=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0
    cost_microusd: int | None = 0  # None = unknown, shown as unknown, never as 0


@dataclass(frozen=True)
class Answer:
    output: dict[str, object]
    usage: Usage = Usage()


class LLM(Protocol):
    name: ClassVar[str]
    paid: ClassVar[bool]

    async def answer(self, task: Task[T]) -> Answer:
        """The task's output as plain data that `task.output` validates."""
        ...

    def reserve(self, task: Task[T]) -> int:
        """The worst price of this task in millionths of a US dollar."""
        ...
