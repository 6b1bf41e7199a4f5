"""The pages of docs/ that the site shows."""

from __future__ import annotations

import re
from functools import lru_cache

from django.conf import settings


@lru_cache(maxsize=1)
def _problems() -> dict[str, list[str]]:
    """docs/problems.md: one section for each code, its paragraphs as plain text."""
    text = (settings.BASE_DIR / "docs" / "problems.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    pairs = (section.partition("\n") for section in sections)
    return {
        head.strip(): [part.strip() for part in body.split("\n\n") if part.strip()] for head, _, body in pairs
    }


def problem(code: str) -> list[str] | None:
    """The paragraphs about a problem's code, or None where there is no such code."""
    return _problems().get(code)
