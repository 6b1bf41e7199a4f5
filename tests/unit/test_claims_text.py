"""Sentences, words, folding, figures and polarity."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.claims.figures import Figure, figures, values
from research.claims.folding import clean, fold, locate
from research.claims.polarity import negated, opposed
from research.claims.splitting import sentences
from research.claims.words import content, count_words, telling


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One ends. Two ends! Three?", ["One ends.", "Two ends!", "Three?"]),
        # abbreviations and initials do not end a sentence
        ("Dr. Smith et al. found it. J. Doe agreed.", ["Dr. Smith et al. found it.", "J. Doe agreed."]),
        # decimals and a small letter after the stop go on
        ("It rose by 3.5 per cent. then fell.", ["It rose by 3.5 per cent. then fell."]),
        # closing quotation marks belong to the sentence
        ("He said “no.” She left.", ["He said “no.”", "She left."]),
        # scripts without spaces
        ("第一句。第二句！第三句", ["第一句。", "第二句！", "第三句"]),
        # an empty line ends what has no full stop; a bullet starts anew
        ("A heading\n\nText goes on\n- a point", ["A heading", "Text goes on", "- a point"]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert [piece.text for piece in sentences(text)] == expected


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='aB.。!? \n"”é1-', max_size=120))
def test_offsets_of_sentences_point_at_their_text_and_nothing_is_lost(text: str) -> None:
    pieces = sentences(text)
    assert all(text[piece.start : piece.end] == piece.text for piece in pieces)
    assert "".join("".join(p.text for p in pieces).split()) == "".join(text.split())


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab“”\"'’ \n\u200b\u00ad—-ﬁ", max_size=60), st.data())
def test_a_folded_quotation_is_found_at_offsets_that_fold_to_it(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    start = data.draw(st.integers(0, len(folded)))
    quotation = folded[start : data.draw(st.integers(start, len(folded)))].strip()
    span = locate(quotation, text)
    if quotation:
        assert span is not None
        assert quotation in fold(text[span[0] : span[1]])


def test_clean_text_has_no_character_that_cannot_be_seen_or_written() -> None:
    assert clean("a\u200bb\x00c\ud800d\u202ee\n\tf") == "abcde f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("about 2,000 people", Figure("2000", "peopl")),
        ("2.5 million euros", Figure("2500000", "€")),
        ("a 12 % rise", Figure("12", "%")),
        ("12 per cent", Figure("12", "%")),
        ("at −15 °C", Figure("-15", "°c")),
        ("three patients", Figure("3", "patient")),
        ("3亿元", Figure("300000000", "元")),
    ],
)
def test_figures_have_one_canonical_form(text: str, expected: Figure) -> None:
    assert expected in figures(text)


def test_years_are_known_as_years() -> None:
    assert [figure.is_year for figure in figures("in 1998")] == [True]
    assert values("in 1998 and 12.50 kg") == ["1998", "12.5"]


@pytest.mark.parametrize(
    ("left", "right", "is_negated"),
    [
        ("The drug works.", "The drug does not work.", True),
        ("It isn't safe.", "It is safe.", True),
        ("Nobody denied it.", "Everybody agreed.", False),  # two negations cancel out
        ("药物有效。", "药物没有效果。", True),
    ],
)
def test_negation_is_seen(left: str, right: str, is_negated: bool) -> None:
    assert negated(left, right) is is_negated


def test_opposite_directions_are_seen() -> None:
    assert opposed("Costs increased.", "Costs fell.")
    assert opposed("价格上升", "价格下降")
    assert not opposed("Costs increased.", "Costs were higher.")
    assert not opposed("It rose, then fell.", "It rose.")


def test_content_keeps_stems_and_character_pairs() -> None:
    assert content("The vitamins of heated houses") == ["vitamin", "heat", "hous"]
    assert content("热泵技术") == ["热泵", "泵技", "技术"]
    assert telling("the effect of heat") == {"heat"}
    assert count_words("热泵 works") == 3
