"""judge_sources: a source is relevant when its passages hold enough of what one query asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from research.assignments import JudgeMaterial, Judgements, SourceJudgement, SourceMaterial
from research.claims.wording import listed, say
from research.claims.words import content, generic_stems, is_stop_word, stem, tokens

ENOUGH = 0.5  # share of a query's telling words
ENOUGH_OF_MANY = 0.34  # of a query with more than MANY telling words
MANY = 6
MOST_SUBJECTS = 4  # terms of the request of which a source must name one
WHOLE = 0.6  # share of that term's words
MOST_NAMED = 5  # words that a reason lists


def judge_sources(material: JudgeMaterial) -> Judgements:
    return Judgements(judgements=[_judge(source, material) for source in material.sources])


def _judge(source: SourceMaterial, material: JudgeMaterial) -> SourceJudgement:
    language = material.language
    text = "\n".join([source.title, *(passage.text for passage in source.passages)])
    there = frozenset(content(text, language))
    queries = list(dict.fromkeys(p.query for p in source.passages if p.query)) or [" ".join(material.terms)]
    relevant = _names_subject(material.terms, there, language) and any(
        _covers(query, there, language) for query in queries
    )
    named = _named([*material.terms, *queries], there, language)
    return SourceJudgement(source=source.id, relevant=relevant, reason=_reason(relevant, named, language))


def _covers(query: str, there: frozenset[str], language: str) -> bool:
    asked = frozenset(content(query, language))
    asked = asked - generic_stems() or asked
    if not asked:
        return False
    held = len(asked & there)
    needed = (ENOUGH if len(asked) <= MANY else ENOUGH_OF_MANY) * len(asked)
    return held >= max(needed, min(2, len(asked)))


def _names_subject(terms: Sequence[str], there: frozenset[str], language: str) -> bool:
    """Whether one of the first terms of the request is there, nearly whole."""
    subjects = [frozenset(content(term, language)) for term in terms[:MOST_SUBJECTS]]
    subjects = [subject for subject in subjects if subject]
    return not subjects or any(len(s & there) >= WHOLE * len(s) for s in subjects)


def _reason(relevant: bool, named: list[str], language: str) -> str:
    if not named:
        return say(language, "refused_nothing")
    return say(
        language, "accepted" if relevant else "refused_off", terms=listed(language, named, quoted=True)
    )


def _named(texts: Sequence[str], there: frozenset[str], language: str) -> list[str]:
    """Telling words of the request that the source uses, as the request writes them."""
    if language in ("zh", "ja", "ko"):
        parts = [part for text in texts for part in text.split()]
        return _first(part for part in parts if set(content(part, language)) & there - generic_stems())
    words = [text[t.start : t.end] for text in texts for t in tokens(text) if not is_stop_word(t.text)]
    known = there - generic_stems()
    return _first(word for word in words if stem(word.casefold(), language) in known)


def _first(words: Iterable[str]) -> list[str]:
    unique: dict[str, str] = {}
    for word in words:
        unique.setdefault(word.casefold(), word)
    return list(unique.values())[:MOST_NAMED]
