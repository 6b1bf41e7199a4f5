"""Near copies: sources that share most of their word runs come from one origin and count once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from research.artifacts import Source
from research.claims.words import tokens

RUN = 5  # words in one shingle
COPIED = 0.6  # share of the smaller text's shingles that makes a near copy
FEWEST = 12  # shingles below which two texts are too short to compare
MOST_SHINGLES = 4000  # of one source
MOST_SHARERS = 12  # a run that stands in more sources is a formula, not a copy


def near_copies(texts: Mapping[str, str]) -> dict[str, str]:
    """Source id -> id of the earlier source it is a near copy of."""
    shingles = {source: _shingles(text) for source, text in texts.items()}
    order = list(texts)
    shared = _shared(shingles)
    origin: dict[str, str] = {}
    for position, late in enumerate(order):
        for early in order[:position]:
            if _is_copy(shared[(early, late)], len(shingles[early]), len(shingles[late])):
                origin[late] = origin.get(early, early)
                break
    return origin


def root(source: Source) -> str:
    return source.origin or source.id


def count_origins(sources: Iterable[Source]) -> int:
    return len({root(source) for source in sources})


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = [token.text for token in tokens(text)][: MOST_SHINGLES + RUN]
    return frozenset(tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1))


def _shared(shingles: Mapping[str, frozenset[tuple[str, ...]]]) -> Counter[tuple[str, str]]:
    """How many shingles each pair of sources has in common, earlier source first."""
    holders: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for source, runs in shingles.items():
        for run in runs:
            holders[run].append(source)
    shared: Counter[tuple[str, str]] = Counter()
    for sources in holders.values():
        if 1 < len(sources) <= MOST_SHARERS:
            shared.update((a, b) for i, a in enumerate(sources) for b in sources[i + 1 :])
    return shared


def _is_copy(shared: int, left: int, right: int) -> bool:
    smaller = min(left, right)
    return smaller >= FEWEST and shared >= COPIED * smaller
