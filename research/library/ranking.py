"""How found passages are ranked: BM25 over stems, title words weighing more, and neighbours in the query.

A document's score is half its best passage and half all its found passages as one text: the first finds the
place in a long document, the second what a short one is about. Tuned on SciFact's training ids alone.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import fsum, log

K1, B = 1.2, 0.75
TITLE = 3.0  # what a word in the title counts, beside one in the text
PAIRS = 0.3  # what a pair of neighbours counts, beside one word
PAIRS_AMONG = 200  # best passages in which pairs are looked for
WHOLE = 0.5  # share of the document as one text; the rest is its best passage
PASSAGES = 3  # of one document
SMALLEST_STEP = 1e-9  # between two scores, so that any reader sorts a run alike
_PLACES = 9

Pair = frozenset[str]


@dataclass(frozen=True)
class Candidate:
    passage: int  # primary key
    document: str  # key
    chars: int  # of the passage
    document_chars: int
    title: str  # stream of words
    body: str

    @cached_property
    def streams(self) -> tuple[list[str], list[str]]:
        return self.title.split(), self.body.split()


@dataclass(frozen=True)
class Collection:
    """The owner's library in numbers."""

    documents: int
    passages: int
    chars: int


@dataclass(frozen=True)
class Ranked:
    document: uuid.UUID
    score: float
    passages: list[tuple[int, float]]  # primary key and score, best first


@dataclass(frozen=True)
class _Scored:
    candidate: Candidate
    title: list[str]  # words of the query in it
    body: list[str]
    score: float


def rank_documents(
    query: Sequence[str], candidates: Sequence[Candidate], counts: Mapping[str, int], collection: Collection
) -> list[Ranked]:
    if not candidates:
        return []
    weights = {
        word: times * log(1 + (collection.passages - counts.get(word, 0) + 0.5) / (counts.get(word, 0) + 0.5))
        for word, times in Counter(query).items()
    }
    scored = _score_passages(weights, candidates, collection)
    scored = _with_pairs(query, scored[:PAIRS_AMONG]) + scored[PAIRS_AMONG:]
    found: dict[str, list[_Scored]] = defaultdict(list)
    for each in sorted(scored, key=lambda each: (-each.score, each.candidate.passage)):
        found[each.candidate.document].append(each)
    average = collection.chars / max(1, collection.documents)
    totals = {document: _total(rows, weights, average) for document, rows in found.items()}
    return _strictly_falling(totals, found)


def _score_passages(
    weights: Mapping[str, float], candidates: Sequence[Candidate], collection: Collection
) -> list[_Scored]:
    """Best first. Lengths count words; their average is told by the average of characters."""
    known = weights.keys()
    lengths = [sum(map(len, each.streams)) for each in candidates]
    words_per_char = sum(lengths) / max(1, sum(each.chars for each in candidates))
    average = words_per_char * collection.chars / max(1, collection.passages)
    scored = []
    for each, length in zip(candidates, lengths, strict=True):
        title, body = ([word for word in stream if word in known] for stream in each.streams)
        scored.append(_Scored(each, title, body, _bm25(title, body, weights, length / max(1.0, average))))
    return sorted(scored, key=lambda each: (-each.score, each.candidate.passage))


def _total(rows: Sequence[_Scored], weights: Mapping[str, float], average: float) -> float:
    body = [word for each in rows for word in each.body]
    length = rows[0].candidate.document_chars / max(1.0, average)
    return (1 - WHOLE) * rows[0].score + WHOLE * _bm25(rows[0].title, body, weights, length)


def _bm25(title: Sequence[str], body: Sequence[str], weights: Mapping[str, float], length: float) -> float:
    """`length` is relative to the average."""
    damping = K1 * (1 - B + B * length)
    frequency = dict.fromkeys(title, 0.0) | dict.fromkeys(body, 0.0)
    for word in title:
        frequency[word] += TITLE
    for word in body:
        frequency[word] += 1
    return fsum(weights[word] * times * (K1 + 1) / (times + damping) for word, times in frequency.items())


def _with_pairs(query: Sequence[str], scored: Sequence[_Scored]) -> list[_Scored]:
    """Neighbours in the query that are neighbours in the passage, in either order."""
    wanted = {frozenset(pair) for pair in pairwise(query) if pair[0] != pair[1]}
    pairs = [Counter(_pairs(each, wanted)) for each in scored]
    counts = Counter(pair for found in pairs for pair in found)
    return [
        _Scored(
            each.candidate, each.title, each.body, each.score + PAIRS * _weigh(found, counts, len(scored))
        )
        for each, found in zip(scored, pairs, strict=True)
    ]


def _pairs(scored: _Scored, wanted: set[Pair]) -> Iterable[Pair]:
    for stream, known in zip(scored.candidate.streams, (scored.title, scored.body), strict=True):
        if len(known) > 1:
            words = set(known)
            for left, right in pairwise(stream):
                if left in words and right in words and (pair := frozenset((left, right))) in wanted:
                    yield pair


def _weigh(found: Mapping[Pair, int], counts: Mapping[Pair, int], many: int) -> float:
    return fsum(
        log(1 + many / counts[pair]) * times * (K1 + 1) / (times + K1) for pair, times in found.items()
    )


def _strictly_falling(totals: Mapping[str, float], found: Mapping[str, list[_Scored]]) -> list[Ranked]:
    # Ties by the passage's number: the order in which documents came in, the same at every run.
    ordered = sorted(totals, key=lambda document: (-totals[document], found[document][0].candidate.passage))
    ranked: list[Ranked] = []
    last = float("inf")
    for document in ordered:
        last = round(min(totals[document], last - SMALLEST_STEP), _PLACES)
        passages = [
            (each.candidate.passage, round(each.score, _PLACES)) for each in found[document][:PASSAGES]
        ]
        ranked.append(Ranked(uuid.UUID(document), last, passages))
    return ranked
