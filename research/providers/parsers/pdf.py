"""PDF, by pypdf. Its own limits on unpacked streams stay in force."""

from __future__ import annotations

import logging
import re
import struct
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.errors import DeprecationError, PyPdfError

from research.providers.parsers import LONGEST_TEXT, Parsed, clean, one_line, refuse

ORDER = 10
MOST_PAGES = 10_000
BETWEEN_PAGES = "\n\n"
# What pypdf lets out on a damaged file, besides its own errors.
_FAULTS = (
    PyPdfError,
    DeprecationError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_PROGRAMS_OWN = re.compile(
    r"(?i)^(?:untitled|microsoft word|slide \d|.*\.(?:docx?|tex|dvi|indd|pdf|pptx?|qxd)$|\W*$)"
)
_YEAR = re.compile(r"(?:D:)?((?:19|20)\d\d)")
logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # broken files are our business, told by name


def recognises(data: bytes, name: str) -> bool:
    return b"%PDF-" in data[:1024]


def parse(data: bytes, name: str) -> Parsed:
    try:
        reader = PdfReader(BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise refuse("encrypted")
        texts, failed = _pages(reader)
    except _FAULTS as error:
        raise refuse("broken", f"The PDF is damaged ({type(error).__name__}). Save it anew.") from error
    if failed == len(texts):
        raise refuse("broken", "The PDF is damaged: no page can be read.")
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + len(BETWEEN_PAGES)
    metadata = _told(reader) | ({"pages_unreadable": failed} if failed else {})
    return Parsed(metadata.pop("title", ""), BETWEEN_PAGES.join(texts), metadata, starts)


def _pages(reader: PdfReader) -> tuple[list[str], int]:
    """The text of each page, and how many could not be read; those are empty."""
    texts: list[str] = []
    failed = size = 0
    for page in reader.pages:
        text = _text(page)
        failed += text is None
        texts.append(text or "")
        size += len(texts[-1])
        if size > LONGEST_TEXT:
            raise refuse("too_much_text")
        if len(texts) > MOST_PAGES:
            raise refuse("too_large", f"The PDF has more than {MOST_PAGES:,} pages.")
    return texts, failed


def _text(page: PageObject) -> str | None:
    try:
        return clean(page.extract_text())
    except _FAULTS:
        return None


def _told(reader: PdfReader) -> dict[str, Any]:
    """Title, authors and year as the file's own metadata tells them; a program's default title is none."""
    try:
        kept: Mapping[str, Any] = reader.metadata or {}
        title, author = one_line(str(kept.get("/Title") or "")), one_line(str(kept.get("/Author") or ""))
        year = _YEAR.match(str(kept.get("/CreationDate") or ""))
    except _FAULTS:
        return {}
    found: dict[str, Any] = {}
    if len(title) > 3 and not _PROGRAMS_OWN.match(title):
        found["title"] = title
    if author:
        found["authors"] = [part for part in re.split(r"\s*(?:;|,| and )\s*", author) if part]
    if year:
        found["year"] = int(year[1])
    return found
