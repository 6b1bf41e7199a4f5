"""Parsers. One file is one kind of document; the file's name is the kind's.

To add one: a module with ORDER (the lowest is asked first), `recognises(data, name) -> bool`, which judges by
content, and `parse(data, name) -> Parsed`. All of it works on bytes that somebody hostile may have made, so
it runs in the child process of child.py and imports no Django. A parser raises DocumentRefused with one of
REFUSALS; what else it raises ends the child and counts as `broken`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, cast

from research.errors import DocumentRefused

KINDS_TAKEN = "PDF, DOCX, HTML, Markdown, plain text and JSONL"
# Stable names: people script against them. What is said about each is for people.
REFUSALS = {
    "bad_row": "The row is not {_id, title, text}.",
    "broken": "The file is damaged. Open it elsewhere and save it anew.",
    "empty": "There is nothing in it.",
    "encrypted": "It is locked with a password. Save it without one.",
    "leads_outside": "It is a link out of the folder. Name the file itself.",
    "no_text": "There is no text in it; it may be scanned pictures.",
    "not_found": "There is no such file.",
    "too_large": "It is larger than the limits allow.",
    "too_much_memory": "Reading it takes more memory than is allowed.",
    "too_much_text": "It holds more text than is allowed.",
    "too_slow": "Reading it takes more time than is allowed.",
    "unknown_kind": f"This kind of file is not taken. Prowzi takes {KINDS_TAKEN}.",
    "unreadable": "It may not be read. Look at its permissions.",
    "unsupported_address": "Addresses come with a later version. Save the page as a file and add that.",
}
LONGEST_TEXT = 32 * 2**20  # bytes of UTF-8
LONGEST_TITLE = 500

_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL refuses NUL, UTF-8 lone surrogates


@dataclass(frozen=True)
class Parsed:
    title: str  # empty when the document names none
    text: str  # as `clean` leaves it
    metadata: dict[str, Any] = field(default_factory=dict)  # authors, year … as far as they stand in it
    pages: list[int] = field(default_factory=list)  # where each page starts in the text


class Parser(Protocol):
    ORDER: int

    def recognises(self, data: bytes, name: str) -> bool: ...

    def parse(self, data: bytes, name: str) -> Parsed: ...


def refuse(code: str, message: str = "") -> DocumentRefused:
    """The refusal to raise; the message defaults to what the code means."""
    return DocumentRefused(code, message or REFUSALS[code])


def clean(text: str) -> str:
    """The text as every database can keep it: one kind of line end, no NUL, no half characters."""
    return _NOT_TEXT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    return " ".join(clean(text).split())[:LONGEST_TITLE]


def suffix(name: str) -> str:
    """The name's ending in lower case, without the dot."""
    base = name.replace("\\", "/").rpartition("/")[2]
    return base.rpartition(".")[2].lower() if "." in base else ""


@lru_cache(maxsize=1)
def parsers() -> dict[str, Parser]:
    """Every parser by its kind, in the order in which they are asked."""
    modules = {each.name: import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)}
    found = {kind: cast(Parser, module) for kind, module in modules.items() if hasattr(module, "recognises")}
    return dict(sorted(found.items(), key=lambda item: (item[1].ORDER, item[0])))


def parse(data: bytes, name: str) -> tuple[str, Parsed]:
    """The kind, told by content, and what it holds. Raises DocumentRefused."""
    if not data.strip(b"\0\t\n\f\r \xef\xbb\xbf"):
        raise refuse("empty")
    for kind, parser in parsers().items():
        if parser.recognises(data, name):
            parsed = parser.parse(data, name)
            if not parsed.text.strip():
                raise refuse("no_text")
            return kind, parsed
    raise refuse("unknown_kind")
