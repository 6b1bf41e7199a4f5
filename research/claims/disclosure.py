"""What a report says about itself, whoever wrote it: disagreements, limits, and that there is no answer."""

from __future__ import annotations

from collections.abc import Sequence

from research.artifacts import Contradiction, Evidence, Section, Sentence, Source, SourceState, Verification
from research.claims.contradictions import Passage, between
from research.claims.ledger import ASSERTING, Record
from research.claims.origins import root
from research.claims.splitting import sentences
from research.claims.wording import say


def disagreements(verification: Verification, language: str) -> list[Section]:
    """One section with both sides of every contradiction; none when there is no contradiction."""
    record = Record.of(verification)
    paragraphs = [_both_sides(found, record, language) for found in verification.contradictions]
    return [Section(heading=say(language, "disagreements"), paragraphs=paragraphs)] if paragraphs else []


def limits(
    sections: Sequence[Section],
    verification: Verification,
    *,
    missing: Sequence[str],
    method: str,
    language: str,
) -> Section:
    says = [
        *_empty_parts(sections, language),
        *_single_sources(sections, Record.of(verification), language),
        *_unused(verification.sources, language),
        *(say(language, "limit_engine", engine=engine) for engine in missing),
    ]
    if method == "offline":
        says.append(say(language, "limit_offline"))
    paragraph = [Sentence(text=text, kind="limitation") for text in says]
    return Section(heading=say(language, "limits"), paragraphs=[paragraph] if paragraph else [])


def unanswerable(verification: Verification, language: str) -> tuple[list[Sentence], list[Section]]:
    """Summary and sections of a report that says it has no answer."""
    texts = (say(language, "unanswerable"), verification.why, say(language, "unanswerable_next"))
    summary = [Sentence(text=text, kind="limitation") for text in texts if text]
    refused = [
        [
            Sentence(
                text=say(language, "refused_source", source=f"“{s.title or s.document}”", reason=s.reason),
                kind="limitation",
            )
        ]
        for s in verification.sources
    ]
    return summary, [
        Section(heading=say(language, "unanswerable_title"), paragraphs=refused)
    ] if refused else []


def _both_sides(found: Contradiction, record: Record, language: str) -> list[Sentence]:
    left, right = record.evidence[found.left], record.evidence[found.right]
    texts = between(_passage(left, record), _passage(right, record), language) or (
        _first(left),
        _first(right),
    )
    return [
        Sentence(text=say(language, "first_side"), kind="connective", evidence=[left.id]),
        Sentence(text=texts[0], kind="quotation", evidence=[left.id]),
        Sentence(text=say(language, "against"), kind="connective", evidence=[right.id]),
        Sentence(text=texts[1], kind="quotation", evidence=[right.id]),
        Sentence(text=found.why, kind="connective"),
    ]


def _passage(evidence: Evidence, record: Record) -> Passage:
    return Passage(evidence.id, root(record.sources[evidence.source]), evidence.text)


def _first(evidence: Evidence) -> str:
    return sentences(evidence.text)[0].text


def _empty_parts(sections: Sequence[Section], language: str) -> list[str]:
    empty = sum(not _named(section) for section in sections)
    return [say(language, "limit_empty", empty=empty, parts=len(sections))] if empty else []


def _single_sources(sections: Sequence[Section], record: Record, language: str) -> list[str]:
    return [
        say(language, "limit_single", heading=section.heading)
        for section in sections
        if len(
            {root(record.sources[record.evidence[i].source]) for i in _named(section) if i in record.evidence}
        )
        == 1
    ]


def _named(section: Section) -> set[str]:
    return {
        i
        for p in section.paragraphs
        for sentence in p
        if sentence.kind in ASSERTING
        for i in sentence.evidence
    }


def _unused(sources: Sequence[Source], language: str) -> list[str]:
    refused = sum(source.state is SourceState.REFUSED for source in sources)
    copies = sum(bool(source.origin) for source in sources)
    says = [say(language, "limit_refused", refused=refused, found=len(sources))] if refused else []
    if copies:
        says.append(say(language, "limit_copies", copies=copies))
    return says
