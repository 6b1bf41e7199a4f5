"""A whole research run as one call, in the caller's process; no worker is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from research import accounts, queries, services
from research.artifacts import Options
from research.config import Config, get_config
from research.errors import InvalidInput
from research.foreground import OrmThread, work_and_tell
from research.models import Session, SessionStatus
from research.wiring import open_worker

Progress = Callable[[dict[str, Any]], object]  # gets every event, such as a console.ProgressListener


@dataclass(frozen=True)
class ResearchResult:
    """How a run stood when it stopped here: ended, or paused or waiting with a reason."""

    session_id: str
    status: str
    report: str  # Markdown; empty while there is none
    citations: Mapping[str, int]
    stages: list[dict[str, Any]]
    metadata: dict[str, Any] = field(default_factory=dict)  # all of what `prowzi show --json` gives

    @property
    def success(self) -> bool:
        return self.status == SessionStatus.COMPLETED


class ProwziOrchestrator:
    """Runs research for one user: the first administrator, unless a call names another."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or get_config()

    async def run_research(
        self,
        prompt: str,
        *,
        progress: Progress | None = None,
        user: str | None = None,
        budget_usd: Decimal | float | None = None,
        **options: Any,
    ) -> ResearchResult:
        """Ask and work until the run ends or waits. `options` are those of artifacts.Options."""
        chosen = _options(options, checkpoints=self.config.enable_checkpointing)
        budget = None if budget_usd is None else Decimal(str(budget_usd))

        def start() -> Session:
            owner = accounts.acting_user(user)
            return services.start_session(
                owner=owner, prompt=prompt, options=chosen, budget_usd=budget, queue=False
            )

        return await self._work(start, progress)

    async def resume_from_checkpoint(
        self, checkpoint_id: str, *, progress: Progress | None = None, user: str | None = None
    ) -> ResearchResult:
        """Go on where the session stands. Takes the id of a session or of a checkpoint, or its beginning.

        A completed session is answered at once. IllegalState when it was cancelled.
        """

        def resume() -> Session:
            actor = accounts.acting_user(user)
            session = queries.find_session(actor, checkpoint_id)
            return services.resume_session(session=session, actor=actor, queue=False)

        return await self._work(resume, progress)

    async def _work(self, begin: Callable[[], Session], progress: Progress | None) -> ResearchResult:
        with OrmThread() as database:
            session = await database.call(begin)
            if session.status != SessionStatus.COMPLETED:
                with open_worker() as worker:
                    await work_and_tell(worker, session.pk, progress or _ignore)
            return await database.call(_result, session)


def _ignore(event: dict[str, Any]) -> None:
    """Nobody listens."""


def _options(given: dict[str, Any], *, checkpoints: bool) -> Options:
    unknown = sorted(set(given) - set(Options.model_fields))
    if unknown:
        choices = ", ".join(Options.model_fields)
        raise InvalidInput(f"There is no option {unknown[0]!r}.", hint=f"Choose from: {choices}, budget_usd.")
    return Options(**{"checkpoints": checkpoints, **given})


def _result(session: Session) -> ResearchResult:
    session.refresh_from_db()
    document = dict(queries.session_json(session))
    return ResearchResult(
        session_id=str(session.pk),
        status=session.status,
        report=queries.report_text(session) if document["report_path"] else "",
        citations=document["citations"],
        stages=document["stages"],
        metadata=document,
    )
