"""Markdown, HTML and JSON of a report: complete, and untrusted text can never become markup."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from research.artifacts import Intent, Plan, SearchResult, Verification
from research.claims.citations import count
from research.claims.report import final_draft, final_evaluation
from research.errors import UnknownChoice
from research.exporters import Report, exporter, exporters, markdown
from research.exporters.html import safe_html
from research.stage import ResearchState
from tests.unit.test_agents_pipeline import HITS, PROMPT
from tests.unit.toolbox_double import hit, research

NASTY = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![p](https://evil.example/p.png)",
    "[x](javascript:alert(1))",
    "<https://evil.example>",
    "https://evil.example/a_b",
    "www.evil.example",
    "me@evil.example",
    "# heading",
    "- item",
    "1. item",
    "+ item",
    "> quote",
    "```\ncode",
    "| a | b |",
    "***",
    "===",
    "&lt;b&gt; &#60;b&#62;",
    "\\[x\\](y)",
    "[x]: https://evil.example",
    "a\n\n<div hx-get=/evil>",
    "*a* _b_ ~~c~~ `d` $e$ {f} ^g",
)


def report_of(state: ResearchState, question: str = PROMPT) -> Report:
    return Report(
        question=question,
        intent=state.get("intent", Intent),
        plan=state.get("planning", Plan),
        verification=state.get("verification", Verification),
        draft=final_draft(state),
        evaluation=final_evaluation(state),
        created=datetime(2026, 1, 1, tzinfo=UTC),
        search=state.get("search", SearchResult),
    )


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(research(PROMPT, HITS))


def test_an_unknown_format_is_refused_with_the_choices() -> None:
    with pytest.raises(UnknownChoice) as refused:
        exporter("exe")
    assert "html, json, md" in refused.value.hint


def test_every_plug_in_names_itself() -> None:
    assert {"md", "html", "json"} <= set(exporters())
    assert all(name == plug_in.FORMAT and "/" in plug_in.MEDIA_TYPE for name, plug_in in exporters().items())


def test_the_markdown_has_all_parts_in_order(report: Report) -> None:
    text = markdown.text(report)
    parts = [
        "# Heat pumps",
        "*Offline mode: no model wrote this; it quotes the library.*",
        "**Question:**",
        "## Summary",
        "## How well do they work in cold winters?",
        "## Where the sources disagree",
        "## Limits of the evidence",
        "## What was looked for",
        "## References",
        "library document",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_references_are_numbered_by_first_use(report: Report) -> None:
    body, _, listed = markdown.text(report).partition("## References")
    used = [
        int(token.rstrip("]"))
        for token in body.replace("]", "] ").split("[")[1:]
        for token in token.split(" ")[:1]
        if token.rstrip("]").isdigit()
    ]
    first_uses = list(dict.fromkeys(used))
    assert first_uses == list(range(1, len(first_uses) + 1))
    assert [line.split("]")[0] for line in listed.strip().splitlines() if line] == [
        f"[{n}" for n in first_uses
    ]


def test_the_separate_reader_finds_nothing_fabricated(report: Report) -> None:
    counted = count(markdown.text(report), report.verification.sources, report.evaluation.claims)
    assert counted["fabricated"] == 0
    assert counted["total"] == counted["supported"] > 0


@pytest.mark.parametrize("text", NASTY)
def test_s20_escaped_text_is_one_paragraph_of_text(text: str) -> None:
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    for before in ("", "x "):
        tokens = parser.parse(before + markdown.escape(text))
        assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
        children = {child.type for child in tokens[1].children or []}
        assert children <= {"text", "text_special"}
        shown = "".join(child.content for child in tokens[1].children or [])
        assert shown == (before + " ".join(text.split())).strip()


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)


@pytest.mark.parametrize("text", NASTY)
def test_s21_a_hostile_source_puts_nothing_into_the_page(text: str) -> None:
    body = f"Heat pumps work in cold winters and save heating costs for households, {text} as they say here."
    nasty = hit("d", text, body, authors=[text], venue=text, url="https://real.example/a", year=2020)
    state = research(PROMPT, [nasty])
    assert state.get("verification", Verification).answerable
    seen = _Seen()
    page = exporter("html").render(report_of(state, question=f"{PROMPT} {text}")).decode()
    seen.feed(page.partition("<main>")[2])
    assert seen.tags <= {"h1", "h2", "p", "em", "strong", "ul", "li", "a"}
    assert {value for name, value in seen.attributes if name == "href"} <= {"https://real.example/a"}
    assert {name for name, _ in seen.attributes} <= {"href", "rel"}


def test_s21_the_sanitiser_alone_lets_nothing_run_or_load() -> None:
    page = safe_html("\n\n".join(NASTY))
    seen = _Seen()
    seen.feed(page)
    assert not {"script", "img", "iframe", "div", "style"} & seen.tags
    links = {value for name, value in seen.attributes if name == "href"}
    assert all(link and link.startswith("https://") for link in links)
    assert ("rel", "noopener noreferrer nofollow") in seen.attributes


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://a.example/x y>z", "//a.example"]
)
def test_only_web_addresses_of_sources_become_links(url: str) -> None:
    body = "Heat pumps work in cold winters and save heating costs for households."
    text = markdown.text(report_of(research(PROMPT, [hit("d", "Heat", body, url=url)])))
    assert "javascript:" not in text
    assert "file:" not in text
    assert text.count("<http") == ("https" in url)


def test_the_json_is_complete_and_counts_its_citations(report: Report) -> None:
    data = json.loads(exporter("json").render(report))
    assert data["format"] == "prowzi-report"
    assert data["citations"]["fabricated"] == 0
    assert [entry["number"] for entry in data["references"]] == list(range(1, len(data["references"]) + 1))
    assert len(data["claims"]) == data["citations"]["total"]
    assert data["sections"][0]["paragraphs"][0][1]["references"]


def test_a_lone_surrogate_or_nul_in_a_source_does_not_stop_an_export() -> None:
    body = "Heat pumps work in cold \ud800 winters and save \x00 heating costs for households."
    report = report_of(research(PROMPT, [hit("d", "Heat \udfff", body)]), question="Heat \ud800 pumps")
    assert all(
        plug_in.render(report) for plug_in in exporters().values() if plug_in.FORMAT in ("md", "html", "json")
    )


def test_a_chinese_report_reads_without_stray_spaces() -> None:
    body = "空气源热泵在寒冷冬季仍能正常工作，零下十五度时效率约为二点四。热泵使家庭取暖费用下降百分之四十。"
    text = markdown.text(
        report_of(research("热泵在寒冷冬季效果如何？热泵能节省多少取暖费用？", [hit("a", "热泵研究", body)]))
    )
    assert "《热泵研究》指出：“" in text
    assert "## 参考文献" in text
