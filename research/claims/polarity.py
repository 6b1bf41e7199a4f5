"""Negation and direction: words that turn a sentence round while all others stay the same."""

from __future__ import annotations

import re
from functools import lru_cache

from research.claims.words import stem, tokens

_DENYING = """no not never none neither nor cannot without nothing nobody nowhere hardly scarcely barely fail
fails failed failing lack lacks lacked lacking absent absence unable unlikely unaffected ineffective
unchanged refute refutes refuted deny denies denied nicht kein keine keinen keiner nie ohne ne pas
jamais sans aucun aucune no nunca sin ningún ninguna non mai senza nessun nessuna não nunca sem
nenhum нет не никогда без ни لا لم لن ليس بدون"""
_NEGATIONS = frozenset(_DENYING.split())
_CHINESE_NEGATION = re.compile(
    "不(?!同|仅|断|但|过|管|久|少|只)|没有|没|无法|并非|未(?!来)|毫无|无需|ない|ません|なかっ"
)
_CONTRACTED = re.compile(r"n['’]t$")
_UP = """increase increased increases increasing rise rises rose rising risen grow grows grew growth growing
higher high more greater larger gain gains improve improves improved improvement better enhance
enhances enhanced raise raises raised promote promotes promoted accelerate accelerates accelerated
stimulate activates activate upregulated upregulate longer faster stronger above exceed exceeds
exceeded expand expands expanded strengthen elevated elevate"""
_DOWN = """decrease decreased decreases decreasing fall falls fell falling drop drops dropped decline declines
declined declining lower low less fewer smaller lose loses loss worsen worsens worsened worse reduce
reduces reduced reduction reducing inhibit inhibits inhibited suppress suppresses suppressed slow
slows slowed diminish diminished impair impairs impaired downregulated downregulate shorter slower
weaker below shrink shrinks shrank weaken attenuate attenuated prevents prevent prevented blocks
block blocked"""
_CHINESE = {
    "up": re.compile("增加|上升|提高|增长|升高|增强|改善|促进|扩大|加快"),
    "down": re.compile("减少|下降|降低|减弱|恶化|抑制|缩小|减缓|衰退"),
}


@lru_cache(maxsize=1)
def _direction_stems() -> dict[str, str]:
    up = {stem(word, "en"): "up" for word in _UP.split()}
    return {**up, **{stem(word, "en"): "down" for word in _DOWN.split()}}


def _stems(text: str) -> list[str]:
    """All stems: `more` and `less` are stop words elsewhere."""
    return [stem(token.text, "en") for token in tokens(text)]


@lru_cache(maxsize=8192)
def negations(text: str) -> int:
    found = sum(token.text in _NEGATIONS or bool(_CONTRACTED.search(token.text)) for token in tokens(text))
    return found + len(_CHINESE_NEGATION.findall(text))


@lru_cache(maxsize=8192)
def directions(text: str) -> frozenset[str]:
    table = _direction_stems()
    found = {table[word] for word in _stems(text) if word in table}
    return frozenset(found | {name for name, pattern in _CHINESE.items() if pattern.search(text)})


@lru_cache(maxsize=8192)
def direction_words(text: str) -> frozenset[str]:
    table = _direction_stems()
    latin = {word for word in _stems(text) if word in table}
    return frozenset(latin | {m.group() for p in _CHINESE.values() for m in p.finditer(text)})


def opposed(left: str, right: str) -> bool:
    """Whether one only goes up and the other only goes down."""
    pair = (directions(left), directions(right))
    return all(len(side) == 1 for side in pair) and pair[0] != pair[1]


def negated(left: str, right: str) -> bool:
    """Whether exactly one of the two is negated (two negations in one sentence cancel out)."""
    return negations(left) % 2 != negations(right) % 2
