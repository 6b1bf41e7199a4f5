"""What kind of document a request asks for, and how long."""

from __future__ import annotations

import re

from research.claims.words import count_words

_KINDS = (  # the first that fits
    (
        "comparison",
        r"\b(?:compar\w+|versus|vs\.?|differences? between|pros and cons|better than)\b",
        "比较|对比|区别|优缺点|优劣",
    ),
    ("timeline", r"\b(?:timeline|chronolog\w+|history of|year by year)\b", "时间线|大事记|发展历程|历史沿革"),
    (
        "how-to",
        r"\b(?:how (?:to|do i|can i|should i)|step[- ]by[- ]step|guide|tutorial|instructions)\b",
        "如何(?:做|制作|操作|使用|提高|改善)|怎样才能|步骤|指南|教程",
    ),
    (
        "review",
        r"\b(?:literature review|systematic review|state of the art|survey of|review (?:of|the)|overview)\b",
        "综述|文献|研究现状|概述",
    ),
    ("plan", r"\b(?:plan|strategy|roadmap|itinerary|proposal)\b", "规划|方案|策略|计划"),
    (
        "list",
        r"\b(?:list|top \d+|examples of|name (?:the|all|some)|which \w+ are)\b",
        "列出|清单|有哪些|排名",
    ),
    (
        "report",
        r"\b(?:report|study|analy[sz]\w+|research|investigat\w+|assess\w*|evaluat\w+)\b",
        "报告|分析|研究|调研|调查|评估",
    ),
    (
        "explanation",
        r"\b(?:explain|describe|elaborate|discuss|tell me about|shed .{0,10}light)\b",
        "解释|说明|介绍|阐述",
    ),
)
KINDS = tuple((name, re.compile(f"{english}|{chinese}", re.IGNORECASE)) for name, english, chinese in _KINDS)
USUAL_WORDS = {
    "comparison": 900,
    "timeline": 700,
    "how-to": 700,
    "review": 1500,
    "plan": 1000,
    "list": 500,
    "report": 1200,
    "explanation": 700,
    "answer": 300,
}
WORDS_PER_PAGE = 400
FEWEST, MOST = 50, 20_000

_SPELLED = {word: n for n, word in enumerate(("zero", "one", "two", "three", "four", "five", "six"))}
_SPELLED |= {"seven": 7, "eight": 8, "nine": 9, "ten": 10, "a": 1, "an": 1}
_SPELLED |= {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "八": 8, "十": 10}
_AMOUNT = re.compile(
    r"(?<![a-z\d.])(?P<number>\d{1,3}(?:[,，]\d{3})+|\d{1,6}|" + "|".join(_SPELLED) + r")"
    r"\s*(?P<scale>k|thousand|hundred|千|万|百)?\s*[- ]?"
    r"(?P<unit>words?|pages?|字|词|页|w[oö]rter|seiten?|mots|palabras|páginas?|parole|pagine|palavras"
    r"|слов|страниц\w*)",
    re.IGNORECASE,
)
_SCALES = {"k": 1000, "thousand": 1000, "hundred": 100, "千": 1000, "万": 10000, "百": 100}
_PAGES = re.compile(r"pag|seit|页|стран|pág", re.IGNORECASE)
_SHORT = re.compile(
    r"\b(?:short|brief(?:ly)?|concise(?:ly)?|in a nutshell|one paragraph|summar(?:y|ise|ize))\b"
    r"|简短|简要|简单|简洁|一句话",
    re.IGNORECASE,
)
_LONG = re.compile(
    r"\b(?:detailed|in[- ]depth|comprehensive|thorough(?:ly)?|exhaustive|in detail|extensive)\b"
    r"|详细|深入|全面|详尽|系统地",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"[?？]|\b(?:who|what|when|where|which|why|how)\b|什么|谁|哪|何时|几|多少", re.IGNORECASE
)
SHORT_QUESTION = 45  # words up to which a plain question wants an answer, not a report


def kind(prompt: str) -> str:
    for name, pattern in KINDS:
        if pattern.search(prompt):
            return name
    is_plain = _QUESTION.search(prompt) is not None and count_words(prompt) <= SHORT_QUESTION
    return "answer" if is_plain or not prompt.strip() else "report"


def words(prompt: str, kind_asked: str) -> int:
    """The length asked for, in words (characters for Chinese); what is usual when none is."""
    asked = _AMOUNT.search(prompt)
    if asked:
        return max(FEWEST, min(MOST, _amount(asked)))
    usual = USUAL_WORDS.get(kind_asked, USUAL_WORDS["report"])
    if _LONG.search(prompt):
        return usual * 2
    return max(150, usual // 3) if _SHORT.search(prompt) else usual


def names_length(prompt: str) -> bool:
    return any(pattern.search(prompt) for pattern in (_AMOUNT, _SHORT, _LONG))


def _amount(match: re.Match[str]) -> int:
    raw = match["number"].lower()
    number = _SPELLED[raw] if raw in _SPELLED else int(re.sub(r"[,，]", "", raw))
    number *= _SCALES.get((match["scale"] or "").lower(), 1)
    return number * WORDS_PER_PAGE if _PAGES.search(match["unit"]) else number
