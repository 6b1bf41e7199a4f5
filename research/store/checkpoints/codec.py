"""Checkpoints as bytes: plain data, pickled (protocol 5), compressed (zstd), framed and signed.

    magic 8 · format version 2 · header length 4 · payload length 8 · CRC-32 of the header 4 ·
    CRC-32 of these 4
    header (canonical JSON) · payload · HMAC-SHA256 over everything before, 32

Numbers are big-endian. The checks before anything is believed, in this order, each refusal with its own
name: size, magic and version, header, HMAC, identity, digest, bounded decompression to the exact length,
a walk over the opcodes, an unpickler that can name nothing. The CRCs protect from nothing; they only tell
a damaged file (tampered) from one written by a newer Prowzi or with another key (too new).
This is the only module that touches pickle.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import threading
import zlib
from dataclasses import dataclass
from typing import Any, TypeAlias

import zstandard

from research.errors import (
    CheckpointError,
    CheckpointMalformed,
    CheckpointMismatch,
    CheckpointTampered,
    CheckpointTooLarge,
    CheckpointTooNew,
    CheckpointTruncated,
    CheckpointUnsafe,
    InvalidInput,
)
from research.store.checkpoints import opcodes
from research.store.checkpoints.keys import KeyRing

Plain: TypeAlias = "dict[str, Plain] | list[Plain] | str | int | float | bool | bytes | None"

MAGIC = b"\x89PROWZI\n"
FORMAT = 1
ZSTD, NONE = "zstd", "none"
TAG_BYTES = 32
_FIXED = struct.Struct(">8sHIQI")  # magic, version, header length, payload length, header CRC
_CRC = struct.Struct(">I")
_PREFIX = _FIXED.size + _CRC.size
_LEVEL = 1  # measured on text: as small as level 3 and almost twice as quick
_here = threading.local()
_ATOMS = frozenset({str, float, bool, bytes, type(None)})
_WINDOW = 2**23  # what RFC 8878 asks every reader to have; our level needs less


@dataclass(frozen=True)
class Limits:
    """In bytes."""

    file: int = 64 * 2**20
    header: int = 4096
    raw: int = 256 * 2**20


DEFAULT = Limits()


@dataclass(frozen=True)
class Identity:
    """Which checkpoint this is; read back only as exactly this one."""

    session: str
    stage: str
    sequence: int
    attempt: int
    fence: int
    schema: str
    schema_version: int


@dataclass(frozen=True)
class Blob:
    data: bytes
    digest: str  # sha256 of the whole file, hex
    raw_bytes: int  # of the pickle
    key_id: str
    codec: str


@dataclass(frozen=True)
class Decoded:
    header: dict[str, Any]
    payload: dict[str, Any]


def encode(payload: dict[str, Any], identity: Identity, *, keys: KeyRing) -> Blob:
    """Frame and sign plain data. InvalidInput names the first part that is not plain.

    CheckpointTooLarge for what `decode` would refuse for its size: it must fail now, not when it is needed.
    """
    raw = _pickle(plain_copy(payload))
    _check_size(raw)
    codec, packed = _pack(raw)
    header = {
        **vars(identity),
        "codec": codec,
        "raw_bytes": len(raw),
        "packed_bytes": len(packed),
        "digest": hashlib.sha256(packed).hexdigest(),
        "key_id": keys.current,
    }
    data = frame(_canonical(header), packed, keys)
    if len(data) > DEFAULT.file:
        raise CheckpointTooLarge(f"The checkpoint has {len(data):,} bytes; the most is {DEFAULT.file:,}.")
    return Blob(data, hashlib.sha256(data).hexdigest(), len(raw), keys.current, codec)


def _check_size(raw: bytes) -> None:
    if len(raw) > DEFAULT.raw:
        raise CheckpointTooLarge(f"The result has {len(raw):,} bytes; the most is {DEFAULT.raw:,}.")
    if len(raw) > opcodes.MOST_OPCODES:  # fewer bytes cannot be too many parts
        opcodes.check(raw)


def _compressor() -> zstandard.ZstdCompressor:
    """One a thread: making its tables costs more than a small checkpoint, and it is not safe to share."""
    if not hasattr(_here, "compressor"):
        _here.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    compressor: zstandard.ZstdCompressor = _here.compressor
    return compressor


def _pack(raw: bytes) -> tuple[str, bytes]:
    packed = _compressor().compress(raw)
    return (ZSTD, packed) if len(packed) < len(raw) else (NONE, raw)


def frame(header: bytes, packed: bytes, keys: KeyRing, *, version: int = FORMAT) -> bytes:
    """Bytes of a file with this header and payload, signed with the current key."""
    fixed = _FIXED.pack(MAGIC, version, len(header), len(packed), zlib.crc32(header))
    body = fixed + _CRC.pack(zlib.crc32(fixed)) + header + packed
    return body + keys.sign(body)


def decode(data: bytes, *, expect: Identity, keys: KeyRing, limits: Limits = DEFAULT) -> Decoded:
    """The payload of exactly the checkpoint that `expect` names, or a CheckpointError."""
    header, packed = _open(data, keys, limits)
    _check_identity(header, expect)
    _check_payload(header, packed)
    raw = _unpack(packed, header, limits.raw)
    opcodes.check(raw)
    payload = _unpickle(raw)
    if type(payload) is not dict:
        raise CheckpointMalformed("The checkpoint's data is not a result.")
    return Decoded(header, payload)


def _open(data: bytes, keys: KeyRing, limits: Limits) -> tuple[dict[str, Any], bytes]:
    if len(data) > limits.file:
        raise CheckpointTooLarge
    header_size, payload_size, header_crc = _read_prefix(data)
    body_size = _PREFIX + header_size + payload_size
    if header_size > limits.header:
        raise CheckpointTooLarge("The checkpoint's header is too large.")
    if len(data) < body_size + TAG_BYTES:
        raise CheckpointTruncated
    if len(data) > body_size + TAG_BYTES:
        raise CheckpointTampered("The checkpoint's file is longer than it says.")
    packed_header = data[_PREFIX : _PREFIX + header_size]
    if zlib.crc32(packed_header) != header_crc:
        raise CheckpointTampered
    header = _read_header(packed_header)
    _check_tag(str(header.get("key_id")), data[:body_size], data[body_size:], keys)
    return header, data[_PREFIX + header_size : body_size]


def _read_prefix(data: bytes) -> tuple[int, int, int]:
    if len(data) < _PREFIX:
        raise CheckpointTruncated
    fixed = data[: _FIXED.size]
    magic, version, header_size, payload_size, header_crc = _FIXED.unpack(fixed)
    if zlib.crc32(fixed) != _CRC.unpack(data[_FIXED.size : _PREFIX])[0]:
        raise CheckpointTampered
    if magic != MAGIC:
        raise CheckpointMalformed("This is not a checkpoint.")
    if version != FORMAT:
        raise CheckpointTooNew(f"The checkpoint has format {version}; this Prowzi reads {FORMAT}.")
    return header_size, payload_size, header_crc


def _read_header(packed: bytes) -> dict[str, Any]:
    try:
        header = json.loads(packed)
    except (ValueError, RecursionError):
        raise CheckpointMalformed("The checkpoint's header cannot be read.") from None
    if not isinstance(header, dict) or _canonical(header) != packed:
        raise CheckpointMalformed("The checkpoint's header is not in its one form.")
    return header


def _check_tag(key_id: str, body: bytes, tag: bytes, keys: KeyRing) -> None:
    if not keys.knows(key_id):
        raise CheckpointTooNew(
            f"The checkpoint is signed with key {key_id!a}, which is not known here. "
            "After a change of SECRET_KEY put the old one into SECRET_KEY_FALLBACKS."
        )
    if not keys.verifies(key_id, body, tag):
        raise CheckpointTampered


def _check_identity(header: dict[str, Any], expect: Identity) -> None:
    for name, value in vars(expect).items():
        if header.get(name) != value or type(header.get(name)) is not type(value):
            raise CheckpointMismatch(f"The checkpoint's file is another one: its {name} differs.")


def _check_payload(header: dict[str, Any], packed: bytes) -> None:
    codec = header.get("codec")
    if codec not in (ZSTD, NONE):
        raise CheckpointTooNew(f"The checkpoint is packed with {codec!a}, which is not known here.")
    found = (len(packed), hashlib.sha256(packed).hexdigest())
    if (header.get("packed_bytes"), header.get("digest")) != found:
        raise CheckpointTampered("The checkpoint's payload does not have its length and digest.")


def _unpack(packed: bytes, header: dict[str, Any], limit: int) -> bytes:
    """The payload at exactly its announced length; nothing beyond it is ever held."""
    size = header.get("raw_bytes")
    if type(size) is not int or not 0 <= size <= limit:
        raise CheckpointTooLarge
    raw = packed if header["codec"] == NONE else _decompress(packed, size)
    if len(raw) != size:
        raise CheckpointMalformed("The checkpoint does not have its announced length.")
    return raw


def _decompress(packed: bytes, size: int) -> bytes:
    try:
        with zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(io.BytesIO(packed)) as reader:
            raw, more = bytes(reader.read(size)), reader.read(1)
    except zstandard.ZstdError:
        raise CheckpointMalformed("The checkpoint cannot be decompressed.") from None
    if more:
        raise CheckpointMalformed("The checkpoint is longer than its announced length.")
    return raw


def _canonical(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


class _Plain(pickle.Unpickler):
    """Can name nothing: the last line behind the walk."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise CheckpointUnsafe("The checkpoint names a class.")

    def persistent_load(self, pid: Any) -> Any:
        raise CheckpointUnsafe("The checkpoint refers to something outside.")


