"""Blobs on the local disk: durable, create-only, inside their folder."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from research.errors import (
    CheckpointForbidden,
    CheckpointMissing,
    CheckpointTooLarge,
    InvalidInput,
    StorageFailed,
    StorageFull,
)
from research.failpoints import POINTS
from research.store.checkpoints.codec import Identity
from research.store.checkpoints.storage import LocalBlobStore, blob_key

KEY = "ab/abcd/00001-intent-f1-0123456789ab.ckpt"
NEXT = "ab/abcd/00002-planning-f1-0123456789ab.ckpt"


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
    assert json.loads((store.root / KEY).with_suffix(".json").read_text()) == {"stage": "intent"}
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


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", "a//b", "a/\0/b", "", ".", "a/.tmp-b"])
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
@pytest.mark.parametrize("call", ["open", "write", "fsync", "link"])
def test_b39_b40_a_failed_write_has_a_name_and_leaves_nothing(
    store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: type[Exception]
) -> None:
    def fail(*arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    store.put_new(KEY, b"data")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(error):
        store.put_new(NEXT, b"data")
    assert not store.exists(NEXT)
    assert temporaries(store) == []
    monkeypatch.undo()
    store.put_new(NEXT, b"data")
    assert store.read(NEXT) == b"data"


def test_b40_a_name_whose_folder_could_not_be_synced_is_taken_back(
    store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_new(KEY, b"data")
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EIO, "once")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageFailed):
        store.put_new(NEXT, b"data")
    with pytest.raises(StorageFailed):
        store.put_new(KEY, b"data")
    assert not store.exists(NEXT)
    assert store.read(KEY) == b"data"  # it was published before; others may rely on it


def test_a_short_write_is_continued(store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    store.put_new(KEY, b"0123456789")
    assert store.read(KEY) == b"0123456789"


def test_b40_a_failed_deletion_has_a_name(store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_new(KEY, b"data")

    def fail(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(Path, "unlink", fail)
    with pytest.raises(StorageFailed, match="EROFS"):
        store.delete(KEY)


def test_s05_a_huge_file_in_a_blobs_place_is_not_read(store: LocalBlobStore) -> None:
    store.put_new(KEY, b"data")
    os.truncate(store.root / KEY, 2**40)
    with pytest.raises(CheckpointTooLarge):
        store.read(KEY)


def test_a_folder_that_another_process_made_is_synced_before_it_is_relied_on(
    store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    LocalBlobStore(store.root).put_new(KEY, b"data")
    synced: list[str] = []
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), store.root))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    store.put_new(NEXT, b"data")
    assert [name for name in synced if ".tmp-" not in name] == [".", "ab", "ab/abcd"]
    del synced[:]
    store.put_new(NEXT.replace("00002", "00003"), b"data")
    assert [name for name in synced if ".tmp-" not in name] == ["ab/abcd"]


def test_b11_a_blob_whose_writer_died_before_the_commit_is_there_for_the_retry(store: LocalBlobStore) -> None:
    POINTS.arm("FP11=eio")
    try:
        with pytest.raises(StorageFailed):
            store.put_new(KEY, b"data")
    finally:
        POINTS.arm("")
    assert list(store.keys()) == [KEY]
    store.put_new(KEY, b"data")
    assert store.read(KEY) == b"data"


def test_every_published_blob_is_synced_before_it_is_relied_on(
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
    assert steps[-3:] == ["publish", "file", "folder"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_b24_missing_and_forbidden_are_told_apart(
    store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with pytest.raises(CheckpointMissing):
        store.read(KEY)

    def deny(*arguments: Any) -> None:
        raise OSError(number, "denied")

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(CheckpointForbidden):
        store.read(KEY)


@pytest.mark.parametrize("point", ["FP09", "FP10"])
def test_b09_b10_a_writer_that_dies_leaves_no_checkpoint_and_its_rest_is_swept(
    store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    # A dead process cleans up nothing.
    monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: None)
    POINTS.arm(f"{point}=eio")
    try:
        with pytest.raises(StorageFailed):
            store.put_new(KEY, b"data")
    finally:
        POINTS.arm("")
    monkeypatch.undo()
    assert not store.exists(KEY)
    assert list(store.keys()) == []
    assert [len(path.read_bytes()) for path in temporaries(store)] == [2 if point == "FP09" else 4]
    assert store.sweep(3600) == 0
    assert store.sweep(-1) == 1
    assert temporaries(store) == []
