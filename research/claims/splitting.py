"""Sentences with exact offsets, in scripts with and without spaces. One pass, whatever the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHORT_FORMS = """
dr mr mrs ms prof st vs etc e.g i.e cf fig figs eq eqs ref refs no nos vol pp p ed eds al approx ca
dept est inc ltd co corp jr sr gen col sgt u.s u.k jan feb mar apr jun jul aug sep sept oct nov dec
resp incl bzw z.b d.h usw ca nr bspw env m. ph.d"""
_ABBREVIATIONS = frozenset(_SHORT_FORMS.split())
_END = re.compile(
    r"[.!?…؟۔]+[\"'”’»)\]]*(?=\s|$)|[。！？｡]+[”’」』）】\"']*|\n[ \t]*\n|\n(?=[ \t]*(?:[-*•#|>]|\d+[.)]\s))"
)
_LAST_WORD = re.compile(r"(\S+)$")
_OPENS_LOWER = re.compile(r"\s*[\"'“‘(\[]?[a-zà-öø-ÿ]")


@dataclass(frozen=True, slots=True)
class Piece:
    start: int
    end: int
    text: str


def sentences(text: str) -> list[Piece]:
    pieces: list[Piece] = []
    start = 0
    for match in _END.finditer(text):
        if _goes_on(text, match):
            continue
        _add(pieces, text, start, match.end())
        start = match.end()
    _add(pieces, text, start, len(text))
    return pieces


def _add(pieces: list[Piece], text: str, start: int, end: int) -> None:
    raw = text[start:end]
    kept = raw.strip()
    if kept:
        first = start + len(raw) - len(raw.lstrip())
        pieces.append(Piece(first, first + len(kept), kept))


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """Whether the full stop belongs to an abbreviation or the sentence plainly continues."""
    mark = match.group()
    if mark[0] not in ".…":
        return False
    if _OPENS_LOWER.match(text[match.end() : match.end() + 4]):
        return True
    if mark != ".":
        return False
    word = _LAST_WORD.search(text[max(0, match.start() - 20) : match.start()])
    last = word.group(1).lstrip("(\"'“‘[") if word else ""
    return last.lower() in _ABBREVIATIONS or (len(last) == 1 and last.isupper())