def _pickle(payload: Any) -> bytes:
    return pickle.dumps(payload, protocol=5)


def _unpickle(raw: bytes) -> Any:
    try:
        return _Plain(io.BytesIO(raw)).load()
    except CheckpointError:
        raise
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise CheckpointMalformed("The checkpoint's data cannot be read.") from error


class _NotPlain(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str | int] = []  # innermost first


def plain_copy(value: Any) -> Any:
    """A deep copy in which no container stands twice. InvalidInput for what is not plain data."""
    try:
        return _copy(value, 1)
    except _NotPlain as found:
        place = "".join(f"[{step!a}]" for step in reversed(found.path)) or " itself"
        message = f"The result{place} {found.reason}; a checkpoint holds plain data only."
        raise InvalidInput(message) from None


def _copy(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is dict:
        return _copy_items(value, depth)
    if kind is list:
        return _copy_list(value, depth)
    if kind in _ATOMS:
        return value
    if kind is not int:
        raise _NotPlain(f"is a {kind.__name__}")
    if value.bit_length() >= opcodes.LONGEST_INTEGER * 8:
        raise _NotPlain("is a number that is too long")
    return value


def _copy_items(items: dict[Any, Any], depth: int) -> dict[str, Any]:
    _check_depth(depth)
    copied: dict[str, Any] = {}
    for key, value in items.items():
        if type(key) is not str:
            raise _NotPlain(f"has a key that is a {type(key).__name__}, not text")
        try:
            copied[key] = _copy(value, depth + 1)
        except _NotPlain as found:
            found.path.append(key)
            raise
    return copied


def _copy_list(values: list[Any], depth: int) -> list[Any]:
    _check_depth(depth)
    copied: list[Any] = []
    for value in values:
        try:
            copied.append(_copy(value, depth + 1))
        except _NotPlain as found:
            found.path.append(len(copied))
            raise
    return copied


def _check_depth(depth: int) -> None:
    if depth > opcodes.DEEPEST:
        raise _NotPlain("is nested too deeply")
