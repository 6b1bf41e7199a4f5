"""Candidates from SQLite: one FTS5 table over our own words, a row a passage.

Every word carries its owner's mark, so one person's search cannot touch another's passages; the join says
it again.
A person's string never reaches MATCH: words() leaves letters and digits, and each word is quoted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from research.library.index import Entry, scope_ids
from research.library.ranking import TITLE, Candidate
from research.toolbox import Scope

_MATCHING = (
    f"SELECT rowid, bm25(research_passage_words, {TITLE}, 1.0) AS score"  # noqa: S608  a constant of ours
    " FROM research_passage_words WHERE research_passage_words MATCH %s"
)
_CANDIDATES = (
    'SELECT p.id, p.document_id, p."end" - p.start, d.chars, w.title, w.body'
    " FROM ({matching} ORDER BY score LIMIT %s) f CROSS JOIN research_passage p ON p.id = f.rowid"
    " CROSS JOIN research_document d ON d.id = p.document_id"
    " CROSS JOIN research_passage_words w ON w.rowid = f.rowid WHERE d.owner_id = %s"
)
_IN_DOCUMENTS = (
    " AND rowid IN (SELECT p.id FROM research_passage p"
    " WHERE p.document_id IN (SELECT value FROM json_each(%s)))"
)
_IN_COLLECTIONS = (
    " AND rowid IN (SELECT p.id FROM research_collection c"
    " JOIN research_document_collections m ON m.collection_id = c.id"
    " JOIN research_passage p ON p.document_id = m.document_id"
    " WHERE c.owner_id = %s AND c.name IN (SELECT value FROM json_each(%s)))"
)


class SqliteIndex:
    def add(self, entries: Iterable[Entry]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO research_passage_words(rowid, title, body) VALUES (%s, %s, %s)",
                [(each.passage, each.title, each.body) for each in entries],
            )

    def candidates(self, query: Sequence[str], scope: Scope, limit: int) -> list[Candidate]:
        matching, values = _MATCHING, list[Any]([" OR ".join(f'"{word}"' for word in query)])
        if scope.documents:
            matching += _IN_DOCUMENTS
            values.append(json.dumps([each.hex for each in scope_ids(scope)]))
        if scope.collections:
            matching += _IN_COLLECTIONS
            values += [scope.owner, json.dumps(scope.collections)]
        with connection.cursor() as cursor:
            cursor.execute(_CANDIDATES.format(matching=matching), [*values, limit, scope.owner])
            return [Candidate(*row) for row in cursor.fetchall()]

    def counts(self, query: Sequence[str]) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT term, doc FROM json_each(%s) CROSS JOIN research_passage_vocabulary ON term = value",
                [json.dumps(query)],
            )
            return dict(cursor.fetchall())
