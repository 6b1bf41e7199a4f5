"""What the docs list is what there is."""

from __future__ import annotations

import re

import pytest

from prowzi_site.commands import COMMANDS
from research.api.limits import READ, WRITE
from research.library.intake import LARGEST_FILE, LARGEST_JSONL, LONGEST_ROW
from research.providers.parsers import LONGEST_TEXT, REFUSALS
from research.providers.parsers.docx import MOST_UNPACKED, MOST_XML
from research.providers.parsers.pdf import MOST_PAGES
from research.tokens import SCOPES
from tests.conftest import ROOT

PAGES = sorted(path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
MIB = 2**20


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def first_cells(text: str) -> set[str]:
    """The words in backticks in the first column of every table."""
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.M)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_every_link_of_a_page_leads_somewhere() -> None:
    links = [
        (path, link)
        for path in PAGES
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
        if "://" not in link
    ]
    assert len(links) > 20
    assert [(path.name, link) for path, link in links if not (path.parent / link).exists()] == []


def test_the_index_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([a-z-]+\.md)\)", page("index.md")))
    assert linked == {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}


def test_every_command_is_in_the_table() -> None:
    named = {cell.split()[0] for cell in first_cells(page("command-line.md"))}
    assert set(COMMANDS) - named == set()
    assert named - set(COMMANDS) == {"list", "show", "remove", "search", "revoke"} - set(COMMANDS)


def test_every_refusal_of_a_document_is_in_the_table() -> None:
    assert first_cells(page("library.md")) == set(REFUSALS)


def test_every_scope_of_a_token_is_in_the_table() -> None:
    assert first_cells(page("api.md")) == set(SCOPES)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("api.md", f"{READ.quota:,} reading and {WRITE.quota:,} changing requests a minute"),
        ("library.md", f"| a file | {LARGEST_FILE // MIB} MiB |"),
        ("library.md", f"{LONGEST_ROW // MIB} MiB; {LARGEST_JSONL // 2**30} GiB |"),
        ("library.md", f"| text of one document | {LONGEST_TEXT // MIB} MiB |"),
        ("library.md", f"| pages of a PDF | {MOST_PAGES:,} |"),
        ("library.md", f"{MOST_UNPACKED // MIB} MiB, one part {MOST_XML // MIB} MiB"),
    ],
)
def test_limits_are_told_as_they_are(name: str, said: str) -> None:
    assert said in page(name)
