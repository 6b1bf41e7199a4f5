"""A toolbox for tests: the offline plug-in thinks, engines answer from lists in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

from research.artifacts import Artifact, Options, Question
from research.claims.words import content
from research.errors import ProviderUnavailable
from research.pipeline import PIPELINE
from research.providers.llms.offline import build
from research.stage import ResearchState
from research.toolbox import Hit, HitPassage, Task

T = TypeVar("T", bound=Artifact)


def hit(document: str, title: str, *passages: str, engine: str = "library", **more: object) -> Hit:
    """A document whose passages stand one after the other in its text."""
    offset, made = 0, []
    for text in passages:
        made.append(HitPassage(start=offset, end=offset + len(text), text=text, score=0.0))
        offset += len(text) + 2
    data = {"engine": engine, "document": document, "version": f"v-{document}", "title": title, **more}
    return Hit.model_validate({**data, "passages": made})


class ToolboxDouble:
    """Searches by counting common words. `broken` engines do not answer."""

    def __init__(
        self, engines: Mapping[str, Sequence[Hit]] | Sequence[Hit], *, broken: Sequence[str] = ()
    ) -> None:
        self.engines = engines if isinstance(engines, Mapping) else {"library": engines}
        self.broken = broken
        self.llm = build({})
        self.tasks: list[str] = []
        self.events: list[tuple[str, dict[str, object]]] = []
        self.searches: list[tuple[str, str, int]] = []

    async def ask(self, task: Task[T]) -> T:
        self.tasks.append(task.name)
        return task.output.model_validate((await self.llm.answer(task)).output)

    async def search(self, engine: str, query: str, *, limit: int) -> list[Hit]:
        self.searches.append((engine, query, limit))
        if engine in self.broken:
            raise ProviderUnavailable(f"{engine} did not answer.")
        asked = set(content(query))
        scored = [scored for found in self.engines[engine] if (scored := _scored(found, asked)).score > 0]
        return sorted(scored, key=lambda found: -found.score)[:limit]

    async def progress(self, code: str, **details: object) -> None:
        self.events.append((code, details))


def _scored(found: Hit, asked: set[str]) -> Hit:
    passages = [
        p.model_copy(update={"score": float(len(asked & set(content(p.text))))}) for p in found.passages
    ]
    own = float(len(asked & set(content(found.title)))) + sum(p.score for p in passages)
    kept = sorted((p for p in passages if p.score > 0), key=lambda p: -p.score)
    return found.model_copy(update={"passages": kept, "score": own})


async def run(prompt: str, tools: ToolboxDouble, *, until: str = "", **options: object) -> ResearchState:
    """The pipeline over a double, up to and with the stage `until`; skipped stages leave nothing."""
    state = ResearchState(Question(prompt=prompt, options=Options.model_validate(options)))
    for spec in PIPELINE:
        if not spec.skipped_because(state):
            state = state.with_result(spec.name, await spec.agent(state, tools))
        if spec.name == until:
            break
    return state


def research(
    prompt: str, hits: Mapping[str, Sequence[Hit]] | Sequence[Hit], **options: object
) -> ResearchState:
    return asyncio.run(run(prompt, ToolboxDouble(hits), until="", **options))
