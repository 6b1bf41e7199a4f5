"""Passages: slices of the kept text, cut at paragraph and sentence ends. Offsets count code points."""

from __future__ import annotations

import re
from collections.abc import Iterator

TARGET = 1000  # characters: about what one thought takes
LONGEST = 2000

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=\S)|(?<=[。！？])")

Span = tuple[int, int]


def cut(text: str) -> list[Span]:
    """Spans in order, without overlap, that together hold every character that is not white space."""
    return list(
        _pack(
            text, [piece for part in _split(text, _PARAGRAPH, 0, len(text)) for piece in _pieces(text, part)]
        )
    )


def _split(text: str, border: re.Pattern[str], start: int, end: int) -> Iterator[Span]:
    at = start
    for match in border.finditer(text, start, end):
        if match.start() > at or match.end() > at:
            yield from _trimmed(text, at, match.start() if match.group().strip() == "" else match.end())
            at = match.end()
    yield from _trimmed(text, at, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def _pieces(text: str, paragraph: Span) -> Iterator[Span]:
    """A paragraph that fits stays whole; a longer one falls into sentences, a longer sentence into words."""
    if paragraph[1] - paragraph[0] <= TARGET:
        yield paragraph
        return
    for sentence in _split(text, _SENTENCE, *paragraph):
        yield from _hard(text, *sentence)


def _hard(text: str, start: int, end: int) -> Iterator[Span]:
    while end - start > TARGET:
        border = text.rfind(" ", start + TARGET // 2, start + TARGET)
        stop = border if border > start else start + TARGET
        yield from _trimmed(text, start, stop)
        start = stop
    yield from _trimmed(text, start, end)


def _pack(text: str, pieces: list[Span]) -> Iterator[Span]:
    """Neighbours together while they stay near the target."""
    current: Span | None = None
    for start, end in pieces:
        if current is not None and end - current[0] <= TARGET:
            current = (current[0], end)
            continue
        if current is not None:
            yield current
        current = (start, end)
    if current is not None:
        yield current
