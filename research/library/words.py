"""Words as search knows them: folded, stemmed, without stop words; pairs of letters in unspaced scripts.

Both databases index this stream of ours and none of theirs, so that they rank alike.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator

import Stemmer

LONGEST_WORD = 48  # letters that are looked at
_UNSPACED = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"  # Chinese, Japanese, Korean
    "\u0e00-\u0e7f\u0600-\u06ff\u0750-\u077f"  # Thai, Arabic
    "\U00020000-\U0003134f"
)
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*")
_PAIRED = re.compile(rf"[{_UNSPACED}]")
_ENGLISH = """
a about above after again against all also although am among an and any are as at be because been
before being below between both but by can could did do does doing down during each either few for from
further had has have having he her here hers herself him himself his how however i if in into is it its
itself just like may me might more most must my myself neither no nor not of off on once only or other
our ours out over own per rather same shall she should since so some such than that the their theirs
them themselves then there these they this those through thus to too under until up upon us very was we
were what when where whether which while who whom why will with within without would yet you your yours
yourself"""
# English alone: `die` or `war`, stop words elsewhere, are what an English question may be about.
STOP_WORDS = frozenset(_ENGLISH.split())
_local = threading.local()  # a stemmer must not be shared between threads


def words(text: str) -> list[str]:
    """The stream that is indexed and asked for, in order, repeats kept."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()
    return list(_features(_WORD.findall(folded)))


def _features(found: list[str]) -> Iterator[str]:
    stems = _stems()
    for word in found:
        if word in STOP_WORDS:
            continue
        if _PAIRED.match(word):
            yield from (word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            yield stems[word]


class _Stems(dict[str, str]):
    """Stems by word, remembered: a library has few words, many times."""

    most = 200_000

    def __init__(self) -> None:
        self.stemmer = Stemmer.Stemmer("english", 0)

    def __missing__(self, word: str) -> str:
        if len(self) >= self.most:
            self.clear()
        plain = word[:LONGEST_WORD].replace("’", "'").removesuffix("'s").replace("'", "")
        stem: str = self.stemmer.stemWord(plain) or plain
        self[word] = stem
        return stem


def _stems() -> _Stems:
    held: dict[str, _Stems] = _local.__dict__
    if "stems" not in held:
        held["stems"] = _Stems()
    return held["stems"]
