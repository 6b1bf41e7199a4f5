"""Choosing sentences: close to the question, unlike each other (maximal marginal relevance)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from research.assignments import Passage
from research.claims.folding import clean, fold
from research.claims.splitting import Piece, sentences
from research.claims.words import content, count_words, generic_stems, is_unspaced

TRADE = 0.7  # weight of closeness; the rest is unlikeness to what is chosen already
PASSAGE_WEIGHT = 0.25  # of how well the whole passage answered the search
FEWEST_WORDS, MOST_WORDS = 6, 70  # of a sentence that is quoted whole
FEWEST_LETTERS, MOST_LETTERS = 10, 160  # the same where a script has no spaces
CUT_WORDS = 45  # to which a longer sentence is cut when nothing shorter is there
ALIKE = 0.6  # share of common stems from which two sentences say the same
LEAST_CLOSE = 0.25  # closeness below which a sentence does not speak about the question
MOST_CANDIDATES = 160

_BROKEN = re.compile(r"^[a-zà-ÿ,;:)\]]|^(?:Figure|Fig\.|Table|Tab\.|Abstract:?|Keywords:?|Copyright|©)\b")
_ENDED = re.compile(r"[.!?…。！？][\"'”’»)\]」』]*$")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Candidate:
    text: str  # as it will be quoted
    passage: Passage
    start: int  # offset into the passage
    stems: frozenset[str]
    closeness: float  # 0 to 1


class Focus:
    """The stems of a question and its queries, weighed by how rare they are in the passages."""

    def __init__(self, texts: Iterable[str], passages: Sequence[Passage], language: str) -> None:
        self.language = language
        found = [frozenset(content(passage.text, language)) for passage in passages]
        spread = Counter(word for words in found for word in words)
        asked = {word for text in texts for word in content(text, language)}
        asked = asked - generic_stems() or asked
        rarity = {
            word: math.log(1 + len(found) / (1 + spread[word])) for word in sorted(asked) if spread[word]
        }
        self._weights = rarity

    def without(self, other: Focus) -> Focus:
        """What this is about and the other is not."""
        rest = Focus((), (), self.language)
        rest._weights = {word: weight for word, weight in self._weights.items() if word not in other._weights}
        return rest

    def weight(self, stems: frozenset[str]) -> float:
        return sum(weight for word, weight in self._weights.items() if word in stems)

    def closeness(self, stems: frozenset[str]) -> float:
        """0 to 1; six of the rarest words are enough for 1."""
        most = sum(sorted(self._weights.values(), reverse=True)[:6])
        return min(1.0, self.weight(stems) / most) if most else 0.0


def candidates(passages: Sequence[Passage], focus: Focus) -> list[Candidate]:
    """The sentences that may be quoted, closest first, each wording once."""
    found: dict[str, Candidate] = {}
    for passage in passages:
        pieces = [piece for piece in sentences(passage.text) if _is_whole(piece)] or _cut(passage)
        for piece in pieces:
            candidate = _candidate(piece, passage, focus)
            key = fold(piece.text).casefold()
            if candidate.closeness >= LEAST_CLOSE and key not in found:
                found[key] = candidate
    return sorted(found.values(), key=lambda c: -c.closeness)[:MOST_CANDIDATES]


def select(
    found: Sequence[Candidate], most_words: int, used: Iterable[str], language: str
) -> list[Candidate]:
    """Sentences up to `most_words` in all (at least one), none of them like another or like one in `used`."""
    taken = [frozenset(content(text, language)) for text in used]
    chosen: list[Candidate] = []
    left, words = list(found), 0
    likeness = [_most_alike(c.stems, taken) for c in left]
    while left and (not chosen or words < most_words):
        scores = [TRADE * c.closeness - (1 - TRADE) * like for c, like in zip(left, likeness, strict=True)]
        best = max(range(len(left)), key=lambda i: scores[i])
        candidate, like = left.pop(best), likeness.pop(best)
        if like >= ALIKE:
            continue
        chosen.append(candidate)
        words += count_words(candidate.text)
        likeness = [max(old, _alike(c.stems, candidate.stems)) for c, old in zip(left, likeness, strict=True)]
    return chosen


def _candidate(piece: Piece, passage: Passage, focus: Focus) -> Candidate:
    stems = frozenset(content(piece.text, focus.language))
    closeness = focus.closeness(stems)
    if closeness >= LEAST_CLOSE:
        closeness = (1 - PASSAGE_WEIGHT) * closeness + PASSAGE_WEIGHT * passage.score
    return Candidate(clean(piece.text), passage, piece.start, stems, closeness)


def _is_whole(piece: Piece) -> bool:
    """A sentence that reads well on its own."""
    text = piece.text
    if _BROKEN.search(text) or not _ENDED.search(text) or text.endswith(("?", "？")):
        return False
    words = count_words(text)
    fewest, most = (FEWEST_LETTERS, MOST_LETTERS) if is_unspaced(text) else (FEWEST_WORDS, MOST_WORDS)
    return fewest <= words <= most and len(_LETTER.findall(text)) > 0.5 * len(text) and "\n#" not in text


def _cut(passage: Passage) -> list[Piece]:
    """The beginning of a passage that holds no sentence of its own, cut at a word."""
    pieces = sentences(passage.text)
    longest = max(pieces, key=lambda piece: len(piece.text), default=None)
    if longest is None or count_words(longest.text) < FEWEST_WORDS:
        return []
    ends = [match.end() for match in re.finditer(r"\S+", longest.text)]
    text = longest.text[: ends[min(len(ends), CUT_WORDS) - 1]][: CUT_WORDS * 12]
    return [Piece(longest.start, longest.start + len(text), text)]


def _alike(left: frozenset[str], right: frozenset[str]) -> float:
    smaller = min(len(left), len(right))
    return len(left & right) / smaller if smaller else 0.0


def _most_alike(stems: frozenset[str], taken: Sequence[frozenset[str]]) -> float:
    return max((_alike(stems, other) for other in taken), default=0.0)
