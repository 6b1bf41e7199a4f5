"""Words, stems and stop words. Scripts without spaces are read as single characters and as pairs."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import Stemmer

from research.claims.stopwords import GENERIC, STOP_WORDS

_UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*")
_UNSPACED_LETTER = re.compile(rf"[{_UNSPACED}]")
_SNOWBALL = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "ru": "russian",
    "ar": "arabic",
}
_local = threading.local()  # PyStemmer objects must not be shared between threads


@dataclass(frozen=True, slots=True)
class Token:
    text: str  # case-folded
    start: int
    end: int

    @property
    def is_unspaced(self) -> bool:
        return _UNSPACED_LETTER.match(self.text) is not None


def tokens(text: str) -> list[Token]:
    return [Token(m.group().casefold(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def count_words(text: str) -> int:
    """Words as people count them; characters where a script has no spaces, as in Chinese."""
    return sum(1 for _ in _TOKEN.finditer(text))


def is_unspaced(text: str) -> bool:
    """Whether most of the text is Chinese, Japanese or Korean."""
    letters = len(_UNSPACED_LETTER.findall(text))
    return letters > 0 and letters * 2 > len(_TOKEN.findall(text))


@lru_cache(maxsize=65536)
def stem(word: str, language: str) -> str:
    name = _SNOWBALL.get(language, "english")
    stemmers: dict[str, Stemmer.Stemmer] = _local.__dict__.setdefault("stemmers", {})
    if name not in stemmers:
        stemmers[name] = Stemmer.Stemmer(name)
    return str(stemmers[name].stemWord(word.replace("’", "'").removesuffix("'s")))


def is_stop_word(word: str) -> bool:
    return word in STOP_WORDS


def content(text: str, language: str = "en") -> list[str]:
    """The telling parts of a text in order: stems without stop words, and character pairs."""
    return list(_features(tokens(text), language))


def telling(text: str, language: str = "en") -> frozenset[str]:
    """Like `content`, without words that any question may use, such as `effect` or `report`."""
    return frozenset(content(text, language)) - generic_stems()


@lru_cache(maxsize=1)
def generic_stems() -> frozenset[str]:
    found = {stem(word, "en") for word in GENERIC if word.isascii()}
    return frozenset(found | {word for word in GENERIC if not word.isascii()})


def _features(words: list[Token], language: str) -> Iterable[str]:
    for token, following in pairwise([*words, Token("", -1, -1)]):
        if not token.is_unspaced:
            if token.text not in STOP_WORDS:
                yield stem(token.text, language)
        elif following.start == token.end and following.is_unspaced:
            pair = token.text + following.text
            if pair not in STOP_WORDS and not (token.text in STOP_WORDS and following.text in STOP_WORDS):
                yield pair
