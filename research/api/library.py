"""A person's library: documents, collections, search."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status

from research import queries
from research.api import asking, idempotency, uploads
from research.api.auth import door, user_of, visitor_of
from research.api.parameters import Cursor, Limit, Words
from research.api.problems import FieldError, RefusedFields
from research.errors import InvalidInput
from research.library import documents
from research.library.reader import Reader
from research.models import Collection, Document
from research.schemas import (
    CollectionIn,
    CollectionOut,
    CollectionPage,
    DocumentIn,
    DocumentOut,
    DocumentPage,
    DocumentsAdded,
    SearchPage,
)
from research.toolbox import Hit, Scope

router = Router(tags=["library"])
DOOR = door("library")
_FORM = {
    "type": "object",
    "required": [asking.FILES],
    "properties": {
        asking.FILES: {"type": "array", "items": {"type": "string", "format": "binary"}},
        "collection": {"type": "string", "maxLength": 120},
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            asking.FORM: {"schema": _FORM},
            "application/json": {"schema": DocumentIn.model_json_schema()},
        },
    }
}


@router.post("/documents", auth=DOOR, response={201: DocumentsAdded}, openapi_extra=_BODY)
def add_documents(request: HttpRequest) -> HttpResponse:
    """Files of a form. Refused ones are named, the others go in; 422 when none does."""
    with idempotency.attempt(request) as attempt:
        stored = attempt.stored()
        if stored is not None:
            return stored
        _check_form(request)
        brought = uploads.take_in(visitor_of(request), request, request.POST.get("collection") or None)
        return attempt.commit(lambda: _added(request, brought))


def _check_form(request: HttpRequest) -> None:
    if not asking.is_form(request):
        asking.read_json(DocumentIn, request.body)
        raise RefusedFields(
            [FieldError(detail="Addresses cannot be added yet. Send the file.", pointer="/url")]
        )
    asking.refuse_strange_files(request)
    strange = sorted(set(request.POST) - {"collection", asking.OF_THE_PAGE})
    if strange:
        raise RefusedFields([FieldError(detail="There is no such field.", pointer="/" + strange[0][:100])])
    if not request.FILES:
        raise RefusedFields([FieldError(detail="There is no file.", pointer=f"/{asking.FILES}")])


def _added(request: HttpRequest, brought: uploads.Brought) -> HttpResponse:
    rows = queries.documents_of(user_of(request)).filter(pk__in=brought.ids)
    items = [_document(row) for row in rows]
    return JsonResponse({"items": items, "refused": brought.refused}, status=201)


@router.get("/documents", auth=DOOR, response=DocumentPage)
def list_documents(
    request: HttpRequest,
    q: Words = "",
    collection: Words = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """The newest first; `q` looks in titles and names, not in texts: that is what search is for."""
    rows = queries.documents_of(user_of(request), q=q, collection=collection)
    items, following = queries.page(rows, limit=limit, cursor=cursor)
    return {"items": [_document(row) for row in items], "next": following}


@router.get("/documents/{uuid:document_id}", auth=DOOR, response=DocumentOut)
def show_document(request: HttpRequest, document_id: UUID) -> dict[str, Any]:
    return _document(queries.get_document(user_of(request), document_id))


@router.delete("/documents/{uuid:document_id}", auth=DOOR, response={204: None})
def remove_document(request: HttpRequest, document_id: UUID) -> Status[None]:
    """Reports keep the text of the passages that they cite."""
    user = user_of(request)
    documents.remove_document(user, queries.get_document(user, document_id).pk)
    return Status(204, None)


@router.get("/search", auth=DOOR, response=SearchPage)
def search_library(
    request: HttpRequest, q: Words = "", collection: Words = "", limit: Limit = 20
) -> dict[str, Any]:
    """The best passage of each document that answers, best first."""
    queries.check_search(q)
    if not q.strip():
        raise InvalidInput("Write in `q` what to look for.", pointer="/q")
    queries.check_search(collection)
    scope = Scope(user_of(request).pk, collections=(collection,) if collection else (), limit=limit)
    hits = Reader().search(q, scope)
    return {"items": [_line(hit) for hit in hits if hit.passages], "next": None}


def _document(row: Document) -> dict[str, Any]:
    shown = documents.document_json(row)
    collections = [each.name for each in row.collections.all()]
    return {"id": shown.pop("document"), "collections": collections, **shown}


def _line(hit: Hit) -> dict[str, Any]:
    best = hit.passages[0]
    place = {"start": best.start, "end": best.end, "text": best.text}
    return {"document": hit.document, "title": hit.title, "score": hit.score, **place}


@router.get("/collections", auth=DOOR, response=CollectionPage)
def list_collections(request: HttpRequest, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    rows = Collection.objects.filter(owner_id=user_of(request).pk)
    items, following = queries.page(rows, limit=limit, cursor=cursor)
    return {"items": [_collection(row) for row in items], "next": following}


@router.post("/collections", auth=DOOR, response={201: CollectionOut})
def create_collection(request: HttpRequest, body: CollectionIn) -> HttpResponse:
    """A name that is there already is the same collection again."""
    with idempotency.attempt(request) as attempt:
        return attempt.stored() or attempt.commit(lambda: _create_collection(request, body))


def _create_collection(request: HttpRequest, body: CollectionIn) -> HttpResponse:
    row = documents.open_collection(user_of(request), body.name)
    return JsonResponse(_collection(row), status=201)


def _collection(row: Collection) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "created_at": row.created_at.isoformat()}
