"""Key terms and names in a request: runs of telling words, weighed by how connected they are (RAKE)."""

from __future__ import annotations

import re
from collections import Counter

from research.claims.words import Token, generic_stems, is_stop_word, stem, tokens

LONGEST_TEXT = 20_000  # characters that are looked at
LONGEST_PHRASE = 4  # words, or twice as many characters in a script without spaces
LONGEST_CHINESE = 8

_ACRONYM = re.compile(r"\b(?:[A-Z][A-Z0-9&-]{1,9}|[A-Z]\.(?:[A-Z]\.)+)(?![a-z])")
_NAME = re.compile(r"\b[A-Z][\w'’-]{1,30}(?: (?:(?:of|the|de|van|von) )?[A-Z][\w'’-]{0,30}){0,4}")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n][\"'”’)]?)\s*$")
_QUOTED = re.compile(r"《([^《》]{1,60})》|“([^“”]{2,60})”|\"([^\"\n]{2,60})\"|‘([^‘’]{3,60})’")
_CHINESE_STOPS = re.compile(
    "为什么|是什么|有哪些|哪一个|哪些|哪个|怎么样|如何|怎样|怎么|什么|是否|以及|或者|还是|并且|而且|但是|因此|所以|因为|如果|虽然"
    "|通过|关于|对于|根据|按照|可以|能够|应该|需要|进行|我们|你们|他们|这些|那些|这个|那个|一个|一种|一些|目前|其中|有关|相关"
    "|方面|帮我|为我|不同|之间|具体|请|收集|整理|分析|研究|调研|撰写|写一篇|一篇|报告|介绍|详细|总结|给出|提供|结合|例如|比如|包括|特别"
    "|[的了和与及或在是对于为以被把从到向由这那该此且而但也都就还又很更最等之吗呢吧啊我你他她它您]"
)
_CHINESE_RUN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+")
_JAPANESE_RUN = re.compile("[\u4e00-\u9fff々]{2,}|[\u30a1-\u30fa\u30fc]{2,}")


def key_terms(text: str, language: str, *, most: int = 12) -> list[str]:
    """The most telling terms, as they are written in the text."""
    looked_at = text[:LONGEST_TEXT]
    phrases = _phrases(looked_at, language)
    scores = _scores(phrases, language)
    first = {phrase.casefold(): (position, phrase) for position, phrase in reversed(list(enumerate(phrases)))}
    ranked = sorted(first, key=lambda key: (-scores[key], first[key][0]))
    return without_parts([first[key][1] for key in ranked])[:most]


def entities(text: str, *, most: int = 12) -> list[str]:
    """Names: quoted titles, acronyms, capitalised words inside a sentence."""
    looked_at = text[:LONGEST_TEXT]
    quoted = [group for match in _QUOTED.finditer(looked_at) for group in match.groups() if group]
    named = [_name(match, looked_at) for match in _NAME.finditer(looked_at)]
    found = [name.strip(" .,;") for name in (*quoted, *_ACRONYM.findall(looked_at), *named)]
    return without_parts(list(dict.fromkeys(name for name in found if len(name) > 1)))[:most]


def _name(match: re.Match[str], text: str) -> str:
    """The capitalised run without the word that is capitalised only because it opens a sentence."""
    words = match.group().split()
    opens = _SENTENCE_START.search(text[max(0, match.start() - 4) : match.start()]) is not None
    if opens or is_stop_word(words[0].casefold()):
        words = words[1:]
    return " ".join(words)


def _phrases(text: str, language: str) -> list[str]:
    if language == "ja":
        return _JAPANESE_RUN.findall(text) + _latin_phrases(text)
    if language == "zh":
        return _chinese_phrases(text) + _latin_phrases(text)
    return _latin_phrases(text)


def _chinese_phrases(text: str) -> list[str]:
    found: list[str] = []
    for run in _CHINESE_RUN.findall(text):
        found += [part for part in _CHINESE_STOPS.split(run) if part and len(part) <= LONGEST_CHINESE]
    return [part for part in found if len(part) > 1] or found  # one character only when there is no better


def _latin_phrases(text: str) -> list[str]:
    """Runs of words between stop words and punctuation."""
    phrases: list[str] = []
    run: list[Token] = []
    for token in tokens(text):
        joined = not run or text[run[-1].end : token.start] in (" ", "-", "  ", "\n")
        if not joined or _ends_phrase(token):
            phrases += _cut(text, run)
            run = []
        if not _ends_phrase(token):
            run.append(token)
    return phrases + _cut(text, run)


def _ends_phrase(token: Token) -> bool:
    return is_stop_word(token.text) or (token.is_unspaced and not "가" <= token.text <= "힣")


def _cut(text: str, run: list[Token]) -> list[str]:
    """A run as phrases of at most LONGEST_PHRASE words, generic words at its ends taken off."""
    while run and (_is_generic(run[0]) or (run[0].text.isdigit() and len(run) == 1)):
        run = run[1:]
    while run and _is_generic(run[-1]):
        run = run[:-1]
    if not run or (len(run) == 1 and len(run[0].text) < 2):
        return []
    parts = [run[i : i + LONGEST_PHRASE] for i in range(0, len(run), LONGEST_PHRASE)]
    return [" ".join(text[part[0].start : part[-1].end].split()) for part in parts]


def _is_generic(token: Token) -> bool:
    return stem(token.text, "en") in generic_stems()


def _scores(phrases: list[str], language: str) -> Counter[str]:
    """Degree of each word over its frequency, summed over the phrase; what is said twice counts more."""
    split = [[stem(token.text, language) for token in tokens(phrase)] for phrase in phrases]
    frequency = Counter(word for words in split for word in words)
    degree: Counter[str] = Counter()
    for words in split:
        for word in words:
            degree[word] += min(len(words), LONGEST_PHRASE)
    scores: Counter[str] = Counter()
    for phrase, words in zip(phrases, split, strict=True):
        weight = sum(degree[word] / frequency[word] for word in words) / max(1, len(words)) ** 0.5
        scores[phrase.casefold()] = max(
            scores[phrase.casefold()], round(weight + frequency[words[0]] - 1 if words else 0)
        )
    return scores


def without_parts(ranked: list[str]) -> list[str]:
    """Without terms that a better one holds already."""
    kept: list[str] = []
    for term in ranked:
        if not any(f" {term.casefold()} " in f" {other.casefold()} " for other in kept):
            kept.append(term)
    return kept
