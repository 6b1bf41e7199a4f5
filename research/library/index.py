"""The face of the library's search.

Either database finds candidates; the ranking is our own code over our own words, so that both rank alike.
Counts that the ranking uses are the owner's own: nobody's scores depend on what others keep.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import connection
from django.db.models import Count, F, Sum
from django.db.models.functions import Substr

from research.errors import NotReady
from research.library.ranking import Candidate, Collection, Ranked, rank_documents
from research.library.words import words
from research.models import Document, Passage
from research.toolbox import Scope

MOST_WORDS = (
    200  # different ones of a query; a longer one is a text, and its beginning tells what it is about
)
_FIRST_CANDIDATES = 200  # passages
_MOST_CANDIDATES = 20_000
_MARK = "·"  # no word has it


@dataclass(frozen=True)
class Entry:
    """One passage as it goes into the index: streams of words, parted by blanks."""

    passage: int  # primary key
    title: str
    body: str


def marked(owner_id: int, text: str) -> list[str]:
    """Words as they stand in the index: each carries its owner, so that no search can find another's."""
    return [f"{owner_id}{_MARK}{word}" for word in words(text)]


class PassageIndex(Protocol):
    """Passages leave the index with their row, by trigger or foreign key."""

    def add(self, entries: Iterable[Entry]) -> None:
        """Within the transaction that writes the passages."""
        ...

    def candidates(self, query: Sequence[str], scope: Scope, limit: int) -> list[Candidate]:
        """The owner's passages within the scope that are likely to rank highest."""
        ...

    def counts(self, query: Sequence[str]) -> dict[str, int]:
        """In how many of the owner's passages each word stands; a word in none may lack."""
        ...


@dataclass(frozen=True)
class FoundPassage:
    start: int  # offsets into the kept text
    end: int
    text: str
    score: float


@dataclass(frozen=True)
class Found:
    """One document with its best passages."""

    document: Document
    score: float
    passages: list[FoundPassage]


def search(owner_id: int, query: str, *, scope: Scope | None = None, limit: int = 20) -> list[Found]:
    """The owner's best documents, best first, scores strictly falling. An empty list when nothing fits."""
    ranked = rank(owner_id, query, scope=scope, limit=limit)
    documents = Document.objects.in_bulk([each.document for each in ranked])
    passages = _passages([passage for each in ranked for passage, _ in each.passages])
    return [
        Found(
            documents[each.document],
            each.score,
            [FoundPassage(*passages[passage], score) for passage, score in each.passages],
        )
        for each in ranked
    ]


def rank(owner_id: int, query: str, *, scope: Scope | None = None, limit: int = 20) -> list[Ranked]:
    """Like `search`, without reading any text: for runs over many questions."""
    asked = marked(owner_id, query)[:MOST_WORDS]
    if not asked or limit <= 0:
        return []
    known = list(dict.fromkeys(asked))
    within = Scope(owner_id, scope.documents, scope.collections) if scope else Scope(owner_id)
    index, collection = open_index(), _collection(owner_id)
    counts = index.counts(known)
    most = max(_FIRST_CANDIDATES, 4 * limit)
    while True:
        found = index.candidates(known, within, most)
        ranked = rank_documents(asked, found, counts, collection)
        if len(ranked) >= limit or len(found) < most or most >= _MOST_CANDIDATES:
            return ranked[:limit]
        most *= 4  # long documents took many places


def open_index() -> PassageIndex:
    if connection.vendor == "sqlite":
        from research.library.sqlite_fts5 import SqliteIndex

        return SqliteIndex()
    if connection.vendor == "postgresql":
        from research.library.postgres_text import PostgresIndex

        return PostgresIndex()
    raise NotReady(
        f"The library cannot be searched on {connection.vendor}.", hint="Use SQLite or PostgreSQL."
    )


def _collection(owner_id: int) -> Collection:
    own = Document.objects.filter(owner_id=owner_id)
    sums = own.aggregate(documents=Count("*"), passages=Sum("passage_count"), chars=Sum("chars"))
    return Collection(sums["documents"], sums["passages"] or 0, sums["chars"] or 0)


def _passages(ids: Sequence[int]) -> dict[int, tuple[int, int, str]]:
    rows: Any = Passage.objects.filter(pk__in=ids).annotate(
        slice=Substr("document__text__text", F("start") + 1, F("end") - F("start"))
    )
    return {row.pk: (row.start, row.end, row.slice) for row in rows}


def scope_ids(scope: Scope) -> list[uuid.UUID]:
    """The ids of the scope that can be ids at all."""
    found = []
    for each in scope.documents:
        try:
            found.append(uuid.UUID(each))
        except ValueError:
            continue
    return found
