"""One run as a walk: lease, then for each stage agent, checkpoint, commit; every other way out has a name.

Plain asyncio. What it stands on comes in through ports, so it knows neither Django nor a database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from research.artifacts import Artifact, Options, Question
from research.errors import (
    InvalidInput,
    LostLease,
    PermanentError,
    ProwziError,
    StageTimeout,
    StorageFull,
    Suspended,
    TransientError,
)
from research.stage import ResearchState, StageSpec
from research.toolbox import Toolbox

logger = logging.getLogger("prowzi.orchestrator")

FIRST_DELAY = 0.5  # seconds before the second attempt
LONGEST_DELAY = 60.0
PLAN_GATE = "plan"


class HeldSession(Protocol):
    """A lease; writes carry its fence."""

    @property
    def session_id(self) -> uuid.UUID: ...
    @property
    def user_id(self) -> int: ...
    @property
    def stage(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def errors(self) -> int: ...


@dataclass(frozen=True)
class Loaded:
    """What a session stands on when it is taken up."""

    held: Any
    prompt: str
    options: dict[str, Any]
    payloads: Mapping[str, dict[str, Any]]
    skipped: frozenset[str]


@dataclass(frozen=True)
class StageResult:
    """One finished attempt, ready to be committed."""

    artifact: Artifact
    schema: str
    schema_version: int
    keep: bool  # False = checkpoints are switched off for this session
    duration: float
    details: dict[str, Any]
    skips: Sequence[tuple[str, str]]
    following: str
    gate: str
    final: ResearchState | None  # with the last stage: what the report is made from


class Store(Protocol):
    """The durable side. Every method but acquire raises LostLease when the session is another's."""

    async def acquire(self, session_id: uuid.UUID) -> Any | None: ...
    async def load(self, held: Any) -> Loaded: ...
    async def begin(self, held: Any, stage: str) -> Any: ...
    async def commit(self, held: Any, result: StageResult) -> Any: ...
    async def retry(self, held: Any, failure: Failure, delay: float) -> None: ...
    async def try_again(self, held: Any) -> Any: ...
    async def fail(self, held: Any, failure: Failure) -> None: ...
    async def suspend(self, held: Any, *, status: str, reason: str, message: str) -> None: ...
    async def release(self, held: Any) -> None: ...


class Watch(Protocol):
    """Tells a run that its session was taken away (`lost`) or that a person wants it paused (`pause`)."""

    def watch(self, held: Any, tell: Callable[[str], None]) -> None: ...
    def mute(self, held: Any) -> None: ...
    def forget(self, held: Any) -> None: ...


@dataclass(frozen=True)
class Failure:
    error: str
    code: str
    duration: float  # seconds


@dataclass(frozen=True)
class Outcome:
    """How a run ended here: completed failed paused waiting lost drained busy."""

    status: str
    reason: str = ""


Tools = Callable[[Any, ResearchState], Toolbox]
Describe = Callable[[Artifact], dict[str, Any]]


@dataclass
class Orchestrator:
    pipeline: Sequence[StageSpec]
    store: Store
    tools: Tools
    describe: Describe  # what an event says about an artifact
    watch: Watch

    async def run(self, session_id: uuid.UUID) -> Outcome:
        """Work on a session until it ends, waits, or is another's. Cancelling hands it over (drain)."""
        held = await self.store.acquire(session_id)
        if held is None:
            return Outcome("busy")
        return await _Run(self, held).walk()


