"""Pairs of passages that speak of the same matter and do not agree. Careful rather than complete."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from research.artifacts import Contradiction
from research.claims.figures import MEASURES, Figure, figures
from research.claims.polarity import direction_words, negated, opposed
from research.claims.splitting import sentences
from research.claims.wording import say
from research.claims.words import content, count_words, telling

SAME_MATTER = 0.6  # of the smaller sentence's telling words stand in the other too
SAME_MATTER_NEGATED = 0.7
SAME_MATTER_COUNTED = 0.8  # where the numbers count things: two studies of other size do not disagree
FEWEST_SHARED = 4  # telling words in common
BOTH_WAYS = 0.4  # of the longer sentence's telling words; else it says much that the shorter one does not
MOST_SENTENCES = 240
MOST_PAIRS = 6000
MOST_SHARERS = 40  # a word of more sentences says nothing about the matter of two
MOST_FOUND = 8
WORDS = (5, 60)  # sentences outside are not compared


@dataclass(frozen=True)
class Passage:
    """What may contradict: the evidence id, the origin it counts for, its text."""

    evidence: str
    origin: str
    text: str


@dataclass(frozen=True)
class Stated:
    """One sentence of a passage, ready to be compared."""

    passage: Passage
    text: str
    language: str

    @cached_property
    def matter(self) -> frozenset[str]:
        numbers = {word for word in content(self.text, self.language) if word[0].isdigit()}
        return telling(self.text, self.language) - numbers - direction_words(self.text)

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        return figures(self.text)


@dataclass(frozen=True)
class Conflict:
    left: Stated
    right: Stated
    why: str


def contradictions(passages: Sequence[Passage], language: str, focus: frozenset[str]) -> list[Contradiction]:
    """Contradictions between passages of different origins about `focus`, each pair of passages once."""
    found = conflicts(_stated(passages, language, focus), language)
    unique = {(c.left.passage.evidence, c.right.passage.evidence): c for c in reversed(found)}
    ordered = [c for c in found if unique.get((c.left.passage.evidence, c.right.passage.evidence)) is c]
    return [
        Contradiction(left=c.left.passage.evidence, right=c.right.passage.evidence, why=c.why)
        for c in _once_each(ordered)[:MOST_FOUND]
    ]


def between(left: Passage, right: Passage, language: str) -> tuple[str, str] | None:
    """The two sentences in which two passages disagree, as far as their wording shows it."""
    pairs = conflicts(_stated([left, right], language, frozenset()), language)
    return (pairs[0].left.text, pairs[0].right.text) if pairs else None


def conflicts(stated: Sequence[Stated], language: str) -> list[Conflict]:
    """The pairs of sentences that disagree, in the order of the sentences."""
    found = []
    for i, j in _candidates(stated):
        why = disagreement(stated[i], stated[j], language)
        if why:
            found.append(Conflict(stated[i], stated[j], why))
    return found


def disagreement(left: Stated, right: Stated, language: str) -> str:
    """Why two sentences disagree; empty when they do not, or speak of different matters."""
    shared = left.matter & right.matter
    smaller = min(len(left.matter), len(right.matter))
    longer = max(len(left.matter), len(right.matter))
    if len(shared) < max(FEWEST_SHARED, SAME_MATTER * smaller, BOTH_WAYS * longer):
        return ""
    if _other_years(left, right):
        return ""
    differing = _differing_figures(left, right, counted=len(shared) >= SAME_MATTER_COUNTED * smaller)
    if differing:
        return say(language, "differ_number", left=differing[0], right=differing[1])
    if opposed(left.text, right.text):
        return say(language, "differ_direction")
    if negated(left.text, right.text) and len(shared) >= SAME_MATTER_NEGATED * smaller:
        return say(language, "differ_negation")
    return ""


def _stated(passages: Sequence[Passage], language: str, focus: frozenset[str]) -> list[Stated]:
    """The sentences closest to what was asked, at most MOST_SENTENCES, each sentence of an origin once."""
    seen: set[tuple[str, str]] = set()
    found: list[Stated] = []
    for passage in passages:
        for piece in sentences(passage.text):
            key = (passage.origin, piece.text)
            if key not in seen and WORDS[0] <= count_words(piece.text) <= WORDS[1]:
                seen.add(key)
                found.append(Stated(passage, piece.text, language))
    close = sorted(range(len(found)), key=lambda i: (-len(found[i].matter & focus), i))[:MOST_SENTENCES]
    return [found[i] for i in sorted(close)]


def _candidates(stated: Sequence[Stated]) -> list[tuple[int, int]]:
    """Pairs of different origins with enough words in common, found through the words, bounded."""
    holders: dict[str, list[int]] = defaultdict(list)
    for position, sentence in enumerate(stated):
        for word in sentence.matter:
            holders[word].append(position)
    common: dict[tuple[int, int], int] = defaultdict(int)
    for positions in holders.values():
        if len(positions) <= MOST_SHARERS:
            for pair in combinations(positions, 2):
                common[pair] += 1
    pairs = sorted(pair for pair, count in common.items() if count >= FEWEST_SHARED - 1)
    return [p for p in pairs if stated[p[0]].passage.origin != stated[p[1]].passage.origin][:MOST_PAIRS]


def _other_years(left: Stated, right: Stated) -> bool:
    """Both say which year they mean, and mean different ones: no contradiction."""
    sides = [{f.value for f in side.figures if f.is_year} for side in (left, right)]
    return bool(sides[0] and sides[1] and not sides[0] & sides[1])


def _differing_figures(left: Stated, right: Stated, *, counted: bool) -> tuple[str, str] | None:
    """The first unit for which both give values and no value is common."""
    by_unit = [_by_unit(side.figures) for side in (left, right)]
    for unit, values in by_unit[0].items():
        others = by_unit[1].get(unit, [])
        bare = not unit and len(values) == len(others) == 1
        comparable = unit in MEASURES or (counted and (unit or bare))
        if comparable and others and not set(values) & set(others):
            return _shown(values[0], unit), _shown(others[0], unit)
    return None


def _by_unit(found: Sequence[Figure]) -> dict[str, list[str]]:
    units: dict[str, list[str]] = defaultdict(list)
    for figure in found:
        if not figure.is_year:
            units[figure.unit].append(figure.value)
    return units


def _shown(value: str, unit: str) -> str:
    if unit in "$€£¥":
        return f"{unit}{value}"
    return f"{value} {unit}" if unit in MEASURES else value


def _once_each(found: list[Conflict]) -> list[Conflict]:
    """One conflict for a pair of origins and sentence, so that one matter is not told many times."""
    kept: list[Conflict] = []
    told: set[tuple[str, str]] = set()
    for conflict in found:
        keys = {(side.passage.origin, side.text) for side in (conflict.left, conflict.right)}
        if not keys & told:
            kept.append(conflict)
        told |= keys
    return kept
