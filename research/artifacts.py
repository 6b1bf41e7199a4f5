"""What each stage adds, as plain typed data. An artifact is what a checkpoint holds.

Texts are Unicode, offsets count Unicode code points into the kept text of a document version,
scores and shares are floats between 0 and 1 unless a field says otherwise.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Locator = tuple[int, int]


class Artifact(BaseModel):
    """Base of all artifacts. `schema_version` rises when old checkpoints need an upcaster."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Options(Artifact):
    """What a person chose when asking."""

    documents: list[str] = Field(default_factory=list)  # library document ids; empty = the whole library
    collections: list[str] = Field(default_factory=list)  # collection names; empty = all
    engines: list[str] = Field(default_factory=lambda: ["library"])
    llm: str = "offline"
    max_results: int = 20  # sources kept per session after merging
    max_sections: int = 5
    approve_plan: bool = False
    checkpoints: bool = True


class Question(Artifact):
    """What was asked: the input of the first stage."""

    prompt: str
    options: Options = Field(default_factory=Options)


class Intent(Artifact):
    """intent: what kind of document is asked for."""

    kind: str  # such as report, comparison, review, answer, how-to
    field: str  # such as medicine, computing, general
    language: str  # BCP 47, such as en, zh
    words: int  # length asked for or usual for the kind
    terms: list[str]  # key terms, most telling first
    entities: list[str] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list)  # questions a person could answer to sharpen the run
    method: str = "offline"


class PlannedSection(Artifact):
    heading: str
    question: str  # the sub-question this section answers
    queries: list[str]


class Plan(Artifact):
    """planning: sub-questions, sections, queries."""

    title: str
    sections: list[PlannedSection]
    method: str = "offline"


class Evidence(Artifact):
    """A passage that a sentence may rest on. `id` is all that a writer may emit."""

    id: str  # E1, E2 … unique in the session
    source: str  # Source.id
    start: int
    end: int
    text: str
    section: int  # index into Plan.sections
    score: float  # relevance, comparable within one search
    query: str = ""  # which query found it


class SourceState(StrEnum):
    FOUND = "found"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Source(Artifact):
    """One document that this session really retrieved."""

    id: str  # S1, S2 …
    engine: str
    document: str  # library document id, or the engine's own identifier
    version: str  # digest of the kept text
    title: str
    authors: list[str] = Field(default_factory=list)
    year: int | None = None
    url: str = ""
    doi: str = ""
    venue: str = ""
    state: SourceState = SourceState.FOUND
    reason: str = ""  # why accepted or refused, a sentence for people
    origin: str = ""  # id of the source this one is a near copy of


class SearchResult(Artifact):
    """search: sources and passages as found, before verification."""

    sources: list[Source]
    evidence: list[Evidence]
    looked_for: list[str]  # every query, in order
    not_found: list[str] = Field(default_factory=list)  # queries without a result
    engines_missing: list[str] = Field(default_factory=list)  # engines that could not be reached


class Contradiction(Artifact):
    """Two passages of different origins that disagree."""

    left: str  # Evidence.id
    right: str
    why: str  # a sentence for people


class Verification(Artifact):
    """verification: which sources and passages may be used."""

    sources: list[Source]  # every source found, with state and reason
    evidence: list[Evidence]  # usable passages only
    contradictions: list[Contradiction] = Field(default_factory=list)
    answerable: bool = True
    why: str = ""  # when not answerable: what was looked for and what lacks


SentenceKind = Literal["quotation", "statement", "connective", "limitation"]


class Sentence(Artifact):
    """One sentence of a draft. Asserting kinds carry evidence ids; the renderer makes the references."""

    text: str
    kind: SentenceKind
    evidence: list[str] = Field(default_factory=list)


class Section(Artifact):
    heading: str
    paragraphs: list[list[Sentence]]


class Draft(Artifact):
    """writing, and reevaluation when the text changed."""

    number: int
    title: str
    language: str
    summary: list[Sentence]
    sections: list[Section]
    method: str = "offline"
    words: int = 0


class Verdict(StrEnum):
    SUPPORTED = "supported"
    PARTLY = "partly"
    CONTRADICTED = "contradicted"
    NOT_FOUND = "not_found"
    NOT_CHECKED = "not_checked"


class Span(Artifact):
    document: str
    version: str
    start: int
    end: int
    text: str
    source: str = ""  # Source.id


class Claim(Artifact):
    """One asserting sentence of the report and how it stands."""

    ordinal: int
    section: int  # -1 = summary
    text: str
    verdict: Verdict
    tier: str  # the check that decided: quotation, containment, numbers, polarity …
    confidence: float
    spans: list[Span] = Field(default_factory=list)
    evidence: list[str] = Field(default_factory=list)
    origins: int = 0  # independent origins, near copies counted once


class Measure(Artifact):
    """One separate measure of a draft; never summed into one grade."""

    name: str
    value: float
    unit: str  # share, count, words, grade …
    says: str  # what this value means, a sentence for people


class Evaluation(Artifact):
    """evaluation: measures and ledger of one draft."""

    draft: int
    measures: list[Measure]
    claims: list[Claim]


class CopiedRun(Artifact):
    section: int
    paragraph: int
    sentence: int
    words: int
    evidence: str
    quoted: bool


class Originality(Artifact):
    """originality: longest copied runs; what was over the limit became a marked quotation."""

    runs: list[CopiedRun]
    copied_share: float  # of the words outside quotations
    quoted_share: float
    changed: bool
    draft: Draft | None = None  # the draft with marked quotations, when the text changed


class Reevaluation(Artifact):
    """reevaluation: the second look, only when originality changed the text."""

    evaluation: Evaluation


def plain(artifact: Artifact) -> dict[str, object]:
    """The artifact as the plain data that a checkpoint holds."""
    return artifact.model_dump(mode="json")
