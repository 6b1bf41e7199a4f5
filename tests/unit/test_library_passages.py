"""Passages are exact slices of the kept text, in order, and lose nothing but white space."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.library.passages import LONGEST, cut

SENTENCES = st.lists(
    st.sampled_from(
        [
            "A short one.",
            "Is this a question? ",
            "一个没有空格的句子。",
            "\n\n",
            "\n \t\n",
            "word " * 300,
            "x" * 3000,
            "« Quoted. » (And so on.)",
            "文" * 1500 + "。",
            "\u3000",
        ]
    ),
    max_size=30,
).map("".join)


@given(st.one_of(SENTENCES, st.text(max_size=3000)))
def test_passages_hold_every_letter_once_and_in_order(text: str) -> None:
    spans = cut(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    gaps = [
        text[left:right]
        for left, right in zip([0, *(e for _, e in spans)], [*(s for s, _ in spans), len(text)], strict=True)
    ]
    assert not "".join(gaps).strip()
    assert all(end - start <= LONGEST for start, end in spans)


def test_a_passage_ends_where_a_sentence_does() -> None:
    text = " ".join(f"Sentence number {n} says something that takes a little room." for n in range(60))
    passages = [text[start:end] for start, end in cut(text)]
    assert len(passages) > 2
    assert all(passage.endswith("room.") for passage in passages)
    assert all(600 < len(passage) <= 1200 for passage in passages[:-1])


@pytest.mark.parametrize("mark", ["。", "！", "？"])
def test_chinese_sentences_are_not_cut_through(mark: str) -> None:
    text = ("这是一个关于咖啡和睡眠的句子" + mark) * 200
    assert all(text[start:end].endswith(mark) for start, end in cut(text))


def test_a_short_text_is_one_passage() -> None:
    assert cut("  Two lines.\nAnd one more.  ") == [(2, 26)]
    assert cut(" \n ") == []
