"""The library's verbs: add, list, get, remove. All of them within one person's documents."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from research.errors import DocumentRefused, InvalidInput, NotFound
from research.library.index import Entry, marked, open_index
from research.library.intake import Given, Refused, Source, Taken, take
from research.library.passages import cut
from research.library.sandbox import Answer, Request, Sandbox
from research.models import Collection, Document, DocumentText, Passage
from research.providers.parsers import Parsed

ROWS_AT_ONCE = 200  # in one transaction
FILES_AT_ONCE = 16  # parsed documents wait here for their transaction
BYTES_AT_ONCE = 16 * 2**20
LONGEST_NAME = 120  # of a collection
_SHORTEST_PREFIX = 4


@dataclass(frozen=True)
class Outcome:
    """What became of one document of an `add`."""

    name: str
    status: str  # added · duplicate · refused
    document: str = ""  # id, also of the one that was there already
    title: str = ""
    code: str = ""  # of the refusal; stable
    message: str = ""


@dataclass(frozen=True)
class AddReport:
    added: list[Outcome]
    duplicates: list[Outcome]
    refused: list[Outcome]

    @property
    def summary(self) -> str:
        counts = len(self.added), len(self.duplicates), len(self.refused)
        return "{:,} added, {:,} already there, {:,} refused.".format(*counts)

    def as_json(self) -> dict[str, list[dict[str, str]]]:
        return {
            "added": [
                {"document": each.document, "name": each.name, "title": each.title} for each in self.added
            ],
            "duplicates": [{"document": each.document, "name": each.name} for each in self.duplicates],
            "refused": [
                {"name": each.name, "code": each.code, "message": each.message} for each in self.refused
            ],
        }


@dataclass(frozen=True)
class _Ready:
    """A parsed document with its row, not yet written."""

    given: Given
    row: Document
    text: str
    spans: list[tuple[int, int]] = field(repr=False)


def add(
    owner: User,
    sources: Iterable[Source],
    *,
    collection: str | None = None,
    progress: Callable[[Outcome], None] | None = None,
) -> AddReport:
    """Take in what can be; a refusal costs one document only. Run again, it goes on after a kill."""
    report = AddReport([], [], [])
    lists = {"added": report.added, "duplicate": report.duplicates, "refused": report.refused}
    for outcome in add_each(owner, sources, collection=collection):
        lists[outcome.status].append(outcome)
        if progress is not None:
            progress(outcome)
    return report


def add_each(owner: User, sources: Iterable[Source], *, collection: str | None = None) -> Iterator[Outcome]:
    """Like `add`, one outcome after another; what has been given out is committed."""
    shelf = open_collection(owner, collection) if collection is not None else None
    with Sandbox() as sandbox:
        for batch in _batches(take(sources)):
            yield from _add_batch(owner, batch, shelf, sandbox)


def open_collection(owner: User, name: str) -> Collection:
    """The owner's collection of this name, made when there is none."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInput(f"A collection's name has 1 to {LONGEST_NAME} characters.", pointer="/collection")
    return Collection.objects.get_or_create(owner=owner, name=name, defaults={"created_at": timezone.now()})[
        0
    ]


def list_documents(owner: User, *, collection: str | None = None) -> QuerySet[Document]:
    """Newest first; NotFound for a collection that is not there."""
    own = Document.objects.filter(owner=owner)
    if collection is None:
        return own
    shelf = Collection.objects.filter(owner=owner, name=collection).first()
    if shelf is None:
        raise NotFound(f"There is no collection {collection!r} in your library.")
    return own.filter(collections=shelf)


def get_document(owner: User, name: str | uuid.UUID) -> Document:
    """By id, a beginning of one, or the `_id` of a row. NotFound for other people's and missing alike."""
    wanted = str(name).strip()
    matching = Q(external_id=wanted) if wanted else Q(pk__in=[])
    plain = wanted.replace("-", "").lower()
    if _SHORTEST_PREFIX <= len(plain) <= 32 and not set(plain) - set("0123456789abcdef"):
        low, high = uuid.UUID(plain.ljust(32, "0")), uuid.UUID(plain.ljust(32, "f"))
        matching |= Q(pk__gte=low, pk__lte=high)
    found = list(Document.objects.filter(matching, owner=owner)[:2])
    if len(found) > 1:
        raise InvalidInput(f"{wanted!r} fits more than one document. Write more of the id.")
    if not found:
        raise NotFound(f"There is no document {wanted!r} in your library.")
    return found[0]


def document_text(document: Document) -> str:
    """The kept text that offsets count in."""
    return DocumentText.objects.get(pk=document.pk).text


def document_json(document: Document) -> dict[str, Any]:
    return {
        "document": str(document.pk),
        "title": document.title,
        "name": document.name,
        "kind": document.kind,
        "external_id": document.external_id,
        "version": document.version,
        "bytes": document.bytes,
        "chars": document.chars,
        "passages": document.passage_count,
        "metadata": document.metadata,
        "created_at": document.created_at.isoformat(),
    }


