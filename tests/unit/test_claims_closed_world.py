"""The closed world: whatever a writer emits, the finished report points at nothing that was not retrieved."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from research.artifacts import (
    Draft,
    Evaluation,
    Evidence,
    Intent,
    Plan,
    Section,
    Sentence,
    Source,
    SourceState,
    Verification,
)
from research.claims.citations import fabricated
from research.claims.closed_world import enforce, without_references
from research.claims.ledger import claims
from research.exporters import Report, markdown

TEXTS = (
    "Heat pumps keep working below freezing. In tests the output fell by 8 %.",
    "Costs fell by a third (Jansen et al., 2019), see https://journal.example/a_b?c=1 and [12].",
    "DOI 10.1234/abc.def is given in the text. “Inner quotes” stand here too.",
)
SOURCES = [
    Source(
        id=f"S{n}",
        engine="library",
        document=f"document-{n}",
        version="v",
        title=title,
        authors=["Ada Jansen"],
        year=2019,
        url=url,
        doi=doi,
        state=SourceState.ACCEPTED,
    )
    for n, (title, url, doi) in enumerate(
        [
            ("Heat in winter", "https://journal.example/winter", ""),
            ("Costs [3] of *heat* at https://title.example/x", "", "10.5555/costs"),
            ("", "https://journal.example/wiki/Heat_(physics)", ""),
        ],
        start=1,
    )
]
VERIFICATION = Verification(
    sources=SOURCES,
    evidence=[
        Evidence(id=f"E{n}", source=f"S{n}", start=0, end=len(text), text=text, section=0, score=1.0)
        for n, text in enumerate(TEXTS, start=1)
    ],
)
HOSTILE = (
    "https://evil.example/paper",
    "ht\u200btps://evil.example/z",
    "ｈｔｔｐｓ：／／evil.example/wide",
    "http[1]s://evil.example",
    "www.evil.example/page",
    "//evil.example/x",
    "[1]",
    "[99]",
    "[2, 3]",
    "[4-9]",
    "【7】",
    "［8］",
    "[^1]",
    "[^note]",
    "[^1]: see elsewhere",
    "[E1]",
    "[[5]]",
    "[[1] 2]",
    "[ 6 ]",
    "\\[5\\]",
    "[a link](https://evil.example)",
    "[a link](evil)",
    "[a](javascript:alert(1))",
    "[a link][ref]",
    "[ref]: https://evil.example 'title'",
    "![pixel](https://evil.example/p.png)",
    "<https://evil.example>",
    "<a href=https://evil.example>x</a>",
    "<a href='evil'>x</a>",
    "&#104;ttps&#58;//evil.example",
    "https&colon;//evil.example",
    "10.9999/invented.1",
    "doi:10.9999/invented.2",
    "https://doi.org/10.9999/invented",
    "10.9999.1/part",
    "arXiv:2401.00001",
    "PMID: 1234567",
    "(Smith, 2020)",
    "(Smith & Doe, 2018a; Roe, 1999)",
    "(see Müller et al., 2021)",
    "Smith et al. (2020)",
    "Smith and Doe (2017)",
    "Smith et al., 2016",
    "（张三，2020）",
    "(Smith,\u200b 2020)",
    "## References",
    "\n[1] Invented. https://evil.example/r",
    "1. Invented, https://evil.example/s",
    "{source}",
    "“quoted [3]”",
    "mailto:a@evil.example",
    "\u202e]1[",
    "`https://evil.example`",
    "$$[1]$$",
    "| a | [1] |",
    "****",
    "](",
    "[",
    "]",
    "\\",
    "<!--",
    "heat pumps",
    "the output",
    "8 %",
    "热泵。",
    "(Smith,",
    "2020)",
    "Smith",
    "et al.",
    "(2020)",
    "https:",
    "//",
    "10.1234",
    "/abc",
    "[^",
    "3",
    "(ref)",
    ": https",
    "",
)
KINDS = ("quotation", "statement", "connective", "limitation")


def hostile_drafts(count: int, seed: int) -> Iterator[Draft]:
    rng = random.Random(seed)
    for number in range(count):
        yield Draft(
            number=number,
            title=_text(rng),
            language=rng.choice(("en", "zh", "<b>", "")),
            summary=[_sentence(rng) for _ in range(rng.randrange(2))],
            sections=[
                Section(heading=_text(rng), paragraphs=[[_sentence(rng) for _ in range(rng.randrange(1, 4))]])
            ],
        )


def _text(rng: random.Random) -> str:
    joint = rng.choice((" ", " ", "", "\n"))
    return joint.join(rng.choice(HOSTILE) for _ in range(rng.randrange(1, 4)))


def _sentence(rng: random.Random) -> Sentence:
    kind = rng.choice(KINDS)
    text = _text(rng)
    if rng.random() < 0.4:  # words of a source, sometimes with something put in
        source = rng.choice(TEXTS)
        cut = rng.randrange(len(source))
        text = source[cut : cut + rng.randrange(5, 90)] + rng.choice(("", "", _text(rng)))
    ids = [rng.choice(("E1", "E2", "E3", "E4", "E99", "S1", "[1]", "")) for _ in range(rng.randrange(3))]
    return Sentence.model_validate({"text": text, "kind": kind, "evidence": ids})


def count_invented(draft: Draft) -> int:
    ledger = claims(draft, VERIFICATION)
    report = Report(
        question="What about [7] (Smith, 2020) and https://asked.example?",
        intent=Intent(kind="report", field="general", language="en", words=100, terms=[]),
        plan=Plan(title="T", sections=[]),
        verification=VERIFICATION,
        draft=draft,
        evaluation=Evaluation(draft=draft.number, measures=[], claims=ledger),
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return len(fabricated(markdown.text(report), SOURCES, ledger))


def test_s26_ten_thousand_hostile_drafts_invent_nothing() -> None:
    guilty = [
        draft
        for draft in hostile_drafts(10_000, seed=20_260_101)
        if count_invented(enforce(draft, VERIFICATION))
    ]
    assert guilty == []


def test_s26_without_the_closed_world_the_reader_sees_the_inventions() -> None:
    seen = sum(count_invented(draft) > 0 for draft in hostile_drafts(300, seed=7))
    assert seen > 150


@pytest.mark.parametrize(
    "mark", [m for m in HOSTILE if "evil" in m or "2020" in m or m.startswith(("[", "10."))]
)
def test_prose_keeps_its_words_and_loses_the_invented_reference(mark: str) -> None:
    kept = without_references(f"Costs fell {mark} in 2019 by 8 %.")
    assert kept.startswith("Costs fell")
    assert kept.endswith("in 2019 by 8 %.")
    assert "evil.example" not in kept
    assert "[" not in kept


@pytest.mark.parametrize(
    "text",
    [
        "In 2020 the price rose by 3.5 % (p < 0.05), and/or fell.",
        "The U.S./EU gap (about 12 km) is known (in part).",
        "价格在2020年上升了（约8%）。",
    ],
)
def test_plain_prose_is_left_alone(text: str) -> None:
    assert without_references(text) == text


def test_half_a_bracket_goes_because_the_next_sentence_may_hold_the_other_half() -> None:
    assert [without_references(half) for half in ("As (Smith,", "2020) said.")] == ["As Smith,", "2020 said."]


def test_an_unknown_id_is_dropped_and_a_false_quotation_loses_its_marks() -> None:
    draft = Draft(
        number=1,
        title="T",
        language="en",
        summary=[
            Sentence(text="Heat pumps keep working below freezing.", kind="quotation", evidence=["E9", "E1"]),
            Sentence(text="Heat pumps never work.", kind="quotation", evidence=["E1"]),
        ],
        sections=[],
    )
    kept = enforce(draft, VERIFICATION).summary
    assert [(s.kind, s.evidence) for s in kept] == [("quotation", ["E1"]), ("statement", ["E1"])]


def test_a_quotation_with_a_wrong_id_gets_the_id_of_the_passage_it_stands_in() -> None:
    sentence = Sentence(text="In tests the output fell by 8 %.", kind="quotation", evidence=["E3"])
    draft = Draft(number=1, title="T", language="en", summary=[sentence], sections=[])
    assert enforce(draft, VERIFICATION).summary[0].evidence == ["E1"]


def test_passages_of_refused_sources_cannot_be_cited() -> None:
    refused = VERIFICATION.model_copy(
        update={"sources": [s.model_copy(update={"state": SourceState.REFUSED}) for s in SOURCES]}
    )
    sentence = Sentence(text="Heat pumps keep working below freezing.", kind="quotation", evidence=["E1"])
    draft = Draft(number=1, title="T", language="en", summary=[sentence], sections=[])
    assert [(s.kind, s.evidence) for s in enforce(draft, refused).summary] == [("statement", [])]


@pytest.mark.parametrize(
    "unit", ["[", "(", "A-", "a.", "10.1", "http://", "([", "A", "1", "(A 2020", "10.1234."]
)
def test_s40_no_text_makes_the_gate_or_the_reader_slow(unit: str) -> None:
    """Superlinear patterns would not end within the suite's timeout."""
    text = unit * (200_000 // len(unit))
    assert len(without_references(text)) <= len(text)
    assert isinstance(fabricated(text, SOURCES, []), list)
