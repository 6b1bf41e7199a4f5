"""The eight stages in order. A reader starts here."""

from __future__ import annotations

from research.agents import (
    evaluation,
    intent,
    originality,
    planning,
    reevaluation,
    search,
    verification,
    writing,
)
from research.artifacts import (
    Draft,
    Evaluation,
    Intent,
    Originality,
    Plan,
    Reevaluation,
    SearchResult,
    Verification,
)
from research.stage import StageSpec

PIPELINE: tuple[StageSpec, ...] = (
    StageSpec("intent", intent.understand, Intent, deadline=120),
    StageSpec("planning", planning.plan, Plan, deadline=300),
    StageSpec("search", search.search, SearchResult, deadline=1800),
    StageSpec("verification", verification.verify, Verification, deadline=900),
    StageSpec("writing", writing.write, Draft, deadline=1800),
    StageSpec("evaluation", evaluation.evaluate, Evaluation, deadline=900),
    StageSpec("originality", originality.check, Originality, deadline=900),
    StageSpec("reevaluation", reevaluation.reevaluate, Reevaluation, skipped_because=reevaluation.unchanged),
)
STAGES: tuple[str, ...] = tuple(spec.name for spec in PIPELINE)
