"""Texts as people see them: invisible characters out, white space single, quotes and dashes alike."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE_RANGES = (
    (0x00, 0x08),
    (0x0E, 0x1F),
    (0x7F, 0x84),
    (0x86, 0x9F),
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),  # lone surrogates cannot be written as UTF-8
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE01EF),
)
_INVISIBLE = re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _INVISIBLE_RANGES) + "]")
_SAME: dict[int, str] = {
    **dict.fromkeys(map(ord, "“”„‟«»″＂"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛′`´"), "'"),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
    ord("ﬁ"): "fi",
    ord("ﬂ"): "fl",
    ord("ﬀ"): "ff",
    ord("ﬃ"): "ffi",
    ord("ﬄ"): "ffl",
}
_SPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """The text in one line without characters that cannot be seen."""
    return _SPACE.sub(" ", _INVISIBLE.sub("", text)).strip()


def fold(text: str) -> str:
    """The form in which two spellings of the same quotation are equal."""
    return clean(text).translate(_SAME)


def projected(text: str) -> str:
    """Compatibility letters as plain ones, one for one, so that offsets stay true."""
    if text.isascii():
        return text
    return "".join(_plain_letter(letter) for letter in text)


def _plain_letter(letter: str) -> str:
    plain = letter if letter.isascii() else unicodedata.normalize("NFKC", letter)
    return plain if len(plain) == 1 else letter


def locate(quotation: str, text: str) -> tuple[int, int] | None:
    """Where the quotation stands in the text, as offsets into the text as it was kept."""
    exact = text.find(quotation)
    if exact >= 0 and quotation:
        return exact, exact + len(quotation)
    wanted = fold(quotation)
    at = fold(text).find(wanted)
    if at < 0 or not wanted:
        return None
    offsets = _offsets(text)
    return offsets[at], offsets[at + len(wanted) - 1] + 1


def _offsets(text: str) -> list[int]:
    """For every character of fold(text) the offset it came from."""
    found: list[int] = []
    spaced = True  # leading white space is dropped
    for offset, letter in enumerate(text):
        if _INVISIBLE.match(letter):
            continue
        if letter.isspace():
            if not spaced:
                found.append(offset)
            spaced = True
            continue
        spaced = False
        found.extend([offset] * len(letter.translate(_SAME)))
    return found
