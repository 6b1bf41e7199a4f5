"""How found passages are ranked: BM25 over stems, title words weighing more, and neighbouring words of the query.

Tuned on SciFact's training ids alone. A document ranks by its best passage.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

K1, B = 1.2, 0.75
TITLE = 3.0  # what a word in the title counts, beside one in the text
PAIRS = 0.25  # what a pair of neighbours counts, beside one word
PAIRS_AMONG = 200  # best passages in which pairs are looked for
PASSAGES = 3  # of one document
SMALLEST_STEP = 1e-9  # between two scores, so that any reader sorts a run alike


@dataclass(frozen=True, slots=True)
class Candidate:
    passage: int  # primary key
    document: uuid.UUID
    chars: int
    title: str  # stream of words
    body: str


@dataclass(frozen=True)
class Collection:
    passages: int
    average: float  # characters of a passage


@dataclass(frozen=True)
class Ranked:
    document: uuid.UUID
    score: float
    passages: list[tuple[int, float]]  # primary key and score, best first


def rank_documents(
    query: Sequence[str], candidates: Sequence[Candidate], counts: Mapping[str, int], collection: Collection
) -> list[Ranked]:
    weights = {
        word: times * log(1 + (collection.passages - counts[word] + 0.5) / (counts[word] + 0.5))
        for word, times in Counter(query).items()
    }
    scored = sorted(
        ((_bm25(each, weights, collection), each) for each in candidates),
        key=lambda item: (-item[0], item[1].passage),
    )
    best = _with_pairs(query, scored[:PAIRS_AMONG])
    found: dict[uuid.UUID, list[tuple[float, int]]] = defaultdict(list)
    for score, each in best + scored[PAIRS_AMONG:]:
        if score > 0:
            found[each.document].append((score, each.passage))
    return _strictly_falling(found)


def _bm25(candidate: Candidate, weights: Mapping[str, float], collection: Collection) -> float:
    frequency: dict[str, float] = defaultdict(float)
    for word in candidate.body.split():
        if word in weights:
            frequency[word] += 1
    for word in candidate.title.split():
        if word in weights:
            frequency[word] += TITLE
    length = K1 * (1 - B + B * candidate.chars / max(1.0, collection.average))
    return sum(weights[word] * times * (K1 + 1) / (times + length) for word, times in frequency.items())


def _with_pairs(
    query: Sequence[str], scored: Sequence[tuple[float, Candidate]]
) -> list[tuple[float, Candidate]]:
    """Neighbours in the query that are neighbours in the passage, in either order."""
    wanted = {frozenset(pair) for pair in pairwise(query) if pair[0] != pair[1]}
    if not wanted:
        return list(scored)
    known = frozenset(query)
    pairs = [_pairs(each, wanted, known) for _, each in scored]
    counts = Counter(pair for found in pairs for pair in found)
    weight = {pair: log(1 + len(scored) / count) for pair, count in counts.items()}
    return [
        (
            score
            + PAIRS * sum(weight[pair] * times * (K1 + 1) / (times + K1) for pair, times in found.items()),
            each,
        )
        for (score, each), found in zip(scored, pairs, strict=True)
    ]


def _pairs(
    candidate: Candidate, wanted: set[frozenset[str]], known: frozenset[str]
) -> Counter[frozenset[str]]:
    found: Counter[frozenset[str]] = Counter()
    for stream in (candidate.title, candidate.body):
        before = ""
        for word in stream.split():
            if word in known:
                if before and (pair := frozenset((before, word))) in wanted:
                    found[pair] += 1
                before = word
            else:
                before = ""
    return found


def _strictly_falling(found: Mapping[uuid.UUID, list[tuple[float, int]]]) -> list[Ranked]:
    best = {
        document: sorted(rows, key=lambda row: (-row[0], row[1]))[:PASSAGES]
        for document, rows in found.items()
    }
    ranked: list[Ranked] = []
    last = float("inf")
    # Ties by the first passage's number: the order in which documents came in, the same at every run.
    for document, rows in sorted(best.items(), key=lambda item: (-item[1][0][0], item[1][0][1])):
        last = min(round(rows[0][0], 9), last - SMALLEST_STEP)
        ranked.append(Ranked(document, last, [(passage, round(score, 9)) for score, passage in rows]))
    return ranked
