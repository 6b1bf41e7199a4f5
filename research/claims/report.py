"""What counts in the end: the text after originality, and the evaluation of exactly that text."""

from __future__ import annotations

from research.artifacts import Draft, Evaluation, Originality, Reevaluation
from research.stage import ResearchState


def final_draft(state: ResearchState) -> Draft:
    found = state.results.get("originality")
    if isinstance(found, Originality) and found.draft is not None:
        return found.draft
    return state.get("writing", Draft)


def final_evaluation(state: ResearchState) -> Evaluation:
    found = state.results.get("reevaluation")
    if isinstance(found, Reevaluation):
        return found.evaluation
    return state.get("evaluation", Evaluation)
