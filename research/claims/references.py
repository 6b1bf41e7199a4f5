"""Numbers of references: a source gets its number when the text first rests on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from research.artifacts import Draft, Source, Verification
from research.claims.ledger import ASSERTING, Record, everything


@dataclass(frozen=True)
class References:
    sources: list[Source]  # in the order of their numbers, from 1
    numbers: dict[str, int]  # evidence id -> number
    titles: dict[str, str]  # evidence id -> title of its source, as retrieved

    def of(self, evidence: Sequence[str]) -> list[int]:
        """The numbers that a sentence shows, each once."""
        return list(dict.fromkeys(self.numbers[i] for i in evidence if i in self.numbers))


def number(draft: Draft, verification: Verification) -> References:
    record = Record.of(verification)
    order: dict[str, int] = {}
    for _, sentence in everything(draft):
        for i in sentence.evidence if sentence.kind in ASSERTING else ():
            if i in record.evidence:
                order.setdefault(record.evidence[i].source, len(order) + 1)
    return References(
        sources=[record.sources[source] for source in order],
        numbers={i: order[e.source] for i, e in record.evidence.items() if e.source in order},
        titles={i: record.sources[e.source].title for i, e in record.evidence.items()},
    )
