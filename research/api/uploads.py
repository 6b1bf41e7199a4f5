"""Files that come with a request, into the library. What is refused is named; the rest goes in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from research.api.asking import FILES
from research.api.auth import Visitor
from research.api.problems import FieldError, RefusedFields
from research.library import documents
from research.library.intake import LARGEST_FILE, Upload

_SHOWN_NAME = 200  # characters


@dataclass(frozen=True)
class Brought:
    ids: list[str] = field(default_factory=list)  # of the documents, new ones and those that were in already
    refused: list[dict[str, str]] = field(default_factory=list)


def take_in(visitor: Visitor, request: HttpRequest, collection: str | None = None) -> Brought:
    """Add the request's files to the visitor's library. RefusedFields when not one of them can be read."""
    files = request.FILES.getlist(FILES)
    if not files:
        return Brought()
    visitor.require("library")
    fitting = [file for file in files if (file.size or 0) <= LARGEST_FILE]
    report = documents.add(visitor.user, _uploads(fitting), collection=collection)
    refused = [_refused(each.name, each.code, each.message) for each in report.refused]
    too_large = f"The file is too large; the most is {LARGEST_FILE:,} bytes."
    refused += [_refused(str(file.name), "too_large", too_large) for file in files if file not in fitting]
    ids = [each.document for each in (*report.added, *report.duplicates)]
    if not ids:
        raise RefusedFields([_field_error(each) for each in refused], "None of the files could be read.")
    return Brought(list(dict.fromkeys(ids)), refused)


def _uploads(files: list[Any]) -> Iterator[Upload]:
    """One at a time, so that only one is held in memory."""
    for file in files:
        file.seek(0)
        yield Upload(str(file.name), file.read())


def _refused(name: str, code: str, detail: str) -> dict[str, str]:
    return {"name": name[:_SHOWN_NAME], "code": code, "detail": detail}


def _field_error(refused: dict[str, str]) -> FieldError:
    detail = f"{refused['name']}: {refused['detail']}"
    return FieldError(detail=detail, pointer=f"/{FILES}", code=refused["code"])
