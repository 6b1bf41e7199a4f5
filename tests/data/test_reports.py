"""Long reports of other systems: their citations are read, and the check on copies tells them apart."""

from __future__ import annotations

import json
import re
from itertools import groupby, pairwise

import pytest

from research.artifacts import Evidence
from research.claims.citations import read
from research.claims.copies import Copies, count
from research.claims.words import tokens
from tests.conftest import find_shared_data

SHARED = find_shared_data()
FILE = SHARED / "reports-with-citations" / "reports.jsonl"
_PLAIN = re.compile(r"https?://[^\s)\]>\"'<，。；、）】]+")

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the shared reports are not here")


@pytest.fixture(scope="module")
def reports() -> list[dict[str, object]]:
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def test_every_address_of_every_report_is_found(reports: list[dict[str, object]]) -> None:
    missed = []
    for report in reports:
        article = str(report["article"])
        plain = {url.rstrip(".,;:!?*_`") for url in _PLAIN.findall(article)}
        found = read(article).addresses
        missed += [url for url in plain if not any(url in address or address in url for address in found)]
    assert missed == []


def test_as_many_distinct_addresses_are_found_as_were_counted(reports: list[dict[str, object]]) -> None:
    short = []
    for report in reports:
        stats = report["stats"]
        assert isinstance(stats, dict)
        if len(read(str(report["article"])).addresses) < stats["urls"]:
            short.append((report["source"], report["id"]))
    assert short == []


def test_numbers_resolve_to_entries_where_the_report_has_a_list(reports: list[dict[str, object]]) -> None:
    resolved = total = 0
    for report in reports:
        reading = read(str(report["article"]))
        numbers = {int(m.value) for m in reading.marks if m.kind == "number"}
        if len(reading.entries) >= 3:
            total += len(numbers)
            resolved += len(numbers & set(reading.entries))
    assert total > 500
    assert resolved / total >= 0.98


def _copied_share(text: str, other: str) -> float:
    evidence = Evidence(id="E1", source="S1", start=0, end=len(other), text=other, section=0, score=1)
    words = count(tokens(text))
    return sum(run.words for run in Copies([evidence]).runs(text)) / words if words else 0.0


def test_independent_reports_are_no_copies_and_a_report_is_a_copy_of_itself(
    reports: list[dict[str, object]],
) -> None:
    ordered = sorted(reports, key=lambda report: (str(report["prompt"]), str(report["source"])))
    groups = [list(group) for _, group in groupby(ordered, key=lambda report: str(report["prompt"]))]
    pairs = [(_body(a), _body(b)) for group in groups for a, b in pairwise(group)][:24]
    assert len(pairs) == 24
    assert max(_copied_share(a, b) for a, b in pairs) < 0.15
    assert min(_copied_share(a, a) for a, _ in pairs[:6]) > 0.95


def _body(report: dict[str, object]) -> str:
    """The first part, without addresses and the list of references."""
    return re.sub(r"https?://\S+", "", str(report["article"]))[:6000]
