"""The library as the engine `library` sees it."""

from __future__ import annotations

import threading

from django.db import connection

from research.library import index
from research.models import Document
from research.toolbox import Hit, HitPassage, Scope

ENGINE = "library"


class Reader:
    def search(self, query: str, scope: Scope) -> list[Hit]:
        try:
            return [hit(found) for found in index.search(scope.owner, query, scope=scope, limit=scope.limit)]
        finally:
            # A pool's thread ends without a word to Django, and its connection would stay open.
            if threading.current_thread() is not threading.main_thread() and not connection.in_atomic_block:
                connection.close()


def hit(found: index.Found) -> Hit:
    told = found.document.metadata
    return Hit(
        engine=ENGINE,
        document=str(found.document.pk),
        version=found.document.version,
        title=found.document.title,
        authors=[str(each) for each in told.get("authors", [])],
        year=told.get("year"),
        url=_address(found.document),
        doi=str(told.get("doi", "")),
        venue=str(told.get("venue", "")),
        score=found.score,
        passages=[HitPassage(start=p.start, end=p.end, text=p.text, score=p.score) for p in found.passages],
    )


def _address(document: Document) -> str:
    return str(document.metadata.get("url", ""))
