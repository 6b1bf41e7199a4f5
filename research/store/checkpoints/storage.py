"""Where blobs lie. A key is written once and never changed; what is published is on the disk.

To add a store: implement BlobStore and name its scheme in manager.py.
"""

from __future__ import annotations

import errno
import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from research.errors import (
    CheckpointForbidden,
    CheckpointMissing,
    CheckpointTooLarge,
    InvalidInput,
    StorageError,
    StorageFailed,
    StorageFull,
)
from research.failpoints import armed, failpoint
from research.store.checkpoints.codec import DEFAULT, Identity

ENDING = ".ckpt"
_TEMPORARY = ".tmp-"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_REMEMBERED = 4096  # folders


class BlobStore(Protocol):
    def put_new(self, key: str, data: bytes) -> None:
        """Publish durably under a new key; the same bytes again are fine, other bytes StorageFailed."""
        ...

    def put_metadata(self, key: str, metadata: dict[str, Any]) -> None:
        """A readable note beside a blob; a convenience, the row is the truth."""
        ...

    def read(self, key: str) -> bytes:
        """CheckpointMissing, CheckpointForbidden, CheckpointTooLarge or StorageFailed."""
        ...

    def delete(self, key: str) -> None: ...
    def exists(self, key: str) -> bool: ...
    def keys(self, older_than: float = 0.0) -> Iterator[str]: ...
    def sweep(self, older_than: float) -> int: ...


def blob_key(identity: Identity, digest: str) -> str:
    name = f"{identity.sequence:05d}-{identity.stage}-f{identity.fence}-{digest[:12]}{ENDING}"
    return f"{identity.session[:2]}/{identity.session}/{name}"


class LocalBlobStore:
    """Files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._durable: set[Path] = set()  # folders whose own name this process has seen synced

    def put_new(self, key: str, data: bytes) -> None:
        path = self._path(key)
        try:
            self._make_folder(path.parent)
            self._publish(path, data)
        except OSError as error:
            raise _named(error, "written") from error

    def _publish(self, path: Path, data: bytes) -> None:
        """Create-only; on the disk, name and content, when this returns.

        The name is made before the one sync that carries both: nobody reads a blob without a row, and the row
        comes after. Syncing first would make the file system write its journal twice.
        """
        temporary = path.parent / f"{_TEMPORARY}{uuid.uuid4().hex}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write_in_halves(descriptor, data)
            failpoint("FP10")
            os.link(temporary, path)  # never over an existing one
            temporary.unlink()
            _sync_or_take_back(descriptor, path)
        except FileExistsError:
            _rely_on(path, data)
        finally:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
        failpoint("FP11")

    def _make_folder(self, folder: Path) -> None:
        """A folder that another writer made a moment ago may not be on the disk yet: sync it as well."""
        if folder in self._durable and folder.is_dir():
            return
        if folder == self.root:
            _make_root(folder)
        else:
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True, mode=0o700)
            _sync_folder(folder.parent)
        self._remember(folder)

    def _remember(self, folder: Path) -> None:
        if len(self._durable) >= _REMEMBERED:
            self._durable.clear()
        self._durable.add(folder)

    def put_metadata(self, key: str, metadata: dict[str, Any]) -> None:
        path = self._path(key).with_suffix(".json")
        try:
            _write_plainly(path, json.dumps(metadata, sort_keys=True).encode("ascii") + b"\n")
        except OSError as error:
            raise _named(error, "written") from error

    def read(self, key: str) -> bytes:
        try:
            return _read_bounded(self._path(key))
        except FileNotFoundError as error:
            raise CheckpointMissing(f"The file {Path(key).name} is not in the storage.") from error
        except PermissionError as error:
            raise CheckpointForbidden from error
        except OSError as error:
            raise _named(error, "read") from error

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)
        except OSError as error:
            raise _named(error, "deleted") from error

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def keys(self, older_than: float = 0.0) -> Iterator[str]:
        """Every blob's key, or those that were published more than so many seconds ago."""
        for path in sorted(self.root.glob(f"*/*/*{ENDING}")):
            try:
                age = time.time() - path.stat().st_mtime
            except FileNotFoundError:
                continue  # deleted meanwhile
            if not older_than or age > older_than:
                yield str(path.relative_to(self.root))

    def sweep(self, older_than: float) -> int:
        """Remove temporary files older than so many seconds: of writers that died. How many."""
        swept = 0
        for path in self.root.rglob(f"{_TEMPORARY}*"):
            try:
                if time.time() - path.stat().st_mtime > older_than:
                    path.unlink()
                    swept += 1
            except FileNotFoundError:
                continue  # its writer was just done with it
        return swept

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if "\0" in key or any(not part or part.startswith(".") for part in parts):
            raise InvalidInput(f"{key!r} is not a key of the storage.")
        return self.root.joinpath(*parts)


def _write_in_halves(descriptor: int, data: bytes) -> None:
    half = len(data) // 2 if armed("FP09") else len(data)
    _write_all(descriptor, data[:half])
    failpoint("FP09")
    _write_all(descriptor, data[half:])


def _sync_or_take_back(descriptor: int, path: Path) -> None:
    """What could not be synced is taken back: a second sync would claim what the first one lost."""
    try:
        os.fsync(descriptor)  # when this fails, the file is not trusted
        _sync_folder(path.parent)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _rely_on(path: Path, data: bytes) -> None:
    """A blob that is there already: whoever published it may have died before it was on the disk."""
    if path.read_bytes() != data:
        raise StorageFailed(f"There is another blob under {path.name} already.") from None
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _sync_folder(path.parent)


def _write_plainly(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > DEFAULT.file:
            raise CheckpointTooLarge(f"The file {path.name} is larger than any that is written here.")
        return file.read()


def _make_root(root: Path) -> None:
    missing = [each for each in (root, *root.parents) if not each.is_dir()]
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in missing:
        _sync_folder(each.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _named(error: OSError, what: str) -> StorageError:
    if error.errno in _FULL:
        return StorageFull("No space is left for checkpoints. Free some; the session goes on by itself.")
    name = errno.errorcode.get(error.errno or 0, "?")
    return StorageFailed(f"The file could not be {what}: {error.strerror} ({name}).")
