"""search: every query of the plan to every engine; the best sources and their passages, numbered.

Nothing thinks here. Source and evidence numbers depend only on what the engines answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from research.artifacts import Evidence, Options, Plan, SearchResult, Source
from research.errors import ProviderRefused, ProviderUnavailable
from research.stage import ResearchState
from research.toolbox import Hit, HitPassage, Toolbox

MOST_PASSAGES = 16  # kept for one section
MOST_FROM_SOURCE = 4  # of these from one source
OVERLAP = 0.5  # share of the shorter passage from which two passages count as one


@dataclass(frozen=True)
class Query:
    section: int  # index into Plan.sections
    text: str


@dataclass(frozen=True)
class Found:
    """One passage of one answer."""

    query: Query
    document: str  # key of the document
    passage: HitPassage
    score: float  # relative to the best passage of its search


@dataclass
class Gathered:
    """What the engines have answered so far."""

    hits: dict[str, Hit] = field(default_factory=dict)  # document key -> its first hit
    weights: dict[str, float] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    missing: dict[str, ProviderUnavailable | ProviderRefused] = field(default_factory=dict)
    answered: bool = False


async def search(state: ResearchState, tools: Toolbox) -> SearchResult:
    options = state.question.options
    gathered = Gathered()
    plan = state.get("planning", Plan)
    queries = [Query(i, text) for i, section in enumerate(plan.sections) for text in section.queries]
    for done, query in enumerate(queries if options.max_results > 0 else (), start=1):
        found = await _ask_engines(query, gathered, tools, options)
        await tools.progress("query", done=done, total=len(queries), query=query.text, found=found)
    if gathered.missing and not gathered.answered:
        raise next(iter(gathered.missing.values()))
    return _result(gathered, queries, limit=options.max_results)


async def _ask_engines(query: Query, gathered: Gathered, tools: Toolbox, options: Options) -> int:
    """How many documents the engines that still answer have for the query."""
    total = 0
    for engine in dict.fromkeys(options.engines):
        if engine in gathered.missing:
            continue
        try:
            hits = await tools.search(engine, query.text, limit=options.max_results)
        except (ProviderUnavailable, ProviderRefused) as error:
            gathered.missing[engine] = error
            continue
        gathered.answered = True
        _gather(query, hits, gathered)
        total += len(hits)
    if not total:
        gathered.not_found.append(query.text)
    return total


def _gather(query: Query, hits: list[Hit], gathered: Gathered) -> None:
    """Scores are made relative to the best of this search: those of two searches cannot be compared."""
    best_hit = max((hit.score for hit in hits), default=0.0)
    best_passage = max((p.score for hit in hits for p in hit.passages), default=0.0)
    for rank, hit in enumerate(hits, start=1):
        key = _key(hit)
        gathered.hits.setdefault(key, hit)
        weight = hit.score / best_hit if best_hit > 0 else 1 / rank
        gathered.weights[key] = gathered.weights.get(key, 0.0) + weight
        for passage in hit.passages:
            score = passage.score / best_passage if best_passage > 0 else weight
            gathered.found.append(Found(query, key, passage, round(max(0.0, min(1.0, score)), 6)))


def _key(hit: Hit) -> str:
    """The same work from two engines is one source, when a DOI or an address says so."""
    if hit.doi:
        return "doi:" + hit.doi.lower().removeprefix("https://doi.org/")
    if hit.url:
        return "url:" + hit.url.removesuffix("/")
    return f"{hit.engine}:{hit.document}"


def _result(gathered: Gathered, queries: list[Query], *, limit: int) -> SearchResult:
    order = list(gathered.hits)
    kept = sorted(order, key=lambda key: (-gathered.weights[key], order.index(key)))[: max(0, limit)]
    names = {key: f"S{n}" for n, key in enumerate(kept, start=1)}
    return SearchResult(
        sources=[_source(names[key], gathered.hits[key]) for key in kept],
        evidence=_evidence(gathered.found, names),
        looked_for=[query.text for query in queries],
        not_found=gathered.not_found,
        engines_missing=list(gathered.missing),
    )


def _source(name: str, hit: Hit) -> Source:
    return Source(
        id=name,
        engine=hit.engine,
        document=hit.document,
        version=hit.version,
        title=hit.title,
        authors=hit.authors,
        year=hit.year,
        url=hit.url,
        doi=hit.doi,
        venue=hit.venue,
    )


def _evidence(found: list[Found], names: dict[str, str]) -> list[Evidence]:
    """The best passages of each section; a passage that serves two sections stands in both."""
    usable = [f for f in found if f.document in names and f.passage.text.strip()]
    sections = sorted({f.query.section for f in usable})
    kept = [f for section in sections for f in _best(f for f in usable if f.query.section == section)]
    return [
        Evidence(
            id=f"E{n}",
            source=names[f.document],
            start=f.passage.start,
            end=f.passage.end,
            text=f.passage.text,
            section=f.query.section,
            score=f.score,
            query=f.query.text,
        )
        for n, f in enumerate(kept, start=1)
    ]


def _best(found: Iterable[Found]) -> list[Found]:
    kept: list[Found] = []
    for candidate in sorted(found, key=lambda f: (-f.score, f.document, f.passage.start)):
        same = [f for f in kept if f.document == candidate.document]
        if len(kept) < MOST_PASSAGES and len(same) < MOST_FROM_SOURCE and not _is_held(candidate, same):
            kept.append(candidate)
    return kept


def _is_held(candidate: Found, kept: list[Found]) -> bool:
    a = candidate.passage
    for b in (f.passage for f in kept):
        shared = min(a.end, b.end) - max(a.start, b.start)
        if shared > 0 and shared >= OVERLAP * min(a.end - a.start, b.end - b.start):
            return True
    return False
