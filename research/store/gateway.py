"""The store as asyncio sees it: one thread that writes to the database, one that reads, a few for blobs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)

from research.artifacts import plain
from research.calls import Reply, Request
from research.errors import StorageError, TransientError
from research.orchestrator import Failure, Loaded, StageResult
from research.report import write_report
from research.stage import ResearchState
from research.store import commit, heartbeat, journal, lease, recovery
from research.store.checkpoints import manager
from research.store.checkpoints.manager import Written
from research.store.checkpoints.storage import LocalBlobStore
from research.store.commit import Published, Skip, StageEnd
from research.store.database_thread import DatabaseThread
from research.store.lease import Held
from telemetry import queries, statements
from telemetry.session_json import write_session_json

P = ParamSpec("P")
R = TypeVar("R")
logger = logging.getLogger("prowzi.store")

_TRIES = 6  # of one whole transaction while the database does not answer


class DatabaseDown(TransientError):
    """The database does not answer."""

    code = "database_down"


@dataclass
class Gateway:
    """Implements orchestrator.Store. Use as a context manager; one per worker process."""

    owner: str  # name of the owner lock
    run_dir: Path
    lease_seconds: float
    reports: Path  # folder of published reports
    stages: tuple[str, ...]

    def __enter__(self) -> Gateway:
        self._database = DatabaseThread(self.run_dir / "writer.lock" if statements.is_sqlite() else None)
        self._database.start()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        # They wait for the disk, which takes several syncs at the price of one.
        self._blobs = ThreadPoolExecutor(4, thread_name_prefix="blobs")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blobs.shutdown()
        self._reader.submit(connections.close_all)
        self._reader.shutdown()
        self._database.stop()

    async def database(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a whole transaction in the database thread, together with what else stands in line.

        It is finished even when the caller is cancelled: half of it would otherwise be unknown to us.
        """
        return await self._insist(self._database.submit, lambda: function(*args, **kwargs))

    async def aside(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run what mostly reads, and takes its time, where no commit waits for it."""
        return await self._insist(self._reader.submit, lambda: function(*args, **kwargs))

    async def _insist(self, submit: Callable[[Callable[[], R]], Future[R]], work: Callable[[], R]) -> R:
        """Again, with jitter, while the database is away."""
        for attempt in range(_TRIES):
            try:
                return await _finished(asyncio.wrap_future(submit(work)))
            except (OperationalError, InterfaceError) as error:
                self._note_down(error)
            await asyncio.sleep(_pause(attempt))
        raise DatabaseDown

    def _note_down(self, error: Exception) -> None:
        logger.warning("database", extra={"code": "database_down", "error": str(error)})
        self._database.reconnect()
        self._reader.submit(connections.close_all)  # looked up there: a connection belongs to its thread

    # --- orchestrator.Store ---------------------------------------------------------------------

    async def acquire(self, session_id: uuid.UUID) -> Held | None:
        held = await self.database(self._acquire, session_id)
        heartbeat.tell(session_id)
        return held

    def _acquire(self, session_id: uuid.UUID) -> Held | None:
        """The lease; a session that has nothing yet begins its first stage in the same commit."""
        with transaction.atomic():
            held = lease.acquire(
                session_id, owner=self.owner, run_dir=self.run_dir, seconds=self.lease_seconds
            )
            return commit.begin_stage(held, self.stages[0]) if held and held.is_fresh else held

    async def load(self, held: Held) -> Loaded:
        standing = await self.aside(recovery.load, held, self.stages)
        return Loaded(standing.held, standing.prompt, standing.options, standing.payloads, standing.skipped)

    async def begin(self, held: Held, stage: str) -> Held:
        return self._told(await self.database(commit.begin_stage, held, stage))

    async def commit(self, held: Held, result: StageResult) -> Held:
        """Blob, transaction, nudge in one trip through a thread: the loop is woken once a stage."""
        work = asyncio.get_running_loop().run_in_executor(self._blobs, self._commit, held, result)
        return await _finished(work)

    def _commit(self, held: Held, result: StageResult) -> Held:
        end = self._publish(held, result)
        following = self._commit_rows(held, end)
        heartbeat.tell(held.session_id)
        if end.written is not None:
            _describe(end.written)
        if end.published is not None:
            self._reader.submit(self._write_metrics, held)
        return following

    def _publish(self, held: Held, result: StageResult) -> StageEnd:
        """Everything that must lie on the disk before its row."""
        return StageEnd(
            token=uuid.uuid4().hex,
            written=_write(held, result),
            duration=result.duration,
            details=result.details,
            skips=[Skip(stage, reason) for stage, reason in result.skips],
            following=result.following,
            gate=result.gate,
            published=_publish_report(self.reports, held, result.final) if result.final else None,
        )

    def _commit_rows(self, held: Held, end: StageEnd) -> Held:
        for attempt in range(_TRIES):
            try:
                committed: Held = self._database.submit(lambda: commit.commit_stage(held, end)).result()
                return committed
            except (OperationalError, InterfaceError) as error:
                self._note_down(error)
            time.sleep(_pause(attempt))
        raise DatabaseDown

    def _write_metrics(self, held: Held) -> None:
        """The seed's session JSON, for other programs to read; the events are the truth."""
        try:
            metrics = queries.metrics_of(held.session_id)
            if metrics is not None:
                write_session_json(self.run_dir.parent / "telemetry", metrics)
        except (OSError, DatabaseError) as error:
            logger.warning("session JSON not written", extra={"code": "session_json", "error": str(error)})

    async def retry(self, held: Held, failure: Failure, delay: float) -> None:
        await self.database(
            commit.retry_stage,
            held,
            error=failure.error,
            code=failure.code,
            delay=delay,
            duration=failure.duration,
        )
        heartbeat.tell(held.session_id)

    async def try_again(self, held: Held) -> Held:
        return self._told(await self.database(commit.try_again, held))

    async def fail(self, held: Held, failure: Failure) -> None:
        await self.database(
            commit.fail_session, held, error=failure.error, code=failure.code, duration=failure.duration
        )
        self._reader.submit(self._write_metrics, held)
        heartbeat.tell(held.session_id)

    async def suspend(self, held: Held, *, status: str, reason: str, message: str) -> None:
        await self.database(commit.suspend_session, held, status=status, reason=reason, message=message)
        heartbeat.tell(held.session_id)

    async def release(self, held: Held) -> None:
        await self.database(lease.release, held)
        heartbeat.tell(held.session_id)

    def _told(self, held: Held) -> Held:
        heartbeat.tell(held.session_id)
        return held

    def calls(self, held: Held) -> Calls:
        return Calls(self, held)


@dataclass
class Calls:
    """The journal, bound to one lease and stage."""

    gateway: Gateway
    held: Held

    async def begin(self, request: Request) -> journal.Ticket:
        call = journal.Call(
            request.path, request.ordinal, request.provider, request.request, request.reserve_microusd
        )
        return await self.gateway.database(journal.begin, self.held, call)

    async def settle(self, ticket: journal.Ticket, reply: Reply) -> None:
        usage = reply.usage
        settled = journal.Settled(reply.answer, usage.cost_microusd, usage.input_tokens, usage.output_tokens)
        await self.gateway.database(journal.settle, self.held, ticket, settled)

    async def fail(self, ticket: journal.Ticket, error: str) -> None:
        await self.gateway.database(journal.fail, self.held, ticket, error)

    async def progress(self, code: str, details: dict[str, Any]) -> None:
        await self.gateway.database(commit.note_progress, self.held, code, details)
        heartbeat.tell(self.held.session_id)


def _pause(attempt: int) -> float:
    """Seconds before the next try: doubling, with jitter."""
    return 0.1 * 2.0**attempt * (0.5 + random.random())


async def _finished(work: asyncio.Future[R]) -> R:
    """The outcome of work that goes on to its end even when nobody waits for it any more."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        work.add_done_callback(_forget)
        raise


def _forget(work: asyncio.Future[Any]) -> None:
    """Nobody waits for this any more; what it did is in the database, and its error is not ours to raise."""
    if not work.cancelled():
        work.exception()


def _write(held: Held, result: StageResult) -> Written | None:
    if not result.keep:
        return None
    return manager.write(
        held, plain(result.artifact), schema=result.schema, schema_version=result.schema_version
    )


def _describe(written: Written) -> None:
    """Nobody waits for this; a folder that cannot be written is told of by the next checkpoint."""
    with contextlib.suppress(StorageError):
        manager.describe(written)


def _publish_report(reports: Path, held: Held, final: ResearchState) -> Published:
    text = write_report(final, str(held.session_id), held.created_at)
    digest = hashlib.sha256(text.markdown).hexdigest()
    key = f"{held.session_id}-draft-{text.draft}-f{held.fence}-{digest[:12]}.md"
    LocalBlobStore(reports).put_new(key, text.markdown)
    return Published(
        draft=text.draft,
        file=f"reports/{key}",
        digest=digest,
        words=text.words,
        citations=text.citations,
        claims=text.claims,
    )
