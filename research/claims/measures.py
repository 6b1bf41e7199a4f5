"""The separate measures of a draft. They are never summed into one grade."""

from __future__ import annotations

import re
from collections.abc import Sequence

from research.artifacts import Claim, Draft, Measure, Plan, Verdict, Verification
from research.claims.ledger import everything
from research.claims.origins import count_origins
from research.claims.words import count_words, is_unspaced

_VOWELS = re.compile(r"[aeiouy]+")
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")


def measure(
    draft: Draft, claims: Sequence[Claim], *, plan: Plan, verification: Verification, asked: int
) -> list[Measure]:
    cited = {span.source for claim in claims for span in claim.spans}
    sources = [source for source in verification.sources if source.id in cited]
    return [
        _coverage(plan, claims),
        _support(claims),
        Measure(
            name="sources_cited",
            value=float(len(sources)),
            unit="count",
            says="Sources that the text rests on.",
        ),
        Measure(
            name="diversity",
            value=float(count_origins(sources)),
            unit="count",
            says="Independent origins among them; near copies count once.",
        ),
        _readability(draft),
        _quotation_share(draft),
        _length(draft, asked),
    ]


def flesch(sentences: Sequence[str]) -> float:
    """Flesch reading ease of English text: 100 is very easy, 0 very hard."""
    words = [word.lower() for sentence in sentences for word in _WORD.findall(sentence)]
    if not words:
        return 0.0
    syllables = sum(_syllables(word) for word in words)
    return 206.835 - 1.015 * len(words) / len(sentences) - 84.6 * syllables / len(words)


def _coverage(plan: Plan, claims: Sequence[Claim]) -> Measure:
    planned = len(plan.sections)
    answered = {c.section for c in claims if c.verdict is Verdict.SUPPORTED and 0 <= c.section < planned}
    return Measure(
        name="plan_coverage",
        value=_share(len(answered), planned),
        unit="share",
        says=f"{len(answered)} of {planned} planned parts hold at least one supported sentence.",
    )


def _support(claims: Sequence[Claim]) -> Measure:
    supported = sum(claim.verdict is Verdict.SUPPORTED for claim in claims)
    return Measure(
        name="support",
        value=_share(supported, len(claims)),
        unit="share",
        says=f"{supported} of {len(claims)} asserting sentences stand in the evidence that they name.",
    )


def _readability(draft: Draft) -> Measure:
    texts = [sentence.text for _, sentence in everything(draft)]
    if draft.language.startswith("en") and not is_unspaced(" ".join(texts)):
        value = round(max(0.0, min(100.0, flesch(texts))), 1)
        return Measure(
            name="readability",
            value=value,
            unit="grade",
            says="Flesch reading ease: 100 very easy, 0 very hard.",
        )
    words = sum(count_words(text) for text in texts)
    value = round(words / len(texts), 1) if texts else 0.0
    return Measure(
        name="readability", value=value, unit="words", says="Words (or characters) in an average sentence."
    )


def _quotation_share(draft: Draft) -> Measure:
    quoted = sum(count_words(s.text) for _, s in everything(draft) if s.kind == "quotation")
    total = sum(count_words(s.text) for _, s in everything(draft))
    return Measure(
        name="quotation_share",
        value=_share(quoted, total),
        unit="share",
        says="Share of the words that are marked quotations.",
    )


def _length(draft: Draft, asked: int) -> Measure:
    says = f"Words in the text; about {asked} were asked for or are usual for this kind of document."
    return Measure(name="words", value=float(draft.words), unit="words", says=says)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _syllables(word: str) -> int:
    found = len(_VOWELS.findall(word))
    silent = word.endswith("e") and not word.endswith("le") and found > 1
    return max(1, found - silent)
