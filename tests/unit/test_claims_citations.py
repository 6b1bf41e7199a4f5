"""The separate reader over finished Markdown."""

from __future__ import annotations

import pytest

from research.artifacts import Claim, Source, Span, Verdict
from research.claims.citations import count, fabricated, read

SOURCES = [
    Source(
        id="S1",
        engine="library",
        document="doc-1",
        version="v",
        title="Heat in winter",
        authors=["Ada Jansen"],
        year=2019,
        url="https://journal.example/winter/",
        doi="10.5555/Heat",
    )
]
LIST = "\n\n## References\n\n[1] *Heat in winter*. <https://journal.example/winter>\n"


@pytest.mark.parametrize(
    "text",
    [
        "It works [1].",
        "See <https://journal.example/winter> or [there](http://www.journal.example/winter).",
        "As doi:10.5555/heat and https://doi.org/10.5555/heat say.",
        "As shown (Jansen, 2019), and Jansen et al. (2019) agree.",
        "It rose (since March, 2020) in m², see part (2).",
    ],
)
def test_what_the_session_retrieved_is_not_fabricated(text: str) -> None:
    assert fabricated(text + LIST, SOURCES, []) == []


@pytest.mark.parametrize(
    "text",
    [
        "It works [2].",
        "It works [1, 3].",
        "It works【4】.",
        "It works[^n].",
        "See https://evil.example/x.",
        "See www.evil.example/x.",
        "See [this](https://evil.example).",
        "See [this](relative/page).",
        "See [this][r].\n\n[r]: evil",
        "See ![this](evil.png).",
        "See <a href='evil'>this</a>.",
        "See <https://evil.example>.",
        "See https\\://evil.example.",
        "See &#104;ttps://evil.example.",
        "See ht\u200btps://evil.example.",
        "DOI 10.9999/none.",
        "As shown (Smith, 2020).",
        "As Smith et al. (2020) show.",
        "As Jansen et al. (2021) show.",
    ],
)
def test_what_it_did_not_retrieve_is_fabricated(text: str) -> None:
    assert len(fabricated(text + LIST, SOURCES, [])) == 1


def test_an_entry_of_the_list_must_name_a_source_of_the_session() -> None:
    assert fabricated("A [1] and B [2]." + LIST + "[2] *Another title*.\n", SOURCES, [])[0].value == "2"


def test_a_quotation_may_hold_the_references_of_its_source_and_prose_may_not() -> None:
    text = "It fell (Smith, 2020), see https://other.example/x [12]."
    span = Span(document="doc-1", version="v", start=0, end=len(text), text=text, source="S1")
    claim = Claim(
        ordinal=1,
        section=0,
        text=text,
        verdict=Verdict.SUPPORTED,
        tier="quotation",
        confidence=1,
        spans=[span],
    )
    assert fabricated(f"They say: “{text}” [1]" + LIST, SOURCES, [claim]) == []
    assert len(fabricated(f"They say: {text} [1]" + LIST, SOURCES, [claim])) == 3
    unheld = claim.model_copy(update={"spans": []})
    assert len(fabricated(f"They say: “{text}” [1]" + LIST, SOURCES, [unheld])) == 3


def test_the_count_names_every_verdict() -> None:
    claim = Claim(ordinal=1, section=0, text="x", verdict=Verdict.PARTLY, tier="containment", confidence=0.5)
    assert count("x [9]", SOURCES, [claim]) == {
        "total": 1,
        "supported": 0,
        "partly": 1,
        "contradicted": 0,
        "not_found": 0,
        "not_checked": 0,
        "fabricated": 1,
    }


def test_the_list_of_references_is_read_in_its_usual_forms() -> None:
    text = "A [1] B [2]\n\n### 参考文献：\n1. 第一 https://a.example/1\n   更多\n[2] Second\n- [3] Third\n"
    assert read(text).entries == {1: "第一 https://a.example/1 更多", 2: "Second", 3: "Third"}
