"""The gate that every draft passes, whoever wrote it: only evidence of this session can be cited.

Ids that are not in the verification are taken out. A quotation that does not stand word for word in the
evidence loses its quotation marks. Links, identifiers, bracket numbers and author-year references written
into prose are taken out: the renderer alone makes references.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from research.artifacts import Draft, Evidence, Section, Sentence, SourceState, Verification
from research.claims.folding import clean, fold, locate, projected
from research.claims.wording import SOURCE, say
from research.claims.words import count_words

MOST_ROUNDS = 12  # of taking references out of one text; what still holds one then is dropped whole

_YEAR = r"(?:1[5-9]|20)\d\d[a-z]?"
_LETTERS = (
    r"[^\s，。；：、！？（）「」《》“”‘’【】<>]"  # of a link: ends at white space and Chinese punctuation
)
_NAME = r"(?<![\w.’\-])[A-Z\u00c0-\u00de][\w.'’\-]{0,60}"
_REFERENCES = re.compile(
    rf"""
      (?:[a-z][a-z0-9+.\-]{{0,30}}:)?//{_LETTERS}*                  # addresses
    | (?:www|ftp)\d?\.{_LETTERS}+
    | (?:mailto|javascript|vbscript|data|file|tel|urn|hdl|doi|arxiv|pmid|pmcid|isbn|issn)\s?:\s*{_LETTERS}*
    | (?:doi|arxiv|pmid|pmcid|isbn)\b[\s.\#]*\d{_LETTERS}*
    | 10\.\d{{4,9}}(?:\.\d{{1,9}}){{0,4}}\s?/{_LETTERS}*                        # DOIs
    | (?:[a-z0-9\-]{{1,63}}\.){{1,6}}[a-z]{{2,24}}/{_LETTERS}*      # a domain with a path
    | [\[【〔][\s^\#@]*                                             # [1] [2, 3] [E1] [^note]
      (?:[\d,;\s–—\-]{{1,80}}|[a-z]{{1,6}}[\-_]?\d{{1,6}}|\^[^\[\]]{{0,80}})[\]】〕]
    | [\[【〔][^\[\]【】〔〕]{{0,120}}?{_YEAR}[^\[\]【】〔〕]{{0,40}}[\]】〕]
    """,
    re.IGNORECASE | re.VERBOSE,
)
_AUTHOR_YEAR = re.compile(
    rf"""
      [(（](?=[^()（）]{{0,200}}(?:{_NAME}|et\sal|[\u4e00-\u9fff]等?\s*[,，]))[^()（）]{{0,200}}?\b{_YEAR}(?!\d)[^()（）]{{0,120}}[)）]
    | {_NAME}(?:\s(?:and|&)\s{_NAME}|\s+et\s+al\.?)?,?\s*[(（]\s*{_YEAR}[^()（）]{{0,40}}[)）]
    | (?:{_NAME}\s+)?\bet\s+al\.?,?\s*[(（]?\s*{_YEAR}
    """,
    re.VERBOSE,
)
_BRACKETS = str.maketrans({"[": "(", "]": ")", "【": "（", "】": "）", "〔": "（", "〕": "）"})
_PARENTHESES = re.compile("[()（）]")
_HOLLOW = re.compile(r"[(（]\s*[)）]")
_BEFORE_MARK = re.compile(r"\s+(?=[.,;:!?，。；：！？])")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def enforce(draft: Draft, verification: Verification) -> Draft:
    """The draft with nothing left in it that this session did not retrieve."""
    gate = _Gate(verification, draft.language)
    sections = [_section(section, gate) for section in draft.sections]
    summary = gate.let_through(draft.summary)
    everything = [*summary, *(s for section in sections for p in section.paragraphs for s in p)]
    return draft.model_copy(
        update={
            "title": without_references(draft.title),
            "language": gate.language,
            "summary": summary,
            "sections": sections,
            "words": sum(count_words(sentence.text) for sentence in everything),
        }
    )


def without_references(text: str) -> str:
    """The text without links, identifiers, bracket numbers and author-year references."""
    kept = clean(text)
    for _ in range(MOST_ROUNDS):
        cut = _cut(_cut(kept, _REFERENCES), _AUTHOR_YEAR)
        cut = _HOLLOW.sub(" ", _balanced(cut.translate(_BRACKETS)))
        if cut == kept:
            return kept
        kept = _BEFORE_MARK.sub("", clean(cut))
    return ""


def _balanced(text: str) -> str:
    """Half a pair of brackets may find its other half in the next sentence: both go."""
    opened, closed = (sum(map(text.count, marks)) for marks in ("(（", ")）"))
    return text if opened == closed else _PARENTHESES.sub(" ", text)


def _cut(text: str, pattern: re.Pattern[str]) -> str:
    """Matches are looked for in the projection (full-width letters as plain ones) and cut from the text."""
    parts, last = [], 0
    for match in pattern.finditer(projected(text)):
        parts.append(text[last : match.start()])
        last = match.end()
    return " ".join([*parts, text[last:]]) if parts else text


def _section(section: Section, gate: _Gate) -> Section:
    paragraphs = [gate.let_through(paragraph) for paragraph in section.paragraphs]
    return Section(
        heading=without_references(section.heading),
        paragraphs=[paragraph for paragraph in paragraphs if paragraph],
    )


class _Gate:
    def __init__(self, verification: Verification, language: str) -> None:
        accepted = {s.id for s in verification.sources if s.state is SourceState.ACCEPTED}
        self.evidence = {e.id: e for e in verification.evidence if e.source in accepted}
        self.folded = {e.id: fold(e.text) for e in self.evidence.values()}
        self.language = language if _LANGUAGE.fullmatch(language) else "en"

    def let_through(self, sentences: Sequence[Sentence]) -> list[Sentence]:
        kept = (self._quotation(s) if s.kind == "quotation" else self._prose(s) for s in sentences)
        return [sentence for sentence in kept if sentence is not None]

    def _known(self, ids: Sequence[str]) -> list[str]:
        return [i for i in dict.fromkeys(ids) if i in self.evidence]

    def _quotation(self, sentence: Sentence) -> Sentence | None:
        """Word for word, or no quotation. The text shown is the evidence's own."""
        wanted = fold(sentence.text)
        named = self._known(sentence.evidence)
        holding = [i for i in named if wanted and wanted in self.folded[i]]
        holding = holding or [i for i in self.folded if wanted and wanted in self.folded[i]][:1]
        if not holding:
            return self._prose(sentence.model_copy(update={"kind": "statement"}))
        text = _own_words(sentence.text, self.evidence[holding[0]])
        return Sentence(text=text, kind="quotation", evidence=holding) if text else None

    def _prose(self, sentence: Sentence) -> Sentence | None:
        ids = self._known(sentence.evidence)
        text = without_references(sentence.text)
        if SOURCE in text and not ids:
            text = text.replace(SOURCE, say(self.language, "a_source"))
        return Sentence(text=text, kind=sentence.kind, evidence=ids) if text else None


def _own_words(quotation: str, evidence: Evidence) -> str:
    span = locate(quotation, evidence.text)
    return clean(evidence.text[span[0] : span[1]]) if span else ""
