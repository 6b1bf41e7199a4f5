"""Word documents (OOXML), by python-docx: paragraphs and tables in the order in which they stand.

The package is judged before it is opened: members, unpacked size and ratio, passwords, and DTDs, which
OOXML does not allow and which carry entity bombs and references to other files.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError

from research.providers.parsers import LONGEST_TEXT, Parsed, clean, one_line, refuse, suffix

ORDER = 20
MOST_MEMBERS = 5_000
MOST_UNPACKED = 192 * 2**20  # bytes of all members
MOST_XML = 64 * 2**20  # bytes of one XML part
MOST_RATIO = 200  # unpacked to packed, judged above 1 MiB
_DEEPEST_TABLE = 16
_LOCKED = 0x1  # general purpose bit of a zip member
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what Office wraps a locked document in
_LOCKED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_MAIN_PART = b"wordprocessingml.document.main+xml"
_NOT_A_ZIP = (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, struct.error, zlib.error)
_FAULTS = (*_NOT_A_ZIP, AttributeError, LookupError, LxmlError, TypeError)


def recognises(data: bytes, name: str) -> bool:
    if data.startswith(_OLE):
        return _LOCKED_PACKAGE in data
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(BytesIO(data)) as package, package.open("[Content_Types].xml") as types:
            return any(part.startswith("word/") for part in package.namelist()) or _MAIN_PART in types.read(
                2**20
            )
    except KeyError:
        return False
    except _NOT_A_ZIP:
        return suffix(name) in {"docx", "docm"}  # refused as broken then, which tells more


def parse(data: bytes, name: str) -> Parsed:
    if data.startswith(_OLE):
        raise refuse("encrypted")
    try:
        with zipfile.ZipFile(BytesIO(data)) as package:
            _judge(package)
        document = docx.Document(BytesIO(data))
        title, metadata = _told(document)
        return Parsed(title, _text(document), metadata)
    except _FAULTS as error:
        raise refuse(
            "broken", f"The Word document is damaged ({type(error).__name__}). Save it anew."
        ) from error


def _judge(package: zipfile.ZipFile) -> None:
    members = package.infolist()
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if any(member.flag_bits & _LOCKED for member in members):
        raise refuse("encrypted")
    if len(members) > MOST_MEMBERS:
        raise refuse("too_large", f"The package has {len(members):,} members; the most is {MOST_MEMBERS:,}.")
    if unpacked > MOST_UNPACKED or (unpacked > 2**20 and unpacked > MOST_RATIO * max(1, packed)):
        raise refuse("too_large", f"The package would unpack from {packed:,} to {unpacked:,} bytes.")
    for member in members:
        if suffix(member.filename) in {"xml", "rels"}:
            _judge_xml(package, member)


def _judge_xml(package: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    if member.file_size > MOST_XML:
        raise refuse("too_large", f"{member.filename} would unpack to {member.file_size:,} bytes.")
    with package.open(member) as part:
        head = part.read(2**16).replace(b"\0", b"")  # UTF-16 must not hide it
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise refuse("broken", f"{member.filename} has a DTD, which a Word document must not have.")


def _text(document: Any) -> str:
    blocks, size = [], 0
    for block in _blocks(document):
        size += len(block)
        if size > LONGEST_TEXT:
            raise refuse("too_much_text")
        blocks.append(block)
    return clean("\n\n".join(blocks))


def _blocks(document: Any) -> Iterator[str]:
    for item in document.iter_inner_content():
        text = _table(item, 0) if isinstance(item, Table) else item.text
        if text.strip():
            yield text


def _table(table: Table, depth: int) -> str:
    """One line a row, cells apart by tabs; a cell that spans others stands once."""
    if depth > _DEEPEST_TABLE:
        return ""
    lines = []
    for row in table.rows:
        cells = {id(cell._tc): cell for cell in row.cells}
        lines.append("\t".join(" ".join(_cell(cell, depth)) for cell in cells.values()))
    return "\n".join(lines)


def _cell(cell: Any, depth: int) -> Iterator[str]:
    for item in cell.iter_inner_content():
        text = item.text if isinstance(item, Paragraph) else _table(item, depth + 1)
        if text.strip():
            yield text.strip()


def _told(document: Any) -> tuple[str, dict[str, Any]]:
    kept, metadata = document.core_properties, {}
    if kept.author and kept.author.lower() not in {"python-docx", "user", "author", "admin"}:
        metadata["authors"] = [one_line(kept.author)]
    if kept.created is not None and kept.created.year > 1980:
        metadata["year"] = kept.created.year
    title = one_line(kept.title or "")
    return ("" if title == "Word Document" else title) or _heading(document), metadata


def _heading(document: Any) -> str:
    for paragraph in document.paragraphs[:40]:
        style = paragraph.style.name if paragraph.style is not None else ""
        if paragraph.text.strip() and style in {"Title", "Heading 1"}:
            return one_line(paragraph.text)
    return ""
