"""reevaluation: the second look, at the text that originality changed."""

from __future__ import annotations

from research.agents.evaluation import judge_draft
from research.artifacts import Originality, Reevaluation
from research.claims.report import final_draft
from research.stage import ResearchState
from research.toolbox import Toolbox


async def reevaluate(state: ResearchState, tools: Toolbox) -> Reevaluation:
    return Reevaluation(evaluation=await judge_draft(final_draft(state), state, tools))


def unchanged(state: ResearchState) -> str:
    """Why the stage is skipped; empty when the text changed."""
    return "" if state.get("originality", Originality).changed else "Originality changed nothing."
