"""What an event says about an artifact: a few plain numbers and words, for log lines and pages."""

from __future__ import annotations

from typing import Any

from research.artifacts import (
    Artifact,
    Draft,
    Evaluation,
    Intent,
    Originality,
    Plan,
    Reevaluation,
    SearchResult,
    SourceState,
    Verification,
)


def describe(artifact: Artifact) -> dict[str, Any]:
    """Small and JSON; an unknown kind says nothing."""
    match artifact:
        case Intent():
            return {"kind": artifact.kind, "field": artifact.field, "language": artifact.language}
        case Plan():
            queries = sum(len(section.queries) for section in artifact.sections)
            return {
                "title": artifact.title,
                "sections_count": len(artifact.sections),
                "queries_count": queries,
            }
        case SearchResult():
            return _found(artifact)
        case Verification():
            accepted = sum(source.state is SourceState.ACCEPTED for source in artifact.sources)
            return {
                "accepted": accepted,
                "refused": len(artifact.sources) - accepted,
                "contradictions": len(artifact.contradictions),
                "answerable": artifact.answerable,
            }
        case Draft():
            return {
                "draft": artifact.number,
                "words": artifact.words,
                "sections_count": len(artifact.sections),
            }
        case Evaluation():
            return _judged(artifact)
        case Originality():
            return {"copied_share": artifact.copied_share, "changed": artifact.changed}
        case Reevaluation():
            return _judged(artifact.evaluation)
    return {}


def _found(result: SearchResult) -> dict[str, Any]:
    return {
        "sources_count": len(result.sources),
        "passages_count": len(result.evidence),
        "queries_count": len(result.looked_for),
        "engines_missing": result.engines_missing,
    }


def _judged(evaluation: Evaluation) -> dict[str, Any]:
    measures = {measure.name: round(measure.value, 4) for measure in evaluation.measures}
    return {"draft": evaluation.draft, "claims_count": len(evaluation.claims), "measures": measures}
