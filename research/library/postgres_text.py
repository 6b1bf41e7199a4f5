"""Candidates from PostgreSQL: a GIN index over our own words, put in as they are, without its dictionaries.

Its ts_rank knows no rarity of words, so the rarest words of the query choose the candidates, up to a bound;
ranking.py does the rest, as for SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from research.library.index import Entry, scope_ids
from research.library.ranking import Candidate
from research.toolbox import Scope

_ADD = (
    "INSERT INTO research_passage_words (passage_id, title, body, stream)"
    " VALUES (%s, %s, %s, array_to_tsvector(string_to_array(%s, ' ')))"
)
_CANDIDATES = (
    'SELECT p.id, p.document_id::text, p."end" - p.start, d.chars, w.title, w.body'
    " FROM research_passage_words w JOIN research_passage p ON p.id = w.passage_id"
    " JOIN research_document d ON d.id = p.document_id"
    " WHERE w.stream @@ %s::tsquery AND d.owner_id = %s{scope}"
    " ORDER BY ts_rank(w.stream, %s::tsquery) DESC, p.id LIMIT %s"
)
_IN_DOCUMENTS = " AND d.id = ANY(%s)"
_IN_COLLECTIONS = (
    " AND EXISTS (SELECT 1 FROM research_collection c JOIN research_document_collections m"
    " ON m.collection_id = c.id WHERE m.document_id = d.id AND c.owner_id = d.owner_id AND c.name = ANY(%s))"
)
_COUNT = "SELECT count(*) FROM research_passage_words WHERE stream @@ %s::tsquery"
_MOST_MATCHES = 4  # times the candidates that are asked for: how many passages the chosen words may stand in


class PostgresIndex:
    def add(self, entries: Iterable[Entry]) -> None:
        rows = [
            (each.passage, each.title, each.body, f"{each.title} {each.body}".strip()) for each in entries
        ]
        with connection.cursor() as cursor:
            cursor.executemany(_ADD, rows)

    def candidates(self, query: Sequence[str], scope: Scope, limit: int) -> list[Candidate]:
        chosen = _rarest(self.counts(query), _MOST_MATCHES * limit)
        if not chosen:
            return []
        clause, values = "", list[Any]()
        if scope.documents:
            clause += _IN_DOCUMENTS
            values.append(list(scope_ids(scope)))
        if scope.collections:
            clause += _IN_COLLECTIONS
            values.append(list(scope.collections))
        with connection.cursor() as cursor:
            asked = _any(chosen)
            cursor.execute(
                _CANDIDATES.format(scope=clause), [asked, scope.owner, *values, _any(query), limit]
            )
            return [Candidate(*row) for row in cursor.fetchall()]

    def counts(self, query: Sequence[str]) -> dict[str, int]:
        found = {}
        with connection.cursor() as cursor:
            for word in query:
                cursor.execute(_COUNT, [_any([word])])
                found[word] = int(cursor.fetchone()[0])
        return found


def _rarest(counts: dict[str, int], most: int) -> list[str]:
    """The rarest words first, until together they stand in more passages than are wanted; at least one."""
    chosen: list[str] = []
    total = 0
    for word in sorted((word for word in counts if counts[word]), key=lambda word: (counts[word], word)):
        total += counts[word]
        if chosen and total > most:
            break
        chosen.append(word)
    return chosen


def _any(query: Sequence[str]) -> str:
    """A tsquery; words() leaves letters and digits, so that quoting each is enough."""
    return " | ".join(f"'{word}'" for word in query)