class _Run:
    """One worker's work on one session."""

    def __init__(self, orchestrator: Orchestrator, held: Any) -> None:
        self.o = orchestrator
        self.held = held
        self.task: asyncio.Task[Any] | None = asyncio.current_task()
        self.loop = asyncio.get_running_loop()
        self.lost = False
        self.pausing = asyncio.Event()

    async def walk(self) -> Outcome:
        self.o.watch.watch(self.held, self._hear)
        try:
            return await self._stages()
        except LostLease:
            return Outcome("lost")
        except _Failed as failed:
            return Outcome("failed", str(failed))
        except Suspended as stop:
            return await self._suspend(stop)
        except asyncio.CancelledError:
            if self.lost:
                return Outcome("lost")
            await asyncio.shield(self.o.store.release(self.held))
            raise
        finally:
            self.o.watch.forget(self.held)

    def _stop_watching(self) -> None:
        """Our own write is about to give the lease back; that must not be heard as losing it."""
        self.o.watch.mute(self.held)

    def _hear(self, news: str) -> None:
        """From the heartbeat's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has just ended, and the run with it
            self.loop.call_soon_threadsafe(self._act_on, news)

    def _act_on(self, news: str) -> None:
        if news == "pause":
            self.pausing.set()
        elif self.task is not None and not self.lost:
            self.lost = True
            self.task.cancel()

    async def _stages(self) -> Outcome:
        loaded = await self.o.store.load(self.held)
        self.held = loaded.held
        state = self._restore(loaded)
        done = set(state.results) | loaded.skipped
        following = next((spec for spec in self.o.pipeline if spec.name not in done), None)
        if following is None:
            raise ProwziError("Every stage is done, yet the session is not.")
        if self.held.stage != following.name:  # otherwise it was begun with the lease
            self.held = await self.o.store.begin(self.held, following.name)
        while following is not None:
            state, following, gate = await self._stage(following, state)
            if gate:
                return Outcome("waiting", gate)
        return Outcome("completed")

    def _restore(self, loaded: Loaded) -> ResearchState:
        state = ResearchState(Question(prompt=loaded.prompt, options=Options(**loaded.options)))
        for spec in self.o.pipeline:
            if spec.name in loaded.payloads:
                state = state.with_result(spec.name, spec.artifact.model_validate(loaded.payloads[spec.name]))
        return state

    async def _stage(
        self, spec: StageSpec, state: ResearchState
    ) -> tuple[ResearchState, StageSpec | None, str]:
        """One stage to its commit, over as many attempts as it takes."""
        while True:
            began = time.monotonic()
            try:
                artifact = await self._attempt(spec, state)
                after = state.with_result(spec.name, artifact)
                skips, following = self._what_follows(spec, after)
                gate = PLAN_GATE if spec.name == "planning" and state.question.options.approve_plan else ""
                result = StageResult(
                    artifact=artifact,
                    schema=spec.schema,
                    schema_version=spec.schema_version,
                    keep=state.question.options.checkpoints,
                    duration=time.monotonic() - began,
                    details=self.o.describe(artifact),
                    skips=skips,
                    following=following.name if following else "",
                    gate=gate,
                    final=None if following else after,
                )
                if gate or not following:
                    self._stop_watching()
                self.held = await self.o.store.commit(self.held, result)
            except (LostLease, Suspended):
                raise
            except Exception as error:  # noqa: BLE001  the one place: any error of an attempt is an attempt's end
                await self._recover(spec, error, time.monotonic() - began)
                continue
            if self.pausing.is_set() and following and not gate:
                raise Suspended("A person paused it.", reason="person")
            return after, following, gate

    async def _attempt(self, spec: StageSpec, state: ResearchState) -> Artifact:
        try:
            async with asyncio.timeout(spec.deadline):
                return await spec.agent(state, self.o.tools(self.held, state))
        except TimeoutError as error:
            raise StageTimeout(f"{spec.name} took longer than {spec.deadline:g} s.") from error

    def _what_follows(
        self, spec: StageSpec, state: ResearchState
    ) -> tuple[list[tuple[str, str]], StageSpec | None]:
        skips: list[tuple[str, str]] = []
        names = [each.name for each in self.o.pipeline]
        for each in self.o.pipeline[names.index(spec.name) + 1 :]:
            reason = each.skipped_because(state)
            if not reason:
                return skips, each
            skips.append((each.name, reason))
        return skips, None

    async def _recover(self, spec: StageSpec, error: Exception, duration: float) -> None:
        """Decide what an attempt's error means: another attempt, a pause, or the end."""
        failure = Failure(_message(error), getattr(error, "code", "bug"), duration)
        if isinstance(error, PermanentError | InvalidInput):
            await self._fail(failure, error)
        if self.held.errors + 1 >= spec.attempts:
            if isinstance(error, StorageFull):
                raise Suspended(failure.error, reason=error.code) from error
            await self._fail(failure, error)
        level = logging.WARNING if isinstance(error, TransientError) else logging.ERROR
        logger.log(level, "attempt failed", extra=_record(self.held, failure), exc_info=error)
        delay = back_off(self.held.errors, getattr(error, "retry_after", None))
        await self.o.store.retry(self.held, failure, delay)
        await self._pause_for(delay)
        self.held = await self.o.store.try_again(self.held)
        self.o.watch.watch(self.held, self._hear)

    async def _fail(self, failure: Failure, error: Exception) -> None:
        self._stop_watching()
        logger.error("session failed", extra=_record(self.held, failure), exc_info=error)
        await self.o.store.fail(self.held, failure)
        raise _Failed(failure.code) from error

    async def _pause_for(self, delay: float) -> None:
        try:
            await asyncio.wait_for(self.pausing.wait(), delay)
        except TimeoutError:
            return
        raise Suspended("A person paused it.", reason="person")

    async def _suspend(self, stop: Suspended) -> Outcome:
        self._stop_watching()
        status = "waiting" if stop.waiting else "paused"
        try:
            await self.o.store.suspend(self.held, status=status, reason=stop.reason, message=stop.message)
        except LostLease:
            return Outcome("lost")
        return Outcome(status, stop.reason)


class _Failed(Exception):
    """The failure is committed; nothing more is to be written. The argument is its code."""


def _message(error: Exception) -> str:
    """What people read: our own errors in their words, a bug without its inside (S37)."""
    if isinstance(error, ProwziError):
        return error.message
    return f"Something broke inside Prowzi ({type(error).__name__}). The log has the details."


def _record(held: HeldSession, failure: Failure) -> dict[str, object]:
    return {
        "session": str(held.session_id),
        "stage": held.stage,
        "attempt": held.attempt,
        "code": failure.code,
    }


def back_off(
    errors: int, retry_after: float | None = None, *, dice: Callable[[], float] = random.random
) -> float:
    """Seconds before the next attempt: doubling from FIRST_DELAY, full jitter over the upper half.

    A provider's Retry-After is the least. (Exponential back-off and jitter: AWS Architecture Blog, 2015.)
    """
    ceiling = min(LONGEST_DELAY, FIRST_DELAY * 2.0**errors)
    return max(ceiling / 2 + dice() * ceiling / 2, retry_after or 0.0)
