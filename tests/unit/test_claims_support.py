"""The tiers that decide a verdict, and the ledger."""

from __future__ import annotations

import pytest

from research.artifacts import Draft, Evidence, Section, Sentence, Source, SourceState, Verdict, Verification
from research.claims.contradictions import Passage, contradictions
from research.claims.ledger import claims
from research.claims.origins import near_copies
from research.claims.support import judge
from research.claims.words import telling

PASSAGE = (
    "The trial enrolled 240 adults with mild asthma. Daily exercise reduced the number of attacks by 35 % "
    "over twelve weeks. No serious side effects were reported in either group."
)


@pytest.mark.parametrize(
    ("sentence", "verdict", "tier"),
    [
        # word for word
        ("Daily exercise reduced the number of attacks by 35 % over twelve weeks.", "supported", "quotation"),
        # other order and fewer words, nothing changed
        (
            "Over twelve weeks, daily exercise reduced the number of attacks by 35 %.",
            "supported",
            "containment",
        ),
        # a changed number
        ("Daily exercise reduced the number of attacks by 53 % over twelve weeks.", "not_found", "numbers"),
        # a negation put in
        (
            "Daily exercise never reduced the number of attacks by 35 % over twelve weeks.",
            "contradicted",
            "polarity",
        ),
        # the direction turned round
        (
            "Daily exercise increased the number of attacks by 35 % over twelve weeks.",
            "contradicted",
            "polarity",
        ),
        # a negation taken out of what the passage denies
        ("Serious side effects were reported in either group.", "contradicted", "polarity"),
        # something else
        ("Smoking causes most cases of lung cancer in adults.", "not_found", "containment"),
    ],
)
def test_a_statement_is_judged_by_what_changed(sentence: str, verdict: str, tier: str) -> None:
    judged = judge(sentence, PASSAGE)
    assert (judged.verdict.value, judged.tier) == (verdict, tier)


def test_a_marked_quotation_must_stand_there_word_for_word() -> None:
    assert judge("reduced the  number\nof attacks", PASSAGE, quoted=True).verdict is Verdict.SUPPORTED
    changed = "Over twelve weeks, daily exercise reduced the number of attacks by 35 %."
    assert judge(changed, PASSAGE, quoted=True).verdict is Verdict.NOT_FOUND


def _source(name: str, origin: str = "") -> Source:
    return Source(
        id=name,
        engine="library",
        document=f"doc-{name}",
        version=f"v-{name}",
        title=f"Title {name}",
        state=SourceState.ACCEPTED,
        origin=origin,
    )


def _verification() -> Verification:
    return Verification(
        sources=[_source("S1"), _source("S2", origin="S1"), _source("S3")],
        evidence=[
            Evidence(
                id=f"E{n}",
                source=f"S{n}",
                start=100,
                end=100 + len(PASSAGE),
                text=PASSAGE,
                section=0,
                score=1,
            )
            for n in (1, 2, 3)
        ],
    )


def _ledger(*sentences: Sentence) -> list[tuple[Verdict, str, int]]:
    draft = Draft(
        number=1,
        title="T",
        language="en",
        summary=[],
        sections=[Section(heading="H", paragraphs=[list(sentences)])],
    )
    return [(claim.verdict, claim.tier, claim.origins) for claim in claims(draft, _verification())]


def test_only_asserting_sentences_are_claims_and_near_copies_count_once() -> None:
    quotation = "The trial enrolled 240 adults with mild asthma."
    found = _ledger(
        Sentence(text="As they write:", kind="connective", evidence=["E1"]),
        Sentence(text=quotation, kind="quotation", evidence=["E1", "E2", "E3"]),
        Sentence(text=quotation, kind="quotation", evidence=["E1", "E2"]),
        Sentence(text="Nothing more is known.", kind="limitation"),
        Sentence(text="The moon is made of cheese.", kind="statement"),
    )
    assert found == [
        (Verdict.SUPPORTED, "quotation", 2),
        (Verdict.SUPPORTED, "quotation", 1),
        (Verdict.NOT_FOUND, "no evidence", 0),
    ]


def test_spans_point_exactly_into_the_document() -> None:
    sentence = Sentence(text="enrolled 240 adults", kind="quotation", evidence=["E3"])
    draft = Draft(number=1, title="T", language="en", summary=[sentence], sections=[])
    span = claims(draft, _verification())[0].spans[0]
    assert (span.document, span.version, span.source) == ("doc-S3", "v-S3", "S3")
    assert PASSAGE[span.start - 100 : span.end - 100] == span.text == "enrolled 240 adults"


def test_a_source_that_repeats_another_is_its_copy() -> None:
    other = "Completely different words stand here about the sea, its tides, its winds and its many fishes."
    assert near_copies({"S1": PASSAGE, "S2": "A preface. " + PASSAGE, "S3": other}) == {"S2": "S1"}


@pytest.mark.parametrize(
    ("left", "right", "disagree"),
    [
        (
            "Households with a heat pump report a 40 % reduction in heating costs.",
            "Households with a heat pump report a 22 % reduction in heating costs.",
            True,
        ),
        (  # the same words, other years: no contradiction
            "In 1990 households with a heat pump report a 40 % reduction in heating costs.",
            "In 2020 households with a heat pump report a 22 % reduction in heating costs.",
            False,
        ),
        (
            "Night shifts increase the risk of heart disease in nurses.",
            "Night shifts decrease the risk of heart disease in nurses.",
            True,
        ),
        (
            "Daily aspirin prevents heart attacks in healthy older adults.",
            "Daily aspirin does not prevent heart attacks in healthy older adults.",
            True,
        ),
        (  # another matter
            "Daily aspirin prevents heart attacks in healthy older adults.",
            "The library opens at 9 and does not close before 20 on working days.",
            False,
        ),
    ],
)
def test_contradictions_are_told_apart_from_other_matters(left: str, right: str, disagree: bool) -> None:
    passages = [Passage("E1", "S1", left), Passage("E2", "S2", right)]
    assert bool(contradictions(passages, "en", telling(left))) is disagree


def test_copies_of_one_origin_do_not_contradict_each_other() -> None:
    left = "Households with a heat pump report a 40 % reduction in heating costs."
    passages = [Passage("E1", "S1", left), Passage("E2", "S1", left.replace("40", "22"))]
    assert contradictions(passages, "en", telling(left)) == []
