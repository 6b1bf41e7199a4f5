"""Does a passage carry a sentence? Tiers without a model, from the surest to the weakest.

quotation    the sentence stands in the passage, spelling and white space normalised
numbers      every number and date of the sentence stands in the passage
polarity     same negation, same direction
containment  share of the sentence's words and word pairs (stems) that stand in the passage
Cosine is no support test: it accepts most changed numbers and negations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from research.artifacts import Verdict
from research.claims.figures import values
from research.claims.folding import locate
from research.claims.polarity import direction_words, negated, negations, opposed
from research.claims.splitting import Piece, sentences
from research.claims.words import content

CARRIED = 0.8  # containment from which a sentence counts as supported
CLOSE = 0.55  # containment from which it counts as partly supported
PAIR_WEIGHT = 0.35  # of word pairs in the containment; the rest is single words
PART = 0.25  # of the words that each of two neighbouring sentences must hold to carry one together


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    tier: str
    confidence: float
    span: tuple[int, int] | None = None  # offsets into the passage
    share: float = 1.0  # of the sentence's words that stand there


NOT_FOUND = Judgement(Verdict.NOT_FOUND, "containment", 0.0)
_BEST_FIRST = (Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.PARTLY, Verdict.NOT_FOUND)


def judge(sentence: str, passage: str, language: str = "en", *, quoted: bool = False) -> Judgement:
    """How the passage carries the sentence. What is shown as a quotation must stand there word for word."""
    span = locate(sentence, passage)
    if span is not None and (quoted or _is_whole(span, passage)):
        return Judgement(Verdict.SUPPORTED, "quotation", 1.0, span)
    if quoted:
        return Judgement(Verdict.NOT_FOUND, "quotation", 1.0)
    pieces = sentences(passage)
    single = [_compare(sentence, passage, (p.start, p.end), language) for p in pieces]
    if any(judgement.share >= CARRIED for judgement in single):
        return best(single)
    pairs = _pairs(pieces, frozenset(content(sentence, language)), language)
    return best([*single, *(_compare(sentence, passage, pair, language) for pair in pairs)])


def best(judgements: Sequence[Judgement]) -> Judgement:
    """The strongest verdict, then the surest."""
    return min(judgements, key=_rank, default=NOT_FOUND)


def _rank(judgement: Judgement) -> tuple[int, bool, float]:
    """What failed on a number or a negation was close; it tells more than a passage about something else."""
    return _BEST_FIRST.index(judgement.verdict), judgement.tier == "containment", -judgement.confidence


def containment(sentence: str, passage: str, language: str) -> float:
    """Weighted share of the sentence's stems and stem pairs that stand in the passage."""
    words, there = content(sentence, language), content(passage, language)
    if not words:
        return 0.0
    single = _share(words, set(there))
    pairs = list(pairwise(words))
    if not pairs:
        return single
    paired = _share(pairs, set(pairwise(there)))
    return (1 - PAIR_WEIGHT) * single + PAIR_WEIGHT * paired


def _share(parts: Sequence[object], there: set[object] | set[str] | set[tuple[str, str]]) -> float:
    return sum(part in there for part in parts) / len(parts)


def _is_whole(span: tuple[int, int], passage: str) -> bool:
    """Whether a found wording is not cut out of a sentence that denies it."""
    around = [p for p in sentences(passage) if p.start < span[1] and span[0] < p.end]
    outside = "".join(p.text for p in around)
    return negations(outside) == negations(passage[span[0] : span[1]])


def _pairs(pieces: Sequence[Piece], wanted: frozenset[str], language: str) -> list[tuple[int, int]]:
    """Neighbours that each hold a part of the sentence; one that holds none would add its negations."""
    holds = [len(wanted & frozenset(content(piece.text, language))) >= PART * len(wanted) for piece in pieces]
    neighbours = pairwise(zip(pieces, holds, strict=True))
    return [(a.start, b.end) for (a, x), (b, y) in neighbours if x and y]


def _compare(sentence: str, passage: str, window: tuple[int, int], language: str) -> Judgement:
    text = passage[window[0] : window[1]]
    share = containment(sentence, text, language)
    if share < CLOSE:
        return Judgement(Verdict.NOT_FOUND, "containment", 1 - share, share=share)
    if share >= CARRIED and (negated(sentence, text) or opposed(sentence, text)):
        return Judgement(Verdict.CONTRADICTED, "polarity", 0.6, window, share)
    if Counter(values(sentence)) - Counter(values(text)):
        return Judgement(Verdict.NOT_FOUND, "numbers", 0.6, window, share)
    if not _same_way(sentence, text):
        return Judgement(Verdict.NOT_FOUND, "polarity", 0.6, window, share)
    verdict = Verdict.SUPPORTED if share >= CARRIED else Verdict.PARTLY
    return Judgement(verdict, "containment", round(0.9 * share, 3), window, share)


def _same_way(sentence: str, text: str) -> bool:
    """As many negations, and no word of direction that the passage does not use."""
    return negations(sentence) == negations(text) and direction_words(sentence) <= direction_words(text)
