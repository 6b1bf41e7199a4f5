"""The toolbox that agents really get: every paid or slow call goes through the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from research.artifacts import Artifact
from research.errors import ProviderRefused, ProviderUnavailable, ProwziError
from research.failpoints import failpoint
from research.providers.engines import Engine
from research.providers.llms import LLM, Usage
from research.toolbox import Hit, Hits, Scope, Task

T = TypeVar("T", bound=Artifact)


@dataclass(frozen=True)
class Request:
    """A call as the journal keys it."""

    path: str
    ordinal: int
    provider: str
    request: dict[str, Any]
    reserve_microusd: int = 0


@dataclass(frozen=True)
class Reply:
    answer: dict[str, Any]
    usage: Usage = Usage()


class CallLog(Protocol):
    """The journal, bound to one lease and stage."""

    async def begin(self, request: Request) -> Any:
        """A ticket; its `answer` is there when the call was made before."""
        ...

    async def settle(self, ticket: Any, reply: Reply) -> None: ...
    async def fail(self, ticket: Any, error: str) -> None: ...
    async def progress(self, code: str, details: dict[str, Any]) -> None: ...


@dataclass
class JournaledToolbox:
    log: CallLog
    llm: LLM
    engines: Mapping[str, Engine]
    scope: Scope
    counts: Counter[str] = field(default_factory=Counter)  # equal calls so far, for the ordinal

    async def ask(self, task: Task[T]) -> T:
        if not self.llm.paid:  # pure and free: nothing to remember (docs/adr/0005)
            return self._typed(task, (await self.llm.answer(task)).output)
        request = {"task": task.name, "instructions": task.instructions, "material": dict(task.material)}
        keyed = self._keyed(f"ask/{task.name}", self.llm.name, request, self.llm.reserve(task))

        async def send() -> Reply:
            answer = await self.llm.answer(task)
            return Reply(answer.output, answer.usage)

        return self._typed(task, await self._call(keyed, send))

    async def search(self, engine: str, query: str, *, limit: int) -> list[Hit]:
        chosen = self.engines.get(engine)
        if chosen is None:
            raise ProviderUnavailable(f"The engine {engine} is not switched on here.")
        scope = replace(self.scope, limit=limit)
        asked = {
            "query": query,
            "limit": limit,
            "documents": list(scope.documents),
            "collections": list(scope.collections),
        }

        async def send() -> Reply:
            hits = await chosen.search(query, scope)
            return Reply({"hits": [hit.model_dump(mode="json") for hit in hits]})

        return Hits.model_validate(await self._call(self._keyed("search", engine, asked), send)).hits

    async def progress(self, code: str, **details: object) -> None:
        await self.log.progress(code, dict(details))

    def _keyed(self, path: str, provider: str, request: dict[str, Any], reserve: int = 0) -> Request:
        name = f"{path} {provider} {sorted(request.items())!r}"
        ordinal = self.counts[name]
        self.counts[name] += 1
        return Request(path, ordinal, provider, request, reserve)

    async def _call(self, request: Request, send: Callable[[], Awaitable[Reply]]) -> dict[str, Any]:
        ticket = await self.log.begin(request)
        if ticket.answer is not None:
            known: dict[str, Any] = ticket.answer
            return known
        failpoint("FP05")
        try:
            reply = await send()
        except ProwziError as error:
            await self.log.fail(ticket, error.message)
            raise
        await self.log.settle(ticket, reply)
        return reply.answer

    def _typed(self, task: Task[T], output: dict[str, Any]) -> T:
        try:
            return task.output.model_validate(output)
        except ValidationError as error:
            raise ProviderRefused(
                f"{self.llm.name} answered {task.name} in a shape that does not fit."
            ) from error
