"""The words that are indexed and asked for are the same, and nothing in them can be read as an operator."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.library.words import LONGEST_WORD, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sleeping PEOPLE slept", ["sleep", "peopl", "slept"]),  # stems, lower case
        ("the effect of coffee", ["effect", "coffe"]),  # stop words out
        ("coffee, coffee!", ["coffe", "coffe"]),  # repeats stay
        ("ＣＯＦＦＥＥ", ["coffe"]),  # compatibility letters
        ("people's don’t", ["peopl", "dont"]),  # apostrophes
        ("咖啡睡眠", ["咖啡", "啡睡", "睡眠"]),  # pairs where no space parts words
        ("قهوة", ["قه", "هو", "وة"]),
        ("茶", ["茶"]),
        ("IL-6 1.5", ["il", "6", "1", "5"]),
        ("", []),
    ],
)
def test_words_of(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_words_hold_no_blank_quote_operator_or_mark(text: str) -> None:
    for word in words(text):
        assert not re.search(r"[\s\x00-\x2f:-@\[-`{-\x7f·’]", word), word
        assert len(word) <= LONGEST_WORD


def test_threads_stem_alike() -> None:
    text = " ".join(f"running{n} nations relational" for n in range(500))
    with ThreadPoolExecutor(4) as pool:
        assert len({tuple(found) for found in pool.map(words, [text] * 8)}) == 1
