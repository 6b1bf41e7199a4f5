"""Checkpoints as bytes: what goes in comes out, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import random
import struct
from dataclasses import asdict, replace
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from research.errors import (
    CheckpointError,
    CheckpointMalformed,
    CheckpointMismatch,
    CheckpointTampered,
    CheckpointTooLarge,
    CheckpointTooNew,
    CheckpointTruncated,
    InvalidInput,
)
from research.store.checkpoints import codec
from research.store.checkpoints.codec import Identity
from research.store.checkpoints.keys import KeyRing

KEYS = KeyRing.from_secrets("a secret for tests")
IDENTITY = Identity("0f" * 16, "search", 3, 1, 7, "SearchResult", 1)
SMALL = {"title": "Æ \ud800", "n": [1, -2, 2**70, 1.5, True, None], "raw": b"\x00\xff", "deep": {"a": [{}]}}

TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats(allow_nan=False) | TEXT | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=30,
)


def blob() -> bytes:
    return codec.encode(SMALL, IDENTITY, keys=KEYS).data


def decode(data: bytes, **changes: Any) -> Any:
    return codec.decode(data, expect=replace(IDENTITY, **changes), keys=KEYS).payload


def signed(raw: bytes, *, version: int = codec.FORMAT, **header: Any) -> bytes:
    """A file around any pickle, signed with the right key."""
    packed = zstandard.ZstdCompressor().compress(raw)
    values = {
        **asdict(IDENTITY),
        "codec": "zstd",
        "raw_bytes": len(raw),
        "packed_bytes": len(packed),
        "digest": hashlib.sha256(packed).hexdigest(),
        "key_id": KEYS.current,
    }
    text = json.dumps({**values, **header}, sort_keys=True, separators=(",", ":")).encode()
    return codec.frame(text, packed, KEYS, version=version)


@pytest.fixture
def never_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(raw: bytes) -> Any:
        raise AssertionError("a refused checkpoint was unpickled")

    monkeypatch.setattr(codec, "_unpickle", refuse)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXT, PLAIN, max_size=6))
def test_s04_plain_data_comes_back_equal_with_lone_surrogates(payload: dict[str, Any]) -> None:
    assert decode(codec.encode(payload, IDENTITY, keys=KEYS).data) == payload


def test_containers_that_stand_twice_are_written_twice() -> None:
    shared = ["x"] * 3
    assert decode(codec.encode({"a": shared, "b": shared}, IDENTITY, keys=KEYS).data) == {"a": shared, "b": shared}


@pytest.mark.parametrize("value", [(1,), {1}, object(), {1: "a"}, 2**600, bytearray(b"x")])
def test_only_plain_data_is_written(value: Any) -> None:
    with pytest.raises(InvalidInput, match="result"):
        codec.encode({"a": [value]}, IDENTITY, keys=KEYS)


def test_data_that_is_nested_too_deeply_is_not_written() -> None:
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(InvalidInput, match="deeply"):
        codec.encode({"a": deep}, IDENTITY, keys=KEYS)


@pytest.mark.usefixtures("never_unpickled")
def test_b21_a_file_cut_at_any_length_is_truncated() -> None:
    data = blob()
    for cut in range(len(data)):
        with pytest.raises(CheckpointTruncated):
            decode(data[:cut])


@pytest.mark.usefixtures("never_unpickled")
def test_b22_one_changed_bit_anywhere_is_tampered() -> None:
    data = blob()
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            with pytest.raises(CheckpointTampered):
                decode(bytes(changed))


@pytest.mark.usefixtures("never_unpickled")
def test_b22_random_bits_of_a_large_file_are_tampered() -> None:
    data = codec.encode({"text": random.Random(5).randbytes(200_000)}, IDENTITY, keys=KEYS).data
    dice = random.Random(6)
    for _ in range(300):
        changed = bytearray(data)
        changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        with pytest.raises(CheckpointTampered):
            decode(bytes(changed))


@pytest.mark.usefixtures("never_unpickled")
def test_s01_a_right_signature_with_another_key_is_refused() -> None:
    other = codec.encode(SMALL, IDENTITY, keys=KeyRing.from_secrets("another secret")).data
    with pytest.raises(CheckpointTooNew, match="SECRET_KEY_FALLBACKS"):
        decode(other)


@pytest.mark.usefixtures("never_unpickled")
def test_s01_a_forged_tag_under_our_key_id_is_refused() -> None:
    data = blob()
    with pytest.raises(CheckpointTampered):
        decode(data[:-32] + bytes(32))


@pytest.mark.usefixtures("never_unpickled")
@pytest.mark.parametrize(
    "changes",
    [
        {"session": "0e" * 16},
        {"stage": "intent"},
        {"sequence": 4},
        {"attempt": 2},
        {"fence": 8},
        {"schema": "Plan"},
        {"schema_version": 2},
    ],
)
def test_b23_a_file_of_another_checkpoint_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CheckpointMismatch):
        decode(blob(), **changes)


def test_b52_a_file_signed_before_the_key_changed_is_read() -> None:
    rotated = KeyRing.from_secrets("a newer secret", "a secret for tests")
    assert codec.decode(blob(), expect=IDENTITY, keys=rotated).payload == SMALL


@pytest.mark.usefixtures("never_unpickled")
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(signed(b"\x80\x05N.", version=codec.FORMAT + 1), id="format"),
        pytest.param(signed(b"\x80\x05N.", codec="lzma"), id="codec"),
        pytest.param(signed(b"\x80\x05N.", key_id="00000000"), id="key"),
    ],
)
def test_b25_what_a_newer_prowzi_wrote_is_too_new(data: bytes) -> None:
    with pytest.raises(CheckpointTooNew):
        decode(data)


@pytest.mark.usefixtures("never_unpickled")
def test_a_wrong_digest_or_length_is_refused_though_signed() -> None:
    raw = b"\x80\x05N."
    with pytest.raises(CheckpointTampered):
        decode(signed(raw, digest="0" * 64))
    with pytest.raises(CheckpointMalformed):
        decode(signed(raw, raw_bytes=len(raw) - 1))
    with pytest.raises(CheckpointMalformed):
        decode(signed(raw, raw_bytes=len(raw) + 1))
    with pytest.raises(CheckpointTooLarge):
        decode(signed(raw, raw_bytes=2**40))


def _text(value: str) -> bytes:
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


BOMBS = {
    "nested lists": b"\x80\x05" + b"]" * 200_000 + b"a" * 199_999 + b".",
    "a TiB of bytes": b"\x80\x05\x8e" + struct.pack("<Q", 2**40) + b".",
    "memo index": b"\x80\x05" + b"]\x94j" + struct.pack("<I", 2**31) + b".",
    "hash bomb": b"\x80\x05}(" + b"".join(b"M" + struct.pack("<H", n) + b"N" for n in range(100)) + b"u.",
    "memo bomb": b"\x80\x05]\x94(h\x00h\x00e.",
    "second pickle": b"\x80\x05N.\x80\x05N.",
    "global": b"\x80\x05cos\nsystem\n.",
    "stack global": b"\x80\x05" + _text("os") + _text("system") + b"\x93.",
    "tuple": b"\x80\x05K\x01K\x02\x86.",
    "set": b"\x80\x05\x8f.",
    "call": b"\x80\x05cos\nsystem\n" + _text("id") + b"\x85R.",
    "long integer": b"\x80\x05\x8b" + struct.pack("<I", 4096) + b"\x01" * 4096 + b".",
    "text key missing": b"\x80\x05}K\x01K\x02s.",
    "unclosed mark": b"\x80\x05(.",
    "empty stack": b"\x80\x05.",
    "odd items": b"\x80\x05}(" + _text("a") + b"u.",
    "old protocol": b"\x80\x02N.",
    "no end": b"\x80\x05N",
    "persistent id": b"\x80\x05" + _text("x") + b"Q.",
}


@pytest.mark.usefixtures("never_unpickled")
@pytest.mark.parametrize("raw", BOMBS.values(), ids=BOMBS.keys())
def test_s05_b27_a_bomb_with_the_right_signature_is_refused_before_it_is_loaded(raw: bytes) -> None:
    with pytest.raises(CheckpointError):
        decode(signed(raw))


@pytest.mark.usefixtures("never_unpickled")
def test_s05_a_decompression_bomb_is_stopped_at_its_announced_length() -> None:
    with pytest.raises(CheckpointMalformed):
        decode(signed(bytes(200 * 2**20), raw_bytes=100))


def test_the_unpickler_can_name_nothing_even_if_the_walk_were_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("research.store.checkpoints.opcodes.check", lambda raw: None)
    with pytest.raises(CheckpointError):
        decode(signed(BOMBS["call"]))
