"""Real exploit pickles and bombs, signed with the right key: only plain data is ever loaded."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from research.errors import CheckpointError, CheckpointMalformed, CheckpointUnsafe
from research.store.checkpoints import codec
from tests.unit.test_checkpoint_codec import IDENTITY, KEYS, decode, signed, signed_packed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def never_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(raw: bytes) -> Any:
        raise AssertionError("a refused checkpoint was unpickled")

    monkeypatch.setattr(codec, "_unpickle", refuse)


def test_s02_s03_every_exploit_pickle_is_refused_before_it_is_loaded(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[bytes] = []

    def remember(raw: bytes) -> dict[str, Any]:
        loaded.append(raw)
        return {}

    monkeypatch.setattr(codec, "_unpickle", remember)
    lines = (shared_data / "hostile-input/pickles.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    hostile, harmless = (
        {base64.b64decode(row["base64"]) for row in rows if row["harmless"] is kind} for kind in (False, True)
    )
    for raw in hostile | harmless:
        _open(signed(raw))
    assert len(hostile) >= 45
    assert set(loaded) <= harmless


def _open(data: bytes) -> None:
    try:
        codec.decode(data, expect=IDENTITY, keys=KEYS)
    except CheckpointError:
        return


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
    "frame of 16 EiB": b"\x80\x05\x95" + b"\xff" * 8 + b"}.",
    "frame of a TiB": b"\x80\x05\x95" + struct.pack("<Q", 2**40) + b"}.",
    "filled through a mark": b"\x80\x05](Nae.",
    "a million marks": b"\x80\x05" + b"(" * 1_000_001 + b".",
    "a million dicts": b"\x80\x05](" + b"}" * 1_000_001 + b"e.",
    "dicts in lists": b"\x80\x05}" + (_text("a") + b"](}") * 200 + b"es" * 200 + b".",
    "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1) + b"x.",
    "out-of-band buffer": b"\x80\x05\x97.",
    "extension": b"\x80\x05\x82\x01.",
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


_CHILD = """
import resource, sys
from pathlib import Path
from tests.unit.test_checkpoint_codec import CheckpointError, codec, decode
def refuse(raw): raise AssertionError("unpickled")
codec._unpickle = refuse
spent = resource.getrusage(resource.RUSAGE_SELF)
resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20, 512 * 2**20))
for path in sorted(Path(sys.argv[1]).iterdir()):
    resource.setrlimit(resource.RLIMIT_CPU, (int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + 3, -1))
    try:
        decode(path.read_bytes())
    except CheckpointError:
        print(path.name)
"""


def test_s05_b27_every_bomb_is_refused_within_512_mib_and_2_seconds_of_cpu(tmp_path: Path) -> None:
    files = {**{name.replace(" ", "-"): signed(raw) for name, raw in BOMBS.items()}, **_packed_bombs()}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    child = subprocess.run([sys.executable, "-c", _CHILD, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-2000:]
    assert child.stdout.split() == sorted(files)


def _packed_bombs() -> dict[str, bytes]:
    """1 GiB out of 33 kB: announced as it is, as less, and as the most that is allowed."""
    zeros = bytes(2**20)
    packer = zstandard.ZstdCompressor().compressobj()
    packed = b"".join(packer.compress(zeros) for _ in range(1024)) + packer.flush()
    sizes = {"announced": 2**30, "as-little": 100, "as-the-most": codec.DEFAULT.raw}
    return {name: signed_packed(packed, raw_bytes=size) for name, size in sizes.items()}


def test_the_unpickler_can_name_nothing_even_if_the_walk_were_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("research.store.checkpoints.opcodes.check", lambda raw: None)
    for name in ("call", "global", "persistent id"):
        with pytest.raises(CheckpointUnsafe):
            decode(signed(BOMBS[name]))
