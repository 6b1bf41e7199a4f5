"""originality: what is copied into unquoted text. Over the limit it becomes a marked quotation.

Nothing thinks here, and no paraphrase is made: a copied run is either short or shown as what it is,
never disguised.
"""

from __future__ import annotations

from dataclasses import dataclass

from research.artifacts import CopiedRun, Draft, Originality, Section, Sentence, Verification
from research.claims.closed_world import enforce
from research.claims.copies import Copies, Run, count
from research.claims.ledger import everything
from research.claims.words import count_words, tokens
from research.stage import ResearchState
from research.toolbox import Toolbox

LONGEST_RUN = 12  # words that may stand unquoted as they stand in a source
LARGEST_SHARE = 0.15  # of the unquoted words that may stand in copied runs
MOST_RUNS = 200  # kept in the artifact
FEWEST_WORDS_LEFT = 3  # of a statement beside its quotation; less asserts nothing


@dataclass(frozen=True)
class Place:
    section: int  # -1 = summary
    paragraph: int
    sentence: int


async def check(state: ResearchState, tools: Toolbox) -> Originality:
    draft, verification = state.get("writing", Draft), state.get("verification", Verification)
    found = _find(draft, Copies(verification.evidence))
    share = _share(draft, found)
    marked = {place: over for place, runs in found.items() if (over := _over_limit(runs, share))}
    changed = _mark(draft, marked, verification) if marked else None
    await tools.progress("runs", found=sum(map(len, found.values())), marked=len(marked))
    return Originality(
        runs=_record(found, marked)[:MOST_RUNS],
        copied_share=share,
        quoted_share=_quoted_share(changed or draft),
        changed=changed is not None,
        draft=changed,
    )


def _places(draft: Draft) -> list[tuple[Place, Sentence]]:
    summary = [(Place(-1, 0, k), sentence) for k, sentence in enumerate(draft.summary)]
    return summary + [
        (Place(i, j, k), sentence)
        for i, section in enumerate(draft.sections)
        for j, paragraph in enumerate(section.paragraphs)
        for k, sentence in enumerate(paragraph)
    ]


def _find(draft: Draft, copies: Copies) -> dict[Place, list[Run]]:
    unquoted = ((place, sentence) for place, sentence in _places(draft) if sentence.kind != "quotation")
    return {place: runs for place, sentence in unquoted if (runs := copies.runs(sentence.text))}


def _share(draft: Draft, found: dict[Place, list[Run]]) -> float:
    words = sum(count(tokens(s.text)) for _, s in everything(draft) if s.kind != "quotation")
    copied = sum(run.words for runs in found.values() for run in runs)
    return round(min(1.0, copied / words), 4) if words else 0.0


def _over_limit(runs: list[Run], share: float) -> list[Run]:
    return list(runs) if share > LARGEST_SHARE else [run for run in runs if run.words > LONGEST_RUN]


def _record(found: dict[Place, list[Run]], marked: dict[Place, list[Run]]) -> list[CopiedRun]:
    return [
        CopiedRun(
            section=place.section,
            paragraph=place.paragraph,
            sentence=place.sentence,
            words=run.words,
            evidence=run.evidence,
            quoted=run in marked.get(place, ()),
        )
        for place, runs in found.items()
        for run in runs
    ]


def _mark(draft: Draft, marked: dict[Place, list[Run]], verification: Verification) -> Draft:
    texts = {e.id: e.text for e in verification.evidence}

    def rewritten(section: int, paragraph: int, sentences: list[Sentence]) -> list[Sentence]:
        places = [Place(section, paragraph, k) for k in range(len(sentences))]
        return [
            part
            for p, s in zip(places, sentences, strict=True)
            for part in _split(s, marked.get(p, []), texts)
        ]

    sections = [
        Section(heading=s.heading, paragraphs=[rewritten(i, j, p) for j, p in enumerate(s.paragraphs)])
        for i, s in enumerate(draft.sections)
    ]
    update = {"number": draft.number + 1, "summary": rewritten(-1, 0, draft.summary), "sections": sections}
    return enforce(draft.model_copy(update=update), verification)


def _split(sentence: Sentence, runs: list[Run], texts: dict[str, str]) -> list[Sentence]:
    """The sentence with each run as a quotation in the source's own spelling, and what stands around it."""
    parts: list[Sentence] = []
    last = 0
    for run in runs:
        parts += _around(sentence, sentence.text[last : run.start])
        quoted = " ".join(texts[run.evidence][run.evidence_start : run.evidence_end].split())
        parts.append(Sentence(text=quoted, kind="quotation", evidence=[run.evidence]))
        last = run.end
    return parts + (_around(sentence, sentence.text[last:]) if runs else [sentence])


def _around(sentence: Sentence, text: str) -> list[Sentence]:
    words = count_words(text)
    if not words:
        return []
    kind = sentence.kind if sentence.kind != "statement" or words >= FEWEST_WORDS_LEFT else "connective"
    return [Sentence(text=text.strip(), kind=kind, evidence=sentence.evidence)]


def _quoted_share(draft: Draft) -> float:
    quoted = sum(count_words(s.text) for _, s in everything(draft) if s.kind == "quotation")
    words = sum(count_words(s.text) for _, s in everything(draft))
    return round(quoted / words, 4) if words else 0.0