def remove_document(owner: User, name: str | uuid.UUID) -> Document:
    """Out of the library and its index. Reports keep the passages they quote."""
    document = get_document(owner, name)
    gone = document.pk
    with transaction.atomic():
        document.delete()
    document.pk = gone
    return document


def _batches(taken: Iterable[Taken]) -> Iterator[list[Taken]]:
    batch: list[Taken] = []
    files = size = 0
    for each in taken:
        batch.append(each)
        if isinstance(each, Given):
            files += each.row is None
            size += each.size
        if len(batch) >= ROWS_AT_ONCE or files >= FILES_AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, files, size = [], 0, 0
    if batch:
        yield batch


def _add_batch(owner: User, batch: list[Taken], shelf: Collection | None, sandbox: Sandbox) -> list[Outcome]:
    given = {each.digest: each for each in reversed(batch) if isinstance(each, Given)}
    known = _present(owner, given)
    ready, refused = _prepare(owner, [each for digest, each in given.items() if digest not in known], sandbox)
    with transaction.atomic():
        # Two adds of one person take turns here, so that neither trips over the other's documents.
        User.objects.select_for_update().filter(pk=owner.pk).first()
        known = _present(owner, given)
        new = {each.given.digest: each for each in ready if each.given.digest not in known}
        _write(owner, list(new.values()))
        if shelf is not None:
            shelf.documents.add(*Document.objects.filter(owner=owner, digest__in=list(given)))
    written = known | {digest: each.row.pk for digest, each in new.items()}
    return [_outcome(each, new, written, refused) for each in batch]


def _outcome(
    taken: Taken, new: dict[str, _Ready], written: dict[str, uuid.UUID], refused: dict[str, DocumentRefused]
) -> Outcome:
    """`new` loses what was told: the same content again is a duplicate."""
    if isinstance(taken, Refused):
        return Outcome(taken.name, "refused", code=taken.code, message=taken.message)
    if error := refused.get(taken.digest):
        return Outcome(taken.name, "refused", code=error.refusal, message=error.message)
    if added := new.pop(taken.digest, None):
        return Outcome(taken.name, "added", str(added.row.pk), added.row.title)
    return Outcome(taken.name, "duplicate", str(written[taken.digest]))


def _present(owner: User, digests: Iterable[str]) -> dict[str, uuid.UUID]:
    found = Document.objects.filter(owner=owner, digest__in=list(digests))
    return dict(found.values_list("digest", "pk"))


def _prepare(
    owner: User, given: list[Given], sandbox: Sandbox
) -> tuple[list[_Ready], dict[str, DocumentRefused]]:
    ready = [_ready(owner, each, Answer("jsonl", each.row)) for each in given if each.row is not None]
    files = [each for each in given if each.row is None]
    refused: dict[str, DocumentRefused] = {}
    answers = sandbox.parse_each([Request(each.name, each.data) for each in files])
    for each, answer in zip(files, answers, strict=True):
        if isinstance(answer, DocumentRefused):
            refused[each.digest] = answer
        else:
            ready.append(_ready(owner, each, answer))
    return ready, refused


def _ready(owner: User, given: Given, answer: Answer) -> _Ready:
    text, spans = answer.parsed.text, cut(answer.parsed.text)
    pages = {"pages": answer.parsed.pages} if answer.parsed.pages else {}
    row = Document(
        owner=owner,
        kind=answer.kind,
        title=answer.parsed.title or _first_line(answer.parsed) or given.name.rpartition("/")[2],
        name=given.name,
        external_id=given.external_id,
        digest=given.digest,
        version=hashlib.sha256(text.encode()).hexdigest(),
        bytes=given.size,
        chars=len(text),
        passage_count=len(spans),
        metadata=answer.parsed.metadata | pages,
        created_at=timezone.now(),
    )
    return _Ready(given, row, text, spans)


def _first_line(parsed: Parsed) -> str:
    """What stands at the top, when it can be a title."""
    line = next((line.strip() for line in parsed.text[:5000].splitlines() if line.strip()), "")
    return line if len(line) <= 200 else line[:100].rpartition(" ")[0] + " …"


def _write(owner: User, ready: list[_Ready]) -> None:
    Document.objects.bulk_create([each.row for each in ready])
    DocumentText.objects.bulk_create([DocumentText(document=each.row, text=each.text) for each in ready])
    passages = [
        Passage(document=each.row, ordinal=at, start=start, end=end)
        for each in ready
        for at, (start, end) in enumerate(each.spans)
    ]
    written = iter(Passage.objects.bulk_create(passages, batch_size=1000))
    open_index().add(
        Entry(next(written).pk, title, " ".join(marked(owner.pk, each.text[start:end])))
        for each in ready
        for title in [" ".join(marked(owner.pk, each.row.title))]
        for start, end in each.spans
    )
