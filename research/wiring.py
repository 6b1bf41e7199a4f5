"""The only place that knows concrete classes: puts an orchestrator together for this process."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from django.conf import settings

from research import failpoints
from research.calls import JournaledToolbox
from research.conf import Conf, conf
from research.errors import UnknownChoice
from research.orchestrator import Orchestrator, Outcome
from research.pipeline import PIPELINE
from research.providers import engines as engine_package
from research.providers import llms as llm_package
from research.providers.engines import Engine
from research.providers.llms import LLM
from research.stage import ResearchState
from research.store.gateway import Gateway
from research.store.heartbeat import Heartbeat
from research.store.lease import Held
from research.store.owners import OwnerLock
from research.summaries import describe
from research.toolbox import Scope, Toolbox

_POINTERS = {"llm": "/llm", "engine": "/engines"}  # the fields of a request that name plug-ins


def plugin_names(package: ModuleType) -> list[str]:
    """The words people type: one file is one plug-in. Doubles are offered to tests alone."""
    return list(_plugin_names(package, bool(settings.TESTING)))


@cache
def _plugin_names(package: ModuleType, testing: bool) -> tuple[str, ...]:
    modules = (import_module(f"{package.__name__}.{each.name}") for each in iter_modules(package.__path__))
    usable = (each for each in modules if hasattr(each, "build"))
    names = (
        each.__name__.rpartition(".")[2]
        for each in usable
        if testing or not getattr(each, "TESTING_ONLY", False)
    )
    return tuple(sorted(names))


def _plugin(package: ModuleType, name: str, what: str) -> ModuleType:
    names = plugin_names(package)
    if name not in names:
        raise UnknownChoice(
            f"There is no {what} {name!r}. Choose from: {', '.join(names)}.", pointer=_POINTERS[what]
        )
    return import_module(f"{package.__name__}.{name}")


@cache
def build_llm(name: str) -> LLM:
    """UnknownChoice names the choices. One for all sessions of the process."""
    built: LLM = _plugin(llm_package, name, "llm").build({})
    return built


def build_engines(names: list[str]) -> dict[str, Engine]:
    """UnknownChoice names the choices."""
    return {name: _engine(name, tuple(sorted(_engine_options(name).items()))) for name in names}


def _engine_options(name: str) -> dict[str, str]:
    return dict(conf().engine_options.get(name, {}))


@cache
def _engine(name: str, options: tuple[tuple[str, str], ...]) -> Engine:
    """One for all sessions of the process."""
    from research.library.reader import Reader  # the library's index opens only where it is used

    built: Engine = _plugin(engine_package, name, "engine").build(dict(options), Reader())
    return built


@dataclass(frozen=True)
class _Watch:
    """Ties the orchestrator's ear to the heartbeat."""

    heartbeat: Heartbeat

    def watch(self, held: Held, tell: Callable[[str], None]) -> None:
        self.heartbeat.watch(held.session_id, held.fence, tell)

    def mute(self, held: Held) -> None:
        self.heartbeat.mute(held.session_id)

    def forget(self, held: Held) -> None:
        self.heartbeat.forget(held.session_id)


@dataclass(frozen=True)
class Worker:
    """One process's means to work on sessions, many at once on one loop."""

    orchestrator: Orchestrator
    owner: OwnerLock
    heartbeat: Heartbeat

    async def run_session(self, session_id: uuid.UUID) -> Outcome:
        return await self.orchestrator.run(session_id)


@contextmanager
def open_worker(pipeline: Any = PIPELINE) -> Iterator[Worker]:
    """Owner lock, heartbeat and database thread for as long as the block lasts."""
    chosen = conf()
    stages = tuple(spec.name for spec in pipeline)
    # Threads hand over after each wait for the disk; at Python's 5 ms a stage waits longer than it works.
    sys.setswitchinterval(0.0005)
    failpoints.POINTS.arm(chosen.failpoints if settings.TESTING else "")
    with (
        OwnerLock.create(chosen.run_dir) as owner,
        Heartbeat(owner.name, chosen.lease_seconds) as heartbeat,
        Gateway(
            owner.name, chosen.run_dir, chosen.lease_seconds, chosen.data_dir / "reports", stages
        ) as gateway,
    ):
        orchestrator = Orchestrator(pipeline, gateway, _Tools(gateway, chosen), describe, _Watch(heartbeat))
        yield Worker(orchestrator, owner, heartbeat)


@dataclass
class _Tools:
    """Builds the toolbox of one attempt, from the session's own choices."""

    gateway: Gateway
    conf: Conf

    def __call__(self, held: Held, state: ResearchState) -> Toolbox:
        options = state.question.options
        scope = Scope(
            held.user_id,
            tuple(options.documents),
            tuple(options.collections),
            options.max_results,
            {"session": str(held.session_id)},
        )
        chosen: Mapping[str, Engine] = build_engines(options.engines)
        return JournaledToolbox(self.gateway.calls(held), build_llm(options.llm), chosen, scope)
