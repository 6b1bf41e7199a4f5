"""Web pages, by trafilatura: the main text without menus, footers and comments."""

from __future__ import annotations

import logging
import re
from typing import Any

from lxml.etree import LxmlError
from trafilatura import bare_extraction, html2txt

from research.providers.parsers import Parsed, clean, one_line, refuse, suffix

ORDER = 30
SHORTEST_MAIN_TEXT = 80  # characters; below, the page has no main text and all its text is taken
_OPENS = re.compile(
    rb"(?is)(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*(?:<\?xml[^>]*\?>\s*)?<(?:!doctype\s+html|html|head|body)\b"
)
_OTHER = re.compile(
    rb"(?is)(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+(?!html)|svg|rss|feed)"
)
_TAG = re.compile(rb"<[a-zA-Z!/]")
_FAULTS = (LxmlError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)


def recognises(data: bytes, name: str) -> bool:
    head = data[:20_000]
    if _OTHER.match(head) or b"\0" in head.removeprefix(b"\xff\xfe")[:1:2]:
        return False
    return bool(_OPENS.match(head)) or (suffix(name) in {"html", "htm", "xhtml"} and bool(_TAG.search(data)))


def parse(data: bytes, name: str) -> Parsed:
    try:
        found: Any = bare_extraction(data, include_comments=False, with_metadata=True)
        text = clean(str(getattr(found, "text", "") or ""))
        if len(text) < SHORTEST_MAIN_TEXT:
            text = max(text, clean(html2txt(data)), key=len)
    except _FAULTS as error:
        raise refuse("broken", f"The page cannot be read ({type(error).__name__}).") from error
    return Parsed(one_line(str(getattr(found, "title", "") or "")), text, _metadata(found))


def _metadata(found: Any) -> dict[str, Any]:
    author, date, url = (clean(str(getattr(found, each, "") or "")) for each in ("author", "date", "url"))
    kept: dict[str, Any] = {}
    if author:
        kept["authors"] = [part.strip() for part in author.split(";") if part.strip()][:50]
    if re.match(r"\d{4}", date):
        kept["year"] = int(date[:4])
    if url.startswith(("http://", "https://")):
        kept["url"] = url[:2000]
    return kept
