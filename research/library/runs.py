"""Answers of the search as people script against them: JSON rows and TREC runs."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from research.errors import InvalidInput, NotFound
from research.library.index import Found, rank
from research.library.ranking import Ranked
from research.models import Document
from research.toolbox import Scope

TAG = "prowzi"


def found_json(found: Found) -> dict[str, Any]:
    """One document with its best passage."""
    best = found.passages[0]
    return {
        "document": str(found.document.pk),
        "title": found.document.title,
        "score": found.score,
        "start": best.start,
        "end": best.end,
        "text": best.text,
    }


def write_run(owner_id: int, queries: Path, run: Path, *, scope: Scope, limit: int) -> int:
    """Answer rows {_id, text} into a TREC run, whole or not at all; how many there were."""
    asked = list(_queries(queries))
    names = _names(owner_id)
    try:
        with tempfile.NamedTemporaryFile("w", dir=run.parent, encoding="utf-8", delete=False) as file:
            for key, text in asked:
                file.writelines(_lines(key, rank(owner_id, text, scope=scope, limit=limit), names))
        os.replace(file.name, run)
    except OSError as error:
        raise InvalidInput(f"{run} cannot be written: {error.strerror}.") from error
    return len(asked)


def _lines(key: str, ranked: list[Ranked], names: dict[Any, str]) -> Iterator[str]:
    for place, each in enumerate(ranked, start=1):
        yield f"{key} Q0 {names[each.document]} {place} {each.score:.9f} {TAG}\n"


def _queries(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _query(f"{path}:{number}", line)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read as text in UTF-8.") from error


def _query(where: str, line: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
        key, text = str(row["_id"]), row["text"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidInput(f"{where} is not a row {{_id, text}}.") from error
    if not key or key.split() != [key] or not isinstance(text, str):
        raise InvalidInput(f"{where} is not a row {{_id, text}}; an _id has no blanks.")
    return key, text


def _names(owner_id: int) -> dict[Any, str]:
    """What a run calls each document: the `_id` of its row, otherwise its id. Blanks would part the line."""
    rows = Document.objects.filter(owner_id=owner_id).values_list("pk", "external_id")
    return {key: "_".join(name.split()) or str(key) for key, name in rows}
