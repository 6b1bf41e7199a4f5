"""Checkpoints of sessions: written before their row, read through every check, in the order of the chain."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from research.errors import CheckpointTampered, NotReady
from research.failpoints import failpoint
from research.models import Checkpoint, Session
from research.store.checkpoints import codec, storage
from research.store.checkpoints.keys import KeyRing
from research.store.lease import Held


@dataclass(frozen=True)
class Written:
    """A published blob whose row is still to be committed."""

    id: uuid.UUID
    key: str  # in the store
    schema: str
    schema_version: int
    bytes: int
    raw_bytes: int
    digest: str
    key_id: str
    metadata: dict[str, Any]


@lru_cache(maxsize=8)
def _ring(current: str, previous: tuple[str, ...]) -> KeyRing:
    return KeyRing.from_secrets(current, *previous)


def keys() -> KeyRing:
    return _ring(settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _open_store(address: str) -> storage.BlobStore:
    scheme, _, place = address.partition("://")
    if scheme != "file":
        raise NotReady(f"PROWZI_CHECKPOINT_STORAGE={address} is not a known store. Write file:///a/folder.")
    return storage.LocalBlobStore(Path(place))


def store() -> storage.BlobStore:
    return _open_store(settings.CHECKPOINT_STORAGE)


def write(held: Held, payload: dict[str, Any], *, schema: str, schema_version: int) -> Written:
    """Publish what the stage added, create-only. StorageError fails the attempt aloud."""
    failpoint("FP08")
    identity = codec.Identity(
        session=str(held.session_id),
        stage=held.stage,
        sequence=held.sequence + 1,
        attempt=held.attempt,
        fence=held.fence,
        schema=schema,
        schema_version=schema_version,
    )
    blob = codec.encode(payload, identity, keys=keys())
    key = storage.blob_key(identity, blob.digest)
    store().put_new(key, blob.data)
    return Written(
        id=uuid.uuid4(),
        key=key,
        schema=schema,
        schema_version=schema_version,
        bytes=len(blob.data),
        raw_bytes=blob.raw_bytes,
        digest=blob.digest,
        key_id=blob.key_id,
        metadata={**vars(identity), "raw_bytes": blob.raw_bytes, "digest": blob.digest},
    )


def describe(written: Written) -> None:
    """Put the readable metadata beside a blob. For people who look into the folder: the row is the truth."""
    store().put_metadata(written.key, written.metadata)


def read(checkpoint: Checkpoint) -> dict[str, Any]:
    """The plain data of a checkpoint, after every check. CheckpointError or StorageError by name."""
    data = store().read(str(checkpoint.blob.name))
    expected = codec.Identity(
        session=str(checkpoint.session_id),
        stage=checkpoint.stage,
        sequence=checkpoint.sequence,
        attempt=checkpoint.attempt,
        fence=checkpoint.fence,
        schema=checkpoint.schema,
        schema_version=checkpoint.schema_version,
    )
    decoded = codec.decode(data, expect=expected, keys=keys())
    if hashlib.sha256(data).hexdigest() != checkpoint.digest:
        raise CheckpointTampered("The checkpoint's file is not the one its row names.")
    return decoded.payload


def collect_garbage(older_than: float) -> int:
    """Delete blobs without a row that are older than so many seconds: their commit never came. How many."""
    place, collected = store(), 0
    for key in place.keys(older_than):
        if not Checkpoint.objects.filter(blob=key).exists():
            place.delete(key)
            collected += 1
    return collected


def chain(session: Session) -> list[Checkpoint]:
    """The checkpoints a session stands on, first stage first; a branch begins with its parent's."""
    own = list(Checkpoint.objects.filter(session=session).order_by("sequence"))
    return [*(ancestors(session.base) if session.base_id else []), *own]


def ancestors(checkpoint: Checkpoint | None) -> list[Checkpoint]:
    """A checkpoint and all before it, first stage first."""
    found: list[Checkpoint] = []
    while checkpoint is not None:
        found.append(checkpoint)
        checkpoint = checkpoint.parent
    return found[::-1]
