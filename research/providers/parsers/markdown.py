"""Markdown is kept as it is written: its marks are few, and offsets stay those of the file."""

from __future__ import annotations

import re

from research.providers.parsers import Parsed, clean, one_line, refuse, suffix
from research.providers.parsers.text import decoded

ORDER = 40
SUFFIXES = {"md", "markdown", "mdown", "mkd"}
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_FIELD = re.compile(r"^(title|author|authors|date|year|url|doi):[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_HEADING = re.compile(r"^(?:#{1,2}[ \t]+(.+?)[ \t]*#*|(.+)\n=+)[ \t]*$", re.MULTILINE)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def recognises(data: bytes, name: str) -> bool:
    return suffix(name) in SUFFIXES and decoded(data) is not None


def parse(data: bytes, name: str) -> Parsed:
    given = decoded(data)
    if given is None:
        raise refuse("unknown_kind")
    text = clean(given)
    front = _FRONT.match(text)
    told = {key.lower(): value.strip(" \"'[]") for key, value in _FIELD.findall(front[1] if front else "")}
    body = text[front.end() :].lstrip("\n") if front else text
    heading = _HEADING.search(body[:20_000])
    title = told.get("title") or (heading[1] or heading[2] if heading else "")
    return Parsed(one_line(title), body, _metadata(told))


def _metadata(told: dict[str, str]) -> dict[str, object]:
    kept: dict[str, object] = {key: told[key] for key in ("url", "doi") if key in told}
    if authors := told.get("authors") or told.get("author"):
        kept["authors"] = [part.strip(" \"'") for part in authors.split(",") if part.strip(" \"'")]
    if year := _YEAR.search(told.get("year") or told.get("date") or ""):
        kept["year"] = int(year[0])
    return kept
