"""Blobs on the local disk: durable, create-only, inside their folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from research.errors import CheckpointForbidden, CheckpointMissing, InvalidInput, StorageFailed, StorageFull
from research.failpoints import POINTS
from research.store.checkpoints.codec import Identity
from research.store.checkpoints.storage import LocalBlobStore, blob_key

KEY = "ab/abcd/00001-intent-f1-0123456789ab.ckpt"


@pytest.fixture
def store(tmp_path: Path) -> LocalBlobStore:
    return LocalBlobStore(tmp_path / "blobs")


def temporaries(store: LocalBlobStore) -> list[Path]:
    return list(store.root.glob("*/*/.tmp-*"))


def test_a_blob_is_read_back_and_listed(store: LocalBlobStore) -> None:
    store.put_new(KEY, b"data")
    store.put_metadata(KEY, {"stage": "intent"})
    assert store.read(KEY) == b"data"
    assert store.exists(KEY)
    assert list(store.keys()) == [KEY]
    store.delete(KEY)
    assert not store.exists(KEY)
    assert list(store.root.rglob("*.json")) == []


def test_the_key_names_session_sequence_stage_fence_and_digest() -> None:
    identity = Identity("abcd", "intent", 1, 1, 1, "Intent", 1)
    assert blob_key(identity, "0123456789abcdef") == KEY


def test_a_blob_is_never_overwritten(store: LocalBlobStore) -> None:
    store.put_new(KEY, b"data")
    store.put_new(KEY, b"data")
    with pytest.raises(StorageFailed, match="another blob"):
        store.put_new(KEY, b"other")
    assert store.read(KEY) == b"data"
    assert temporaries(store) == []


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", "a//b", "a/\0/b", "", "."])
def test_a_key_cannot_leave_the_folder(store: LocalBlobStore, key: str) -> None:
    with pytest.raises(InvalidInput):
        store.put_new(key, b"data")
    with pytest.raises(InvalidInput):
        store.read(key)


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EIO, StorageFailed),
        (errno.EROFS, StorageFailed),
        (errno.EMFILE, StorageFailed),
    ],
)
def test_b39_b40_a_failed_write_has_a_name_and_leaves_nothing(
    store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    store.root.joinpath("ab/abcd").mkdir(parents=True)
    with pytest.raises(error):
        store.put_new(KEY, b"data")
    assert not store.exists(KEY)
    assert temporaries(store) == []


def test_every_published_blob_was_synced_before_its_name_appeared(
    store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, link = os.fsync, os.link

    def spy_fsync(descriptor: int) -> None:
        steps.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    def spy_link(source: Path, target: Path) -> None:
        steps.append("publish")
        link(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "link", spy_link)
    store.put_new(KEY, b"data")
    assert steps[-3:] == ["file", "publish", "folder"]


def test_b24_missing_and_forbidden_are_told_apart(store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointMissing):
        store.read(KEY)

    def deny(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(Path, "read_bytes", deny)
    with pytest.raises(CheckpointForbidden):
        store.read(KEY)


@pytest.mark.parametrize("point", ["FP09", "FP10"])
def test_b09_b10_a_writer_that_dies_leaves_no_checkpoint_and_its_rest_is_swept(
    store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # a dead process cleans up nothing
    POINTS.arm(f"{point}=eio")
    try:
        with pytest.raises(StorageFailed):
            store.put_new(KEY, b"data")
    finally:
        POINTS.arm("")
    monkeypatch.undo()
    assert not store.exists(KEY)
    assert list(store.keys()) == []
    assert len(temporaries(store)) == 1
    assert store.sweep(3600) == 0
    assert store.sweep(-1) == 1
    assert temporaries(store) == []
