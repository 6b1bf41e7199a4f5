"""draft_section and summarise: quotations in order, with a few plain words between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from research.artifacts import Contradiction, Sentence
from research.assignments import (
    ClaimsMaterial,
    ContradictionMaterial,
    Contradictions,
    Opinions,
    SectionDraft,
    SectionMaterial,
    Summary,
    SummaryMaterial,
)
from research.claims.contradictions import Passage, contradictions
from research.claims.wording import count, say
from research.claims.words import content, count_words, generic_stems
from research.offline.extraction import Candidate, Focus, candidates, select

FEWEST_WORDS, MOST_WORDS = 60, 1500  # quoted in one section
MOST_IN_SUMMARY = 4  # quotations
MOST_SUMMARY_WORDS = 45  # of a quotation in the summary
WAYS_TO_SAY = 4


def draft_section(material: SectionMaterial) -> SectionDraft:
    focus = Focus([material.question, *material.queries], material.passages, material.language)
    most = max(FEWEST_WORDS, min(MOST_WORDS, material.words))
    found = _for_this_section(candidates(material.passages, focus), material)
    chosen = select(found, most, material.used, material.language)
    return SectionDraft(paragraphs=_paragraphs(chosen, material.language))


def _for_this_section(found: list[Candidate], material: SectionMaterial) -> list[Candidate]:
    """Without the sentences that speak of what only a later section asks for."""
    own = Focus([material.question], material.passages, material.language)
    here = Focus([material.question, *material.queries[:1]], material.passages, material.language)
    later = [
        Focus([question], material.passages, material.language).without(here) for question in material.later
    ]
    return [c for c in found if all(f.weight(c.stems) <= own.weight(c.stems) for f in later)]


def _paragraphs(chosen: Sequence[Candidate], language: str) -> list[list[Sentence]]:
    """One paragraph for each source, the closest source first, its sentences in their own order."""
    order = list(dict.fromkeys(candidate.passage.source for candidate in chosen))
    ordered = sorted(chosen, key=lambda c: (order.index(c.passage.source), c.passage.id, c.start))
    groups = [list(group) for _, group in groupby(ordered, key=lambda c: c.passage.source)]
    return [_paragraph(group, position, language) for position, group in enumerate(groups)]


def _paragraph(group: Sequence[Candidate], position: int, language: str) -> list[Sentence]:
    lead = Sentence(
        text=say(language, f"says_{position % WAYS_TO_SAY}"),
        kind="connective",
        evidence=[group[0].passage.id],
    )
    return [lead, *(Sentence(text=c.text, kind="quotation", evidence=[c.passage.id]) for c in group)]


def summarise(material: SummaryMaterial) -> Summary:
    language = material.language
    passages, sources = (
        count(language, "passage", material.passages),
        count(language, "source", material.sources),
    )
    scope = Sentence(text=say(language, "scope", passages=passages, sources=sources), kind="connective")
    asked = frozenset(word for term in material.terms for word in content(term, language)) - generic_stems()
    sentences = [scope]
    for heading, asserting in material.sections[:MOST_IN_SUMMARY]:
        quotation = _closest(asserting, asked, language)
        if quotation is not None:
            sentences += [Sentence(text=say(language, "on", heading=heading), kind="connective"), quotation]
    return Summary(sentences=sentences)


def _closest(asserting: Sequence[Sentence], asked: frozenset[str], language: str) -> Sentence | None:
    """The sentence with most of what was asked for; a short one if there is one."""
    short = [s for s in asserting if count_words(s.text) <= MOST_SUMMARY_WORDS] or list(asserting)
    return max(short, key=lambda s: len(asked & frozenset(content(s.text, language))), default=None)


def find_contradictions(material: ContradictionMaterial) -> Contradictions:
    focus = (
        frozenset(word for text in material.focus for word in content(text, material.language))
        - generic_stems()
    )
    passages = [Passage(p.id, p.origin, p.text) for p in material.passages]
    found: list[Contradiction] = contradictions(passages, material.language, focus)
    return Contradictions(contradictions=found)


def judge_claims(material: ClaimsMaterial) -> Opinions:
    """Without a model there is no opinion: the checks' verdicts stand."""
    return Opinions(opinions=[])
