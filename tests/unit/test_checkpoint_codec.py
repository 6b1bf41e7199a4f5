"""Checkpoints as bytes: what goes in comes out, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
import random
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
    NotReady,
)
from research.store.checkpoints import codec, opcodes
from research.store.checkpoints.codec import Identity
from research.store.checkpoints.keys import KeyRing

KEYS = KeyRing.from_secrets("a secret for tests")
IDENTITY = Identity("0f" * 16, "search", 3, 1, 7, "SearchResult", 1)
SMALL = {"title": "Æ \ud800", "n": [1, -2, 2**70, 1.5, True, None], "raw": b"\x00\xff", "deep": {"a": [{}]}}

# The format as it was first released. Never write these anew: old checkpoints look like this.
GOLDEN = (
    "8950524f575a490a00010000011e0000000000000044cd9f0809ad35199c7b22617474656d7074223a312c22636f64656322"
    "3a227a737464222c22646967657374223a223262366662646434633162653135336136653031373961643733376331393465"
    "6530306234373434313263616231343231303330356338373661326364326534222c2266656e6365223a372c226b65795f69"
    "64223a226464383233383061222c227061636b65645f6279746573223a36382c227261775f6279746573223a3132342c2273"
    "6368656d61223a22536561726368526573756c74222c22736368656d615f76657273696f6e223a312c2273657175656e6365"
    "223a332c2273657373696f6e223a223066306630663066306630663066306630663066306630663066306630663066222c22"
    "7374616765223a22736561726368227d28b52ffd207cdd0100f40280059571007d94288c0474657874948c48706c61696e20"
    "948c016e945d94284b014e88473fe0008c02c3a69465752e03006b10aaa7483b803756d95ec600fdd5ab03b3b937b31caad7"
    "07ef0673ceb770b7200069950b3d783c"
)
GOLDEN_UNPACKED = (
    "8950524f575a490a00010000011f000000000000007c9c12b2920259dfb47b22617474656d7074223a312c22636f64656322"
    "3a226e6f6e65222c22646967657374223a223534363262356562326165313430353363626365613464373165623763363862"
    "3666613837623461666430366161636532353930323862383163646665323465222c2266656e6365223a372c226b65795f69"
    "64223a226464383233383061222c227061636b65645f6279746573223a3132342c227261775f6279746573223a3132342c22"
    "736368656d61223a22536561726368526573756c74222c22736368656d615f76657273696f6e223a312c2273657175656e63"
    "65223a332c2273657373696f6e223a223066306630663066306630663066306630663066306630663066306630663066222c"
    "227374616765223a22736561726368227d80059571000000000000007d94288c0474657874948c48706c61696e20706c6169"
    "6e20706c61696e20706c61696e20706c61696e20706c61696e20706c61696e20706c61696e20706c61696e20706c61696e20"
    "706c61696e20706c61696e20948c016e945d94284b014e88473fe00000000000008c02c3a69465752e4d72e00084d6509c1c"
    "a814599ce5115ac57e028067990e32a09ee02228d65dcf"
)

TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF), max_size=20)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**510), 2**510)
    | st.floats(allow_nan=False)
    | TEXT
    | st.binary(max_size=20),
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
    return signed_packed(packed, version=version, **{"raw_bytes": len(raw), **header})


def signed_packed(packed: bytes, *, version: int = codec.FORMAT, **header: Any) -> bytes:
    values = {
        **asdict(IDENTITY),
        "codec": "zstd",
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
    payload = {"a": shared, "b": shared}
    assert decode(codec.encode(payload, IDENTITY, keys=KEYS).data) == payload


@pytest.mark.parametrize("length", [101, 1001, 5000])
def test_long_lists_and_dicts_are_not_deep_ones(length: int) -> None:
    payload = {
        "lists": [[n] for n in range(length)],
        "dicts": [{"n": n} for n in range(length)],
        "by name": {str(n): {"empty": []} for n in range(length)},
    }
    assert decode(codec.encode(payload, IDENTITY, keys=KEYS).data) == payload


def test_not_a_number_and_long_parts_come_back() -> None:
    payload = {"nan": math.nan, "text": "é" * 70_000, "bytes": b"x" * 70_000, "same": ["again"] * 300}
    found = decode(codec.encode(payload, IDENTITY, keys=KEYS).data)
    assert math.isnan(found.pop("nan"))
    del payload["nan"]
    assert found == payload


def test_the_deepest_data_that_is_written_is_read() -> None:
    deep: Any = []
    for _ in range(opcodes.DEEPEST - 2):
        deep = [deep]
    assert decode(codec.encode({"a": deep}, IDENTITY, keys=KEYS).data) == {"a": deep}
    with pytest.raises(InvalidInput, match="deeply"):
        codec.encode({"a": [deep]}, IDENTITY, keys=KEYS)


def test_the_refusal_of_data_names_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"result\['found'\]\[1\]\['at'\] is a set"):
        codec.encode({"found": ["x", {"at": {1}}]}, IDENTITY, keys=KEYS)


def test_what_could_not_be_read_for_its_size_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = random.Random(3).randbytes(3000)
    monkeypatch.setattr(codec, "DEFAULT", codec.Limits(file=2000, raw=4000))
    with pytest.raises(CheckpointTooLarge, match="checkpoint has"):
        codec.encode({"a": noise}, IDENTITY, keys=KEYS)
    with pytest.raises(CheckpointTooLarge, match="result has"):
        codec.encode({"a": bytes(5000)}, IDENTITY, keys=KEYS)


def test_what_could_not_be_read_for_its_parts_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = {"a": [None] * 200}
    data = codec.encode(payload, IDENTITY, keys=KEYS).data
    monkeypatch.setattr(opcodes, "MOST_OPCODES", 100)
    with pytest.raises(CheckpointTooLarge):
        codec.encode(payload, IDENTITY, keys=KEYS)
    with pytest.raises(CheckpointTooLarge):
        decode(data)


def test_data_that_packing_would_lengthen_is_kept_as_it_is() -> None:
    noise = {"noise": random.Random(4).randbytes(1000)}
    kept, packed = (codec.encode(each, IDENTITY, keys=KEYS) for each in (noise, {"zeros": bytes(1000)}))
    assert (kept.codec, packed.codec) == ("none", "zstd")
    assert decode(kept.data) == noise


def test_b26_a_file_written_by_the_first_release_is_read_for_ever() -> None:
    for written in (GOLDEN, GOLDEN_UNPACKED):
        assert decode(bytes.fromhex(written)) == {"text": "plain " * 12, "n": [1, None, True, 0.5, "æ"]}


@pytest.mark.parametrize("value", [(1,), {1}, object(), {1: "a"}, 2**600, bytearray(b"x")])
def test_only_plain_data_is_written(value: Any) -> None:
    with pytest.raises(InvalidInput, match="result"):
        codec.encode({"a": [value]}, IDENTITY, keys=KEYS)


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
    with pytest.raises(CheckpointTampered):
        decode(signed(raw, packed_bytes=1))
    with pytest.raises(CheckpointMalformed):
        decode(signed(raw, raw_bytes=len(raw) - 1))
    with pytest.raises(CheckpointMalformed):
        decode(signed(raw, raw_bytes=len(raw) + 1))
    with pytest.raises(CheckpointTooLarge):
        decode(signed(raw, raw_bytes=2**40))


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(TEXT, PLAIN, max_size=4), st.data())
def test_s02_a_changed_pickle_with_the_right_signature_is_refused_or_plain(
    payload: dict[str, Any], data: st.DataObject
) -> None:
    raw = bytearray(pickle.dumps(payload, protocol=5))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(2, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(signed(bytes(raw)))
    except CheckpointError:
        return
    codec.plain_copy(found)


@pytest.mark.usefixtures("never_unpickled")
def test_s05_an_unsigned_header_cannot_exhaust_its_reader() -> None:
    with pytest.raises(CheckpointMalformed):
        decode(codec.frame(b"[" * 4000, b"", KEYS))
    with pytest.raises(CheckpointTooLarge):
        decode(codec.frame(b" " * 5000, b"", KEYS))
    with pytest.raises(CheckpointMalformed):
        decode(codec.frame(b'{"a":1, "a":2}', b"", KEYS))


@pytest.mark.usefixtures("never_unpickled")
def test_s05_a_file_that_is_too_large_is_not_even_looked_at() -> None:
    with pytest.raises(CheckpointTooLarge):
        codec.decode(bytes(1001), expect=IDENTITY, keys=KEYS, limits=codec.Limits(file=1000))


def test_text_that_is_not_utf8_is_refused_by_name() -> None:
    with pytest.raises(CheckpointMalformed):
        decode(signed(b"\x80\x05}\x8c\x01\xffNs."))


def test_a_result_is_a_dict() -> None:
    with pytest.raises(CheckpointMalformed):
        decode(signed(b"\x80\x05N."))


def test_the_keys_are_not_shown_and_not_empty() -> None:
    assert KEYS.keys[KEYS.current].hex() not in repr(KEYS)
    assert repr(KEYS.keys[KEYS.current]) not in repr(KEYS)
    with pytest.raises(NotReady):
        KeyRing.from_secrets("a secret", "")


def test_the_key_is_not_the_secret() -> None:
    assert KEYS.current != hashlib.sha256(b"a secret for tests").hexdigest()[:8]
    assert b"a secret for tests" not in KEYS.keys[KEYS.current]
