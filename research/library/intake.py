"""What is to be taken in, one document after another: files, folders, uploads and rows of JSONL.

Nothing here holds more than one file or one row at a time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from research.errors import DocumentRefused
from research.providers.parsers import Parsed, clean, refuse

LARGEST_FILE = 64 * 2**20  # bytes
LONGEST_ROW = 8 * 2**20
LONGEST_ID = 200
LARGEST_JSONL = 4 * 2**30  # unpacked
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_ROWS = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True)
class Upload:
    """A file that came with a request."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Given:
    """One document as it was given: bytes to be parsed, or a row that is text already."""

    name: str
    digest: str  # of the content as given
    size: int  # bytes
    data: bytes = field(default=b"", repr=False)
    row: Parsed | None = None
    external_id: str = ""


@dataclass(frozen=True)
class Refused:
    name: str
    code: str
    message: str


Source: TypeAlias = str | Path | Upload
Taken: TypeAlias = Given | Refused


def take(sources: Iterable[Source]) -> Iterator[Taken]:
    """Folders in sorted order, without hidden files and without following links out of them."""
    for source in sources:
        if isinstance(source, Upload):
            yield from _bytes(source.name, source.data)
        elif _ADDRESS.match(str(source)):
            yield _refused(str(source), refuse("unsupported_address"))
        else:
            yield from _path(Path(source))


def _path(path: Path) -> Iterator[Taken]:
    if path.is_dir():
        root = path.resolve()
        for found in _walk(path):
            yield from _file(found, root)
    else:
        yield from _file(path, None)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(files) if not name.startswith("."))


def _file(path: Path, root: Path | None) -> Iterator[Taken]:
    name = str(path)
    try:
        if root is not None and not path.resolve().is_relative_to(root):
            raise refuse("leads_outside")
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise refuse("unknown_kind", "It is not a file.")
        if name.lower().endswith(_ROWS):
            with path.open("rb") as file:
                yield from _rows(name, file)
            return
        if about.st_size > LARGEST_FILE:
            raise _too_large(about.st_size)
        yield _given(name, path.read_bytes())
    except DocumentRefused as error:
        yield _refused(name, error)
    except (FileNotFoundError, NotADirectoryError):
        yield _refused(name, refuse("not_found"))
    except (OSError, ValueError, RuntimeError):  # no right, a NUL in the name, a link to itself
        yield _refused(name, refuse("unreadable"))


def _bytes(name: str, data: bytes) -> Iterator[Taken]:
    if name.lower().endswith(_ROWS):
        yield from _rows(name, BytesIO(data))
    elif len(data) > LARGEST_FILE:
        yield _refused(name, _too_large(len(data)))
    else:
        yield _given(name, data)


def _given(name: str, data: bytes) -> Given:
    return Given(clean(name), hashlib.sha256(data).hexdigest(), len(data), data)


def _refused(name: str, error: DocumentRefused) -> Refused:
    return Refused(clean(name), error.refusal, error.message)


def _too_large(size: int) -> DocumentRefused:
    return refuse("too_large", f"It has {size:,} bytes; the most is {LARGEST_FILE:,}.")


def _rows(name: str, file: BinaryIO) -> Iterator[Taken]:
    """A bad row is refused by its line; a file that breaks off is refused from there."""
    stream: Any = gzip.GzipFile(fileobj=file) if name.lower().endswith(".gz") else file
    at = number = 0
    try:
        for number, line in enumerate(_lines(stream), start=1):
            at += len(line)
            if at > LARGEST_JSONL:
                raise refuse("too_large", f"It unpacks to more than {LARGEST_JSONL:,} bytes.")
            if line.strip():
                yield _row(f"{name}:{number}", line)
    except DocumentRefused as error:
        yield _refused(name, error)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        yield _refused(name, refuse("broken", f"The file is damaged after line {number}."))
    else:
        if not number:
            yield _refused(name, refuse("empty"))


def _lines(stream: Any) -> Iterator[bytes]:
    """Lines, of which one that is too long comes cut, with what was left out skipped."""
    while line := stream.readline(LONGEST_ROW + 1):
        yield line
        rest = line
        while len(rest) > LONGEST_ROW and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_ROW + 1)


def _row(name: str, line: bytes) -> Taken:
    try:
        if len(line) > LONGEST_ROW:
            raise refuse("too_large", f"The row has more than {LONGEST_ROW:,} bytes.")
        row = json.loads(line)
        key, title, text = _fields(row)
    except DocumentRefused as error:
        return _refused(name, error)
    except (ValueError, RecursionError):
        return _refused(name, refuse("bad_row"))
    parsed = Parsed(title, text or title, _told(row.get("metadata")))
    digest = hashlib.sha256(json.dumps([key, title, text]).encode()).hexdigest()
    return Given(clean(name), digest, len(line), row=parsed, external_id=key)


def _fields(row: object) -> tuple[str, str, str]:
    if not isinstance(row, dict):
        raise refuse("bad_row")
    key, title, text = row.get("_id", ""), row.get("title") or "", row.get("text")
    key = str(key) if isinstance(key, int) and not isinstance(key, bool) else key
    if not (isinstance(key, str) and isinstance(title, str) and isinstance(text, str)):
        raise refuse("bad_row")
    if len(key) > LONGEST_ID:
        raise refuse("bad_row", f"Its _id is longer than {LONGEST_ID} characters.")
    key, title, text = clean(key), " ".join(clean(title).split()), clean(text)
    if not (title + text).strip():
        raise refuse("empty")
    return key, title, text if text.strip() else ""


def _told(metadata: object) -> dict[str, Any]:
    """What a row may say about itself, each in its own type; anything else is dropped."""
    if not isinstance(metadata, dict):
        return {}
    kept: dict[str, Any] = {}
    authors, year = metadata.get("authors"), metadata.get("year")
    if isinstance(authors, list):
        kept["authors"] = [clean(each)[:500] for each in authors[:100] if isinstance(each, str)]
    if isinstance(year, int) and 0 < year < 3000:
        kept["year"] = year
    for key in ("doi", "url", "venue"):
        if isinstance(metadata.get(key), str):
            kept[key] = clean(metadata[key])[:2000]
    return kept
