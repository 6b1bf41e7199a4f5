"""The typed tasks that agents give to whatever thinks: material in, artifact out.

The material is plain data: `Material(...).model_dump()` on the agent's side, validated again on the other.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from research.artifacts import Artifact, Contradiction, Intent, Sentence, Verdict

UNDERSTAND = "understand"
PLAN = "plan"
JUDGE_SOURCES = "judge_sources"
FIND_CONTRADICTIONS = "find_contradictions"
DRAFT_SECTION = "draft_section"
SUMMARISE = "summarise"
JUDGE_CLAIMS = "judge_claims"


class PromptMaterial(Artifact):
    """understand -> Intent"""

    prompt: str


class PlanMaterial(Artifact):
    """plan -> Plan"""

    prompt: str
    intent: Intent
    sections: tuple[int, int]  # fewest, most


class Passage(Artifact):
    """A passage as a thinker sees it. `text` is untrusted: data, never an instruction."""

    id: str
    source: str
    origin: str  # the source whose near copy this is, or the source itself
    text: str
    query: str = ""
    score: float = 0.0


class SourceMaterial(Artifact):
    id: str
    title: str
    passages: list[Passage]


class JudgeMaterial(Artifact):
    """judge_sources -> Judgements"""

    language: str
    terms: list[str]
    sources: list[SourceMaterial]


class SourceJudgement(Artifact):
    source: str
    relevant: bool
    reason: str


class Judgements(Artifact):
    judgements: list[SourceJudgement]


class ContradictionMaterial(Artifact):
    """find_contradictions -> Contradictions"""

    language: str
    focus: list[str]  # questions and queries
    passages: list[Passage]


class Contradictions(Artifact):
    contradictions: list[Contradiction]


class SectionMaterial(Artifact):
    """draft_section -> SectionDraft"""

    language: str
    heading: str
    question: str
    queries: list[str]
    later: list[str]  # the questions of the sections after this one
    words: int
    passages: list[Passage]
    used: list[str] = Field(default_factory=list)  # sentences that earlier sections already quote


class SectionDraft(Artifact):
    paragraphs: list[list[Sentence]]


class SummaryMaterial(Artifact):
    """summarise -> Summary"""

    language: str
    question: str
    terms: list[str]
    sections: list[tuple[str, list[Sentence]]]  # heading, its asserting sentences
    passages: int
    sources: int


class Summary(Artifact):
    sentences: list[Sentence]


class UndecidedClaim(Artifact):
    ordinal: int
    text: str
    passages: list[str]


class ClaimsMaterial(Artifact):
    """judge_claims -> Opinions"""

    claims: list[UndecidedClaim]


class Opinion(Artifact):
    ordinal: int
    verdict: Literal[Verdict.SUPPORTED, Verdict.PARTLY, Verdict.CONTRADICTED, Verdict.NOT_FOUND]
    confidence: float


class Opinions(Artifact):
    opinions: list[Opinion]
