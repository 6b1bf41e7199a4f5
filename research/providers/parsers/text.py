"""Plain text: UTF-8, UTF-16 with its mark, or Western European bytes when the name says text."""

from __future__ import annotations

import codecs
import json
import re

from research.providers.parsers import Parsed, clean, refuse, suffix

ORDER = 90  # last: text is what is left
SUFFIXES = {"", "txt", "text", "log", "rst", "org", "adoc", "tex"}
MOST_CONTROLS = 0.001  # share of control characters
MOST_HIGH_BYTES = 0.3  # share; above, the bytes are in another encoding than Western European
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_HIGH = re.compile(rb"[\x80-\xff]")
_MARKUP = re.compile(r"\s*<(?:\?xml|!doctype|svg)", re.IGNORECASE)
_KNOWN_ENDING = re.compile(r"[a-z0-9]{1,8}")


def recognises(data: bytes, name: str) -> bool:
    ending = suffix(name)
    if ending not in SUFFIXES and _KNOWN_ENDING.fullmatch(ending):
        return False  # the name promises something else, such as csv
    text = decoded(data)
    return text is not None and not _MARKUP.match(text) and not _is_json(text)


def parse(data: bytes, name: str) -> Parsed:
    text = decoded(data)
    if text is None:
        raise refuse("unknown_kind")
    return Parsed("", clean(text))


def decoded(data: bytes) -> str | None:
    """The bytes as text; None when they are none."""
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        text = "" if marked else _western(data)
    return text if text and len(_CONTROLS.findall(text)) <= MOST_CONTROLS * len(text) else None


def _western(data: bytes) -> str:
    if len(_HIGH.findall(data)) > MOST_HIGH_BYTES * len(data):
        return ""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return ""


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
