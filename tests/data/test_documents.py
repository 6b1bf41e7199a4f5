"""All real documents in one add: none ends it, each is taken or refused by name, and texts are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from research.library import documents
from research.library.documents import AddReport
from research.library.intake import Upload
from research.models import Document, DocumentText
from research.providers.parsers import REFUSALS

pytestmark = pytest.mark.django_db
FOLDERS = ("documents-pdf", "documents-office", "documents-html")
LEAST_WHOLE = 0.9  # of the PDFs with text: share that gives nine tenths of what PDFium finds


def expected(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines()]


def texts(report: AddReport) -> dict[str, str]:
    kept = dict(DocumentText.objects.values_list("document__name", "text"))
    return {each.name: kept[each.name] for each in report.added}


def letters(text: str) -> int:
    return len("".join(text.split()))


def test_all_real_documents_in_one_add(owner: User, shared_data: Path) -> None:
    report = documents.add(owner, [shared_data / folder for folder in FOLDERS])
    kept = texts(report)
    refused = {each.name: each.code for each in report.refused if ".jsonl:" not in each.name}
    assert set(refused.values()) <= set(REFUSALS)
    _check_pdfs(shared_data / "documents-pdf", kept, refused)
    _check_office(shared_data / "documents-office", kept, refused)
    _check_pages(shared_data / "documents-html", kept)


def _check_pdfs(folder: Path, kept: dict[str, str], refused: dict[str, str]) -> None:
    rows = expected(folder)
    for row in rows:
        name = str(folder / row["file"])
        assert name in kept or name in refused
        if row["password"] and row["pypdf"].get("encrypted"):
            assert refused.get(name) == "encrypted" or name in kept
        if row["pypdf"]["ok"] and not row["pypdf"].get("encrypted"):
            assert refused.get(name, "no_text") == "no_text", name
    found = [row for row in rows if row["pdfium"]["ok"] and row["pdfium"].get("chars", 0) >= 100]
    whole = [
        row
        for row in found
        if letters(kept.get(str(folder / row["file"]), "")) >= 0.9 * row["pdfium"]["chars"]
    ]
    assert len(whole) >= LEAST_WHOLE * len(found), f"{len(whole)} of {len(found)}"


def _check_office(folder: Path, kept: dict[str, str], refused: dict[str, str]) -> None:
    for row in expected(folder):
        name = str(folder / row["file"])
        if not name.endswith(".docx"):
            continue
        assert name in kept or refused[name] == "no_text"
        assert letters(kept.get(name, "")) >= 0.95 * _body_letters(folder / row["file"]), name
    other = {Path(name).suffix: code for name, code in refused.items() if str(folder) in name}
    assert {other[ending] for ending in (".csv", ".json", ".pptx", ".xls", ".xlsx")} == {"unknown_kind"}
    assert other[".txt"] == "empty"


def _body_letters(path: Path) -> int:
    import docx

    return sum(letters(paragraph.text) for paragraph in docx.Document(str(path)).paragraphs)


def _check_pages(folder: Path, kept: dict[str, str]) -> None:
    hits = {"present": 0, "absent": 0}
    total = {"present": 0, "absent": 0}
    for row in expected(folder):
        text = kept[str(folder / row["file"])]
        for side in hits:
            hits[side] += sum(segment in text for segment in row[side])
            total[side] += len(row[side])
    assert hits["present"] >= 0.93 * total["present"]
    assert hits["absent"] <= 0.05 * total["absent"]


def test_hostile_files_are_refused_by_name(owner: User, shared_data: Path) -> None:
    folder = shared_data / "hostile-input" / "files" / "upload"
    report = documents.add(owner, [folder])
    assert report.added == []
    assert {each.code for each in report.refused} <= {"unknown_kind", "no_text"}
    assert not Document.objects.exists()


def test_s27_names_and_strings_that_break_things_are_kept_as_they_are(owner: User, shared_data: Path) -> None:
    lines = (shared_data / "hostile-input" / "naughty_strings.jsonl").read_text(encoding="utf-8").splitlines()
    strings = [next(value for value in json.loads(line).values() if isinstance(value, str)) for line in lines]
    uploads = [
        Upload(f"{text[:80]}.txt", f"{n} {text}".encode("utf-8", "replace")) for n, text in enumerate(strings)
    ]
    report = documents.add(owner, uploads)
    assert {each.code for each in report.refused} <= {"unknown_kind"}
    assert len(report.added) > 0.95 * len(strings)
