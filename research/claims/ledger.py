"""The claim ledger: every asserting sentence of a draft and how it stands against the evidence it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from research.artifacts import Claim, Draft, Evidence, Sentence, Source, Span, Verdict, Verification
from research.claims.origins import root
from research.claims.support import Judgement, best, judge

ASSERTING = ("quotation", "statement")


@dataclass(frozen=True)
class Record:
    """What this session may rest on, ready to be looked up."""

    evidence: dict[str, Evidence]
    sources: dict[str, Source]

    @classmethod
    def of(cls, verification: Verification) -> Record:
        return cls({e.id: e for e in verification.evidence}, {s.id: s for s in verification.sources})


def claims(draft: Draft, verification: Verification) -> list[Claim]:
    record = Record.of(verification)
    return [
        _claim(ordinal, section, sentence, record=record, language=draft.language)
        for ordinal, (section, sentence) in enumerate(asserting(draft), start=1)
    ]


def asserting(draft: Draft) -> Iterator[tuple[int, Sentence]]:
    """Section index (-1 = summary) and sentence, in reading order."""
    for section, sentence in everything(draft):
        if sentence.kind in ASSERTING:
            yield section, sentence


def everything(draft: Draft) -> Iterator[tuple[int, Sentence]]:
    """Every sentence of the draft with its section, the summary first."""
    yield from ((-1, sentence) for sentence in draft.summary)
    for index, section in enumerate(draft.sections):
        for paragraph in section.paragraphs:
            yield from ((index, sentence) for sentence in paragraph)


def _claim(ordinal: int, section: int, sentence: Sentence, *, record: Record, language: str) -> Claim:
    named = [record.evidence[i] for i in sentence.evidence if i in record.evidence]
    quoted = sentence.kind == "quotation"
    judged = [(e, judge(sentence.text, e.text, language, quoted=quoted)) for e in named]
    decided = best([judgement for _, judgement in judged])
    carrying = [(e, j) for e, j in judged if j.verdict is decided.verdict and j.span is not None]
    return Claim(
        ordinal=ordinal,
        section=section,
        text=sentence.text,
        verdict=decided.verdict,
        tier=decided.tier if named else "no evidence",
        confidence=decided.confidence if named else 1.0,
        spans=[_span(e, j, record) for e, j in carrying],
        evidence=[e.id for e in named],
        origins=_count_origins(carrying, record) if decided.verdict is Verdict.SUPPORTED else 0,
    )


def _span(evidence: Evidence, judgement: Judgement, record: Record) -> Span:
    start, end = judgement.span or (0, len(evidence.text))
    source = record.sources[evidence.source]
    return Span(
        document=source.document,
        version=source.version,
        start=evidence.start + start,
        end=evidence.start + end,
        text=evidence.text[start:end],
        source=source.id,
    )


def _count_origins(carrying: Sequence[tuple[Evidence, Judgement]], record: Record) -> int:
    return len({root(record.sources[evidence.source]) for evidence, _ in carrying})
