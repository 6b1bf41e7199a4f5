"""No model: every typed task is answered by a deterministic method. Free, and the same answer every time.

This is a real mode that people use, labelled in the report. It is not a mock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

from research import assignments
from research.artifacts import Artifact, plain
from research.errors import PermanentError
from research.offline import drafting, planning, relevance, understanding
from research.providers.llms import LLM, Answer
from research.toolbox import Task

T = TypeVar("T", bound=Artifact)
M = TypeVar("M", bound=Artifact)
Method = Callable[[Mapping[str, object]], Artifact]


def _method(material: type[M], answer: Callable[[M], Artifact]) -> Method:
    return lambda data: answer(material.model_validate(dict(data)))


METHODS: Mapping[str, Method] = {
    assignments.UNDERSTAND: _method(assignments.PromptMaterial, understanding.understand),
    assignments.PLAN: _method(assignments.PlanMaterial, planning.plan),
    assignments.JUDGE_SOURCES: _method(assignments.JudgeMaterial, relevance.judge_sources),
    assignments.FIND_CONTRADICTIONS: _method(assignments.ContradictionMaterial, drafting.find_contradictions),
    assignments.DRAFT_SECTION: _method(assignments.SectionMaterial, drafting.draft_section),
    assignments.SUMMARISE: _method(assignments.SummaryMaterial, drafting.summarise),
    assignments.JUDGE_CLAIMS: _method(assignments.ClaimsMaterial, drafting.judge_claims),
}


class Offline:
    name: ClassVar[str] = "offline"
    paid: ClassVar[bool] = False

    async def answer(self, task: Task[T]) -> Answer:
        method = METHODS.get(task.name)
        if method is None:
            raise PermanentError(f"There is no offline method for the task {task.name!r}.")
        return Answer(output=plain(method(task.material)))

    def reserve(self, task: Task[T]) -> int:
        return 0


def build(options: Mapping[str, str]) -> LLM:
    return Offline()
