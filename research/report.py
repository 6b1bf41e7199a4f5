"""The finished report: put together from the stages' results, rendered, and read again by the counter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from research.artifacts import Intent, Plan, SearchResult, Verification
from research.claims import citations
from research.claims.report import final_draft, final_evaluation
from research.exporters import Report, exporter
from research.stage import ResearchState


@dataclass(frozen=True)
class ReportText:
    draft: int
    markdown: bytes
    words: int
    citations: dict[str, int]
    claims: Sequence[dict[str, Any]]  # rows of the ledger


def build(state: ResearchState, session_id: str, created: datetime) -> Report:
    """Everything an export may show. KeyError while writing or evaluation is not committed."""
    return Report(
        question=state.question.prompt,
        intent=state.get("intent", Intent),
        plan=state.get("planning", Plan),
        verification=state.get("verification", Verification),
        draft=final_draft(state),
        evaluation=final_evaluation(state),
        created=created,
        session=session_id,
        search=state.get("search", SearchResult),
    )


def write_report(state: ResearchState, session_id: str, created: datetime) -> ReportText:
    report = build(state, session_id, created)
    markdown = exporter("md").render(report)
    claims = report.evaluation.claims
    return ReportText(
        draft=report.draft.number,
        markdown=markdown,
        words=report.draft.words,
        citations=citations.count(markdown.decode("utf-8"), report.verification.sources, claims),
        claims=[claim.model_dump(mode="json", exclude={"evidence"}) for claim in claims],
    )
