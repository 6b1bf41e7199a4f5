"""plan: the request's own questions first, then the parts that its kind of document usually has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from research.artifacts import Intent, Plan, PlannedSection
from research.assignments import PlanMaterial
from research.claims.closed_world import without_references
from research.claims.folding import clean
from research.claims.splitting import sentences
from research.claims.words import content, generic_stems, is_stop_word, stem, telling, tokens
from research.offline.facets import Facet, facets
from research.offline.key_phrases import key_terms, without_parts

LONGEST_PROMPT = 20_000  # characters that are looked at
LONGEST_TITLE = 110  # characters
LONGEST_HEADING = 80
LONGEST_QUESTION = 300
FEWEST_QUERY_WORDS, MOST_QUERY_WORDS = 3, 8
MOST_FIRST_QUERY_WORDS = 20
USUAL_SECTIONS = 4

_POLITE = re.compile(
    r"^(?:(?:please|kindly|hi|hello|hey)[,!. ]+)*(?:(?:can|could|would|will) you (?:please )?)?"
    r"(?:(?:i (?:want|need|would like) you to|help me(?: to)?) )?"
    r"(?:(?:please )?(?:write|prepare|produce|create|draft|conduct|provide|give me|make)(?: me| us)? "
    r"(?:an?|the|some)? ?(?:[\w-]+ ){0,3}?"
    r"(?:report|study|review|analysis|overview|summary|essay|paper|comparison|timeline|list|guide|answer)"
    r"(?: (?:on|of|about|for|regarding|comparing|between|that))? ?(?:and prepare a report on )?"
    r"|(?:research|explain|describe|discuss|summari[sz]e|investigate|analy[sz]e|explore|elaborate on"
    r"|delve into|tell me about|shed (?:some |more )?light on)(?: for me| to me)? )",
    re.IGNORECASE,
)
_POLITE_CHINESE = re.compile(
    "^(?:请|麻烦)?(?:你)?(?:帮我|为我|给我|替我)?"
    "(?:收集整理|收集|整理|调研|撰写|写一[篇份]|研究一?下?|分析一?下?|介绍一?下?|总结一?下?)?(?:有关|关于|一下)?"
)
_CLAUSE = re.compile(
    r"\s*[,;:–—]?\s+(?=(?:(?:and|or|but)\s+)?(?:how|what|why|when|where|who|which|whether)\b)"
    r"|[,;]\s*(?:including|such as|with (?:a )?focus on|focusing on)\s+|;\s+",
    re.IGNORECASE,
)
_CHINESE_CLAUSE = re.compile(
    "[，,；;、](?=(?:以及|并|并且|同时|还有|特别)?"
    "(?:如何|为什么|为何|哪些|什么|是否|怎样|怎么|分析|比较|对比|研究|评估|探讨|总结|预测|给出|提出|说明))"
)
_QUESTION = re.compile(
    r"[?？]|^(?:how|what|why|when|where|who|which|whether)\b|如何|什么|为何|哪|是否|怎", re.IGNORECASE
)
_ASKS = re.compile(r"(?:how|what|why|when|where|who|which)\b", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:and|or|but|also|then|if so|finally|in particular)[, ]+|^(?:以及|并且|并|同时|还有|另外|特别)",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.)、．]|[一二三四五六七八九十][、.])\s*")
_VERSUS = re.compile(
    r"(?:compare|comparison (?:of|between)|differences? between)\s+(?P<left>.{2,60}?)"
    r"\s+(?:and|with|to|versus|vs\.?)\s+"
    r"(?P<right>.{2,60}?)(?=[,.;?!]|\s(?:in|for|on|with|regarding|by|as)\b|$)"
    r"|(?P<a>[\w+#-]{1,40}(?: [\w+#-]{1,40}){0,2}) (?:vs\.?|versus) "
    r"(?P<b>[\w+#-]{1,40}(?: [\w+#-]{1,40}){0,2})",
    re.IGNORECASE,
)
_FEWEST_TELLING = 2  # telling words (or character pairs) that a clause needs to be a question of its own


@dataclass(frozen=True)
class Asked:
    """One part of the request."""

    heading: str
    question: str
    query: str


def plan(material: PlanMaterial) -> Plan:
    lines = [line for line in map(clean, material.prompt[:LONGEST_PROMPT].splitlines()) if line]
    prompt = without_references(" ".join(lines))
    intent, (fewest, most) = material.intent, material.sections
    title = _title(prompt, intent)
    topic = _topic(intent, title)
    parts = _own_parts(lines, intent, topic)
    usual = fewest if intent.kind == "answer" or len(parts) > 1 else USUAL_SECTIONS
    wanted = min(most, max(fewest, len(parts), usual))
    parts = _distinct(
        [*parts[:wanted], *(_from_facet(f, topic) for f in facets(intent.kind, intent.language))]
    )[:wanted]
    return Plan(title=title, sections=_sections(parts, prompt, intent))


def _title(prompt: str, intent: Intent) -> str:
    pieces = sentences(prompt)
    first = pieces[0].text if pieces else ""
    bare = (
        _POLITE_CHINESE.sub("", _POLITE.sub("", first, count=1), count=1).strip(" '\"“”‘’，,：:。.") or first
    )
    return (
        _shortened(_capitalised(bare), LONGEST_TITLE) or ", ".join(intent.terms[:3]) or first[:LONGEST_TITLE]
    )


def _topic(intent: Intent, title: str) -> str:
    """A few words that stand for the whole request."""
    named = [term for term in (*intent.entities[:1], *intent.terms) if telling(term, intent.language)]
    return " ".join(without_parts(named)[:2]) or " ".join(intent.terms[:2]) or title


def _own_parts(lines: list[str], intent: Intent, topic: str) -> list[Asked]:
    compared = _compared(" ".join(lines), intent)
    clauses = [clause for line in lines for clause in _clauses(line, intent.language)]
    clauses = [c for c in clauses if not c.rstrip().endswith((":", "："))] or clauses
    asked = [a for clause in clauses if (a := _asked(clause, intent, topic)) is not None]
    return _distinct([*compared, *asked])


def _clauses(line: str, language: str) -> list[str]:
    pattern = _CHINESE_CLAUSE if language == "zh" else _CLAUSE
    texts = [piece.text for piece in sentences(_BULLET.sub("", line))]
    return [part for text in texts for part in _without_lead([p for p in pattern.split(text) if p])]


def _without_lead(parts: list[str]) -> list[str]:
    """What comes before two or more questions only names their subject."""
    return parts[1:] if len(parts) > 2 and not _QUESTION.search(parts[0]) else parts


def _asked(clause: str, intent: Intent, topic: str) -> Asked | None:
    bare = without_references(_LEADING.sub("", clause.strip(" ,;，；")))
    bare = _POLITE_CHINESE.sub("", _POLITE.sub("", bare, count=1), count=1) or bare
    is_question = _QUESTION.search(bare) is not None
    if len(telling(bare, intent.language)) < _FEWEST_TELLING and not (is_question and content(bare)):
        return None
    question = _shortened(_capitalised(bare.strip()), LONGEST_QUESTION)
    if _ASKS.match(question) and question[-1].isalnum():
        question += "?"
    query = _query(bare, intent.language)
    return Asked(_shortened(question.rstrip("。.，,"), LONGEST_HEADING), question, query or topic)


def _compared(prompt: str, intent: Intent) -> list[Asked]:
    match = _VERSUS.search(prompt)
    if match is None or intent.language != "en":
        return []
    sides = [without_references(side) for side in match.groups() if side]
    sides = [side for side in sides if side]
    single = [Asked(_capitalised(side), f"What do the sources say about {side}?", side) for side in sides]
    both = " and ".join(sides)
    return [*single, Asked(f"{_capitalised(both)} compared", f"How do {both} differ?", " ".join(sides))]


def _from_facet(facet: Facet, topic: str) -> Asked:
    return Asked(facet.heading, facet.question.format(topic=topic), f"{topic} {facet.words}")


def _distinct(parts: list[Asked]) -> list[Asked]:
    """Without parts that ask the same in the same words."""
    kept: dict[str, Asked] = {}
    for part in parts:
        kept.setdefault(
            " ".join(sorted({t.text for t in tokens(part.question) if not is_stop_word(t.text)})), part
        )
    unique = {part.heading.casefold(): part for part in reversed(kept.values())}
    return [part for part in kept.values() if unique[part.heading.casefold()] is part]


def _sections(parts: list[Asked], prompt: str, intent: Intent) -> list[PlannedSection]:
    whole = _query(prompt, intent.language, most=MOST_FIRST_QUERY_WORDS)
    topic = _topic(intent, "")
    sections: list[PlannedSection] = []
    for index, part in enumerate(parts):
        with_topic = part.query if _mentions(part.query, topic, intent.language) else f"{topic} {part.query}"
        queries = [with_topic, *([whole] if index == 0 else [])]
        unique = list(dict.fromkeys(q.strip() for q in queries if q.strip())) or [part.question]
        sections.append(PlannedSection(heading=part.heading, question=part.question, queries=unique))
    return sections


def _mentions(query: str, topic: str, language: str) -> bool:
    """Whether a query can stand alone: without its subject it would find anything."""
    subject = set(content(topic, language))
    return 2 * len(subject & set(content(query, language))) >= len(subject)


def _query(text: str, language: str, *, most: int = MOST_QUERY_WORDS) -> str:
    """The telling words of the text in their order; terms where a script has no spaces."""
    if language in ("zh", "ja"):
        return " ".join(key_terms(text, language, most=max(3, most // 2)))
    found = [t for t in tokens(text) if not is_stop_word(t.text)]
    specific = [t for t in found if stem(t.text, "en") not in generic_stems()]
    kept = specific if len(specific) >= FEWEST_QUERY_WORDS else found
    words = [text[t.start : t.end] for t in kept]
    return " ".join(list(dict.fromkeys(words))[:most])


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    cut = text[:longest].rsplit(" ", 1)[0] if " " in text[longest // 2 : longest] else text[:longest]
    return cut.rstrip(" ,;:，；、") + " …"


def _capitalised(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:]
