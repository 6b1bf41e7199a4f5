"""understand: the request as an Intent."""

from __future__ import annotations

import re

from research.artifacts import Intent
from research.assignments import PromptMaterial
from research.claims.wording import say
from research.claims.words import count_words
from research.offline.fields import field
from research.offline.key_phrases import entities, key_terms
from research.offline.language import detect
from research.offline.requests import kind, names_length, words

MOST_MISSING = 3
LONGEST_PROMPT = 20_000  # characters that are looked at

_PERIOD = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\b(?:century|current\w*|recent\w*|latest|today|now|last|past|future)\b"
    r"|年|目前|当前|近|未来|世纪",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:in|of|from|across) (?:the )?[A-Z]\w+|\b(?:world|global\w*|international\w*|country|countries)\b"
    r"|国|全球|世界|省|市|地区"
)
_READER = re.compile(
    r"\b(?:for (?:a|an|my|our|the)? ?\w+|as an? \w+|audience|readers?)\b|我是|面向|读者|作为", re.IGNORECASE
)
_WIDE_KINDS = ("report", "review", "plan", "comparison", "timeline")


def understand(material: PromptMaterial) -> Intent:
    prompt = material.prompt[:LONGEST_PROMPT]
    language, asked = detect(prompt), kind(prompt)
    terms = key_terms(prompt, language)
    return Intent(
        kind=asked,
        field=field(prompt, language),
        language=language,
        words=words(prompt, asked),
        terms=terms,
        entities=entities(prompt),
        missing=_missing(prompt, asked, language, has_terms=bool(terms)),
    )


def _missing(prompt: str, asked: str, language: str, *, has_terms: bool) -> list[str]:
    if not has_terms or count_words(prompt) < 2:
        return [say(language, "missing_subject")]
    if asked not in _WIDE_KINDS:
        return []
    checks = (
        ("missing_period", _PERIOD.search(prompt) is not None),
        ("missing_place", _PLACE.search(prompt) is not None),
        ("missing_length", names_length(prompt)),
        ("missing_reader", _READER.search(prompt) is not None),
    )
    return [say(language, key) for key, is_named in checks if not is_named][:MOST_MISSING]
