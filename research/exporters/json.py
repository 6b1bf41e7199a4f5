"""The report as structured data, for programs."""

from __future__ import annotations

import json

from research.artifacts import Section, Sentence, Source, plain
from research.claims.citations import count
from research.claims.folding import clean
from research.claims.references import References, number
from research.exporters import Report, markdown

FORMAT = "json"
MEDIA_TYPE = "application/json"
VERSION = 1  # rises when a field changes its meaning or goes away


def render(report: Report) -> bytes:
    return (json.dumps(structure(report), ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")


def structure(report: Report) -> dict[str, object]:
    draft, evaluation = report.draft, report.evaluation
    references = number(draft, report.verification)
    return {
        "format": "prowzi-report",
        "version": VERSION,
        "session_id": report.session,
        "created_at": report.created.isoformat(),
        "label": report.label,
        "question": clean(report.question),
        "title": draft.title,
        "language": draft.language,
        "kind": report.intent.kind,
        "words": draft.words,
        "answerable": report.verification.answerable,
        "summary": _paragraph(draft.summary, references),
        "sections": [_section(section, references) for section in draft.sections],
        "references": [_entry(n, source) for n, source in enumerate(references.sources, start=1)],
        "sources": [plain(source) for source in report.verification.sources],
        "contradictions": [plain(found) for found in report.verification.contradictions],
        "looked_for": report.looked_for,
        "measures": [plain(measure) for measure in evaluation.measures],
        "claims": [plain(claim) for claim in evaluation.claims],
        "citations": count(markdown.text(report), report.verification.sources, evaluation.claims),
    }


def _section(section: Section, references: References) -> dict[str, object]:
    return {
        "heading": section.heading,
        "paragraphs": [_paragraph(paragraph, references) for paragraph in section.paragraphs],
    }


def _paragraph(sentences: list[Sentence], references: References) -> list[dict[str, object]]:
    return [{**plain(sentence), "references": references.of(sentence.evidence)} for sentence in sentences]


def _entry(n: int, source: Source) -> dict[str, object]:
    return {"number": n, **plain(source)}
