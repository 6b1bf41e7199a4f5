"""Checkpoints as bytes: plain data, pickled (protocol 5), compressed (zstd), framed and signed.

    magic 8 · format version 2 · header length 4 · payload length 8 · CRC-32 of the header 4 · CRC-32 of these 4
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
import zlib
from dataclasses import asdict, dataclass
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
CODECS = ("zstd",)
TAG_BYTES = 32
_FIXED = struct.Struct(">8sHIQI")  # magic, version, header length, payload length, header CRC
_CRC = struct.Struct(">I")
_PREFIX = _FIXED.size + _CRC.size
_LEVEL = 3


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
    payload: Any


def encode(payload: dict[str, Any], identity: Identity, *, keys: KeyRing) -> Blob:
    """Frame and sign plain data. InvalidInput names the first part that is not plain."""
    raw = _pickle(plain_copy(payload))
    if len(raw) > DEFAULT.raw:
        raise CheckpointTooLarge(f"The result has {len(raw):,} bytes; the most is {DEFAULT.raw:,}.")
    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(raw)
    header = {
        **asdict(identity),
        "codec": CODECS[0],
        "raw_bytes": len(raw),
        "packed_bytes": len(packed),
        "digest": hashlib.sha256(packed).hexdigest(),
        "key_id": keys.current,
    }
    data = frame(_canonical(header), packed, keys)
    return Blob(data, hashlib.sha256(data).hexdigest(), len(raw), keys.current, CODECS[0])


def frame(header: bytes, packed: bytes, keys: KeyRing, *, version: int = FORMAT) -> bytes:
    """Bytes of a file with this header and payload, signed with the current key."""
    fixed = _FIXED.pack(MAGIC, version, len(header), len(packed), zlib.crc32(header))
    body = fixed + _CRC.pack(zlib.crc32(fixed)) + header + packed
    return body + keys.sign(body)


def decode(data: bytes, *, expect: Identity, keys: KeyRing, limits: Limits = DEFAULT) -> Decoded:
    """The payload of exactly the checkpoint that `expect` names, or a CheckpointError."""
    header, packed = _open(data, keys, limits)
    _check_identity(header, expect)
    if header.get("codec") not in CODECS:
        raise CheckpointTooNew(f"The checkpoint is packed with {header.get('codec')!r}, which is not known here.")
    if header.get("digest") != hashlib.sha256(packed).hexdigest():
        raise CheckpointTampered("The checkpoint's payload does not have its digest.")
    raw = _unpack(packed, header.get("raw_bytes"), limits.raw)
    opcodes.check(raw)
    return Decoded(header, _unpickle(raw))


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
    except ValueError:
        raise CheckpointMalformed("The checkpoint's header cannot be read.") from None
    if not isinstance(header, dict) or _canonical(header) != packed:
        raise CheckpointMalformed("The checkpoint's header is not in its one form.")
    return header


def _check_tag(key_id: str, body: bytes, tag: bytes, keys: KeyRing) -> None:
    if not keys.knows(key_id):
        raise CheckpointTooNew(
            f"The checkpoint is signed with key {key_id}, which is not known here. "
            "After a change of SECRET_KEY put the old one into SECRET_KEY_FALLBACKS."
        )
    if not keys.verifies(key_id, body, tag):
        raise CheckpointTampered


def _check_identity(header: dict[str, Any], expect: Identity) -> None:
    for name, value in asdict(expect).items():
        if header.get(name) != value or type(header.get(name)) is not type(value):
            raise CheckpointMismatch(f"The checkpoint's file is another one: its {name} differs.")


def _unpack(packed: bytes, raw_bytes: object, limit: int) -> bytes:
    """Decompress to exactly the announced length; nothing beyond it is ever held."""
    if type(raw_bytes) is not int or not 0 <= raw_bytes <= limit:
        raise CheckpointTooLarge
    try:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(io.BytesIO(packed)) as reader:
            raw = bytes(reader.read(raw_bytes))
            more = bytes(reader.read(1))
    except zstandard.ZstdError:
        raise CheckpointMalformed("The checkpoint cannot be decompressed.") from None
    if len(raw) != raw_bytes or more:
        raise CheckpointMalformed("The checkpoint does not have its announced length.")
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
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, UnicodeError) as error:
        raise CheckpointMalformed("The checkpoint's data cannot be read.") from error


def plain_copy(value: Any, path: str = "", depth: int = 1) -> Any:
    """A deep copy in which no container stands twice. InvalidInput for what is not plain data."""
    kind = type(value)
    if value is None or kind in (str, float, bool, bytes):
        return value
    if kind is int:
        if value.bit_length() >= opcodes.LONGEST_INTEGER * 8:
            raise InvalidInput(f"The result's {path or 'root'} is a number that is too long.")
        return value
    if kind not in (dict, list) or depth > opcodes.DEEPEST:
        what = f"a {kind.__name__}" if kind not in (dict, list) else "nested too deeply"
        raise InvalidInput(f"The result's {path or 'root'} is {what}; a checkpoint holds plain data only.")
    if kind is list:
        return [plain_copy(item, f"{path}[{at}]", depth + 1) for at, item in enumerate(value)]
    return {_key(key, path): plain_copy(item, f"{path}.{key}", depth + 1) for key, item in value.items()}


def _key(key: Any, path: str) -> str:
    if type(key) is not str:
        raise InvalidInput(f"The result's {path or 'root'} has a key that is not text: {key!r}.")
    return key
