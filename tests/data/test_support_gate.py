"""The support tiers over real sentences: near copies pass, changed numbers and negations do not."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator

import pytest

from research.artifacts import Verdict
from research.claims.splitting import sentences
from research.claims.support import judge
from research.claims.words import count_words
from tests.conftest import find_shared_data

SHARED = find_shared_data()
FILE = SHARED / "retrieval-scifact" / "corpus.jsonl.gz"
DOCUMENTS = 120
PRECISION, RECALL = 0.975, 0.98

_NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])")
_AUXILIARY = re.compile(r"\b(is|are|was|were|can|has|have|did|does|may|could)\b(?! not)")
_OPPOSITE = {
    "increased": "decreased",
    "higher": "lower",
    "reduced": "increased",
    "more": "less",
    "inhibits": "promotes",
}
_OPPOSITE |= {opposite: word for word, opposite in _OPPOSITE.items() if opposite not in _OPPOSITE}

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the shared SciFact corpus is not here")


def _changed_number(text: str) -> str:
    return _NUMBER.sub(lambda m: str(int(float(m.group())) + 7), text, count=1)


def _negated(text: str) -> str:
    return _AUXILIARY.sub(r"\1 not", text, count=1)


def _turned(text: str) -> str:
    pattern = re.compile(rf"\b({'|'.join(_OPPOSITE)})\b")
    return pattern.sub(lambda m: _OPPOSITE[m.group()], text, count=1)


def _without_a_small_word(text: str) -> str:
    return re.sub(r"\b(?:the|these|our|also)\b ", "", text, count=1)


def _turned_around(text: str) -> str:
    head, comma, tail = text.rstrip(".").partition(", ")
    return f"{tail}, {head}." if comma else text.lower()


COPIES: tuple[Callable[[str], str], ...] = (_without_a_small_word, _turned_around, str.lower)
CHANGES: tuple[Callable[[str], str], ...] = (_changed_number, _negated, _turned)


def _cases() -> Iterator[tuple[str, str]]:
    """Sentence and the text that it stands in."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    for document in random.Random(11).sample(documents, DOCUMENTS):
        pieces = [p.text for p in sentences(document["text"]) if 8 <= count_words(p.text) <= 50]
        yield from ((text, document["text"]) for text in pieces[:3])


def test_near_copies_are_told_from_changed_ones() -> None:
    right = passed = near = 0
    for sentence, text in _cases():
        copies = [change(sentence) for change in COPIES]
        changed = [new for change in CHANGES if (new := change(sentence)) != sentence]
        held = sum(judge(copy, text).verdict is Verdict.SUPPORTED for copy in copies)
        right, near = right + held, near + len(copies)
        passed += held + sum(judge(new, text).verdict is Verdict.SUPPORTED for new in changed)
    assert near > 500
    assert right / passed >= PRECISION
    assert right / near >= RECALL
