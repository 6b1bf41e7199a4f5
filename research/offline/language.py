"""Which language a text is in, by its script and, among Latin ones, by its most frequent words."""

from __future__ import annotations

import re

LONGEST = 20_000  # characters that are looked at
HAN_PER_WORD = 1.6  # Chinese characters that weigh as much as one Latin word

_SCRIPTS = {
    "kana": re.compile("[\u3040-\u30ff]"),
    "hangul": re.compile("[\uac00-\ud7af]"),
    "han": re.compile("[\u3400-\u4dbf\u4e00-\u9fff]"),
    "arabic": re.compile("[\u0600-\u06ff]+"),
    "cyrillic": re.compile("[\u0400-\u04ff]+"),
    "latin": re.compile("[A-Za-z\u00c0-\u024f]+"),
}
_FREQUENT = {
    "en": "the of and to in is that for it with as on are this be by was what how which from or an "
    "a i you do does can should would could have has if they when why who not your at but we so",
    "de": "der die das und ist nicht ein eine zu mit von den wie für auf dem sich auch wird sind des im",
    "fr": "le la les des et est une un du que dans "
    "pour qui sur au pas par avec sont quels quelles comment en",
    "es": "el la los las de y que en un una es por con para del se cómo qué cuáles son al como",
    "it": "il la di che e un una per in del della le gli sono con come quali è nel dei alla i",
    "pt": "o a os as de e que em um uma do da para com não como quais são no na dos é",
}
_FREQUENT_WORDS = {language: frozenset(words.split()) for language, words in _FREQUENT.items()}


def detect(text: str) -> str:
    """en zh ja ko ar ru de fr es it pt; en when nothing tells."""
    looked_at = text[:LONGEST]
    counts = {script: len(pattern.findall(looked_at)) for script, pattern in _SCRIPTS.items()}
    latin = counts["latin"]
    if counts["kana"] > 0 and counts["kana"] * 5 > counts["han"] and counts["kana"] + counts["han"] > latin:
        return "ja"
    if counts["hangul"] > 2 * latin:
        return "ko"
    if counts["han"] > HAN_PER_WORD * latin:
        return "zh"
    if counts["arabic"] > latin:
        return "ar"
    return "ru" if counts["cyrillic"] > latin else _latin(looked_at)


def _latin(text: str) -> str:
    words = [word.lower() for word in _SCRIPTS["latin"].findall(text)]
    scores = {
        language: sum(word in frequent for word in words) for language, frequent in _FREQUENT_WORDS.items()
    }
    best = max(scores, key=lambda language: (scores[language], language == "en"))
    return best if scores[best] > max(1, scores["en"]) else "en"
