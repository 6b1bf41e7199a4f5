"""Numbers, dates and units in a text, in one canonical form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from research.claims.folding import projected
from research.claims.words import is_stop_word, stem

_SPELLED_OUT = """zero one two three four five six seven eight nine ten eleven twelve"""
_WORDS = {
    word: str(value)
    for value, word in enumerate(_SPELLED_OUT.split())
    if value > 1  # "one" is mostly a pronoun
}
_SCALES = {
    "thousand": 3,
    "million": 6,
    "billion": 9,
    "trillion": 12,
    "mn": 6,
    "bn": 9,
    "万": 4,
    "亿": 8,
    "千": 3,
    "百万": 6,
}
_UNITS = {
    "%": "%",
    "percent": "%",
    "per cent": "%",
    "percentage points": "%pt",
    "°c": "°c",
    "℃": "°c",
    "degrees": "°",
    "kilometres": "km",
    "kilometers": "km",
    "metres": "m",
    "meters": "m",
    "kilograms": "kg",
    "grams": "g",
    "milligrams": "mg",
    "hours": "h",
    "hour": "h",
    "hrs": "h",
    "minutes": "min",
    "minute": "min",
    "dollars": "$",
    "usd": "$",
    "euros": "€",
    "eur": "€",
}
_MEASURES = """% $ € £ ¥ kg g mg µg km m cm mm nm l ml kw mw gw kwh mwh gwh twh w v hz"""
# Units of measures; every other unit is the stem of a counted thing.
MEASURES = frozenset({*_UNITS.values(), *_MEASURES.split()})
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+−]?)(?P<money>[$€£¥]?)\s?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:[ -]?(?P<scale>thousand|million|billion|trillion|mn\b|bn\b|百万|万|亿|千))?"
    r"(?:\s?(?P<unit>%|percentage points|per ?cent|°\s?c|°|[a-z]+/[a-z]+|[^\W\d_]+))?",
    re.IGNORECASE,
)
_SPELLED = re.compile(r"\b(?P<number>" + "|".join(_WORDS) + r")\b[ -]?(?P<unit>[^\W\d_]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figure:
    value: str  # canonical decimal without trailing zeros
    unit: str  # canonical unit, or the stem of the word that follows; may be empty

    @property
    def is_year(self) -> bool:
        return not self.unit.startswith(("%", "$", "€")) and bool(
            re.fullmatch(r"(?:1[5-9]|20)\d\d", self.value)
        )


@lru_cache(maxsize=8192)
def figures(text: str) -> tuple[Figure, ...]:
    """All numbers of the text, digits first, then those written as words."""
    plain = projected(text)
    found = [_figure(match) for match in _NUMBER.finditer(plain)]
    spelled = [Figure(_WORDS[m["number"].lower()], _unit(m["unit"] or "")) for m in _SPELLED.finditer(plain)]
    return tuple(found + spelled)


def _figure(match: re.Match[str]) -> Figure:
    shift = _SCALES.get((match["scale"] or "").lower(), 0)
    value = _scaled(match["number"].replace(",", ""), shift)
    sign = "-" if match["sign"] in ("-", "−") else ""
    return Figure(sign + value, match["money"] or _unit(match["unit"] or ""))


def _scaled(number: str, shift: int) -> str:
    whole, _, fraction = number.partition(".")
    fraction = fraction.ljust(shift, "0")
    whole, fraction = whole + fraction[:shift], fraction[shift:].rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def _unit(word: str) -> str:
    low = word.lower().replace("percent", "per cent").replace("° ", "°")
    if low in _UNITS:
        return _UNITS[low]
    return "" if is_stop_word(low) else stem(low, "en")


def values(text: str) -> list[str]:
    """Every number as often as it stands there, without its sign: a dash before it may be a range."""
    return [figure.value.lstrip("-") for figure in figures(text)]
