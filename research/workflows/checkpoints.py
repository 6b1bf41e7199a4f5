"""Checkpoints as the seed knew them: the whole state at one stage, saved, loaded, listed, deleted.

A session's own checkpoints are kept by the engine and only read here. What `save_checkpoint` writes lies in
a folder of its own, framed and signed as theirs: nothing that another wrote or changed is ever loaded.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from research import accounts, queries
from research.artifacts import Artifact, plain
from research.config import get_config
from research.errors import CheckpointMismatch, IllegalState, NotFound
from research.models import Checkpoint
from research.store.checkpoints import codec, manager
from research.store.checkpoints.storage import ENDING, LocalBlobStore
from telemetry.collector import from_anywhere

SCHEMA, SCHEMA_VERSION = "WorkflowCheckpoint", 1
SAVED = "saved"  # the folder below checkpoint_dir


@dataclass(frozen=True)
class CheckpointMetadata:
    """Which checkpoint this is; readable beside the blob as JSON."""

    session_id: str
    stage: str
    checkpoint_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sequence: int = 1
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    prompt: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "created_at": self.created_at.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CheckpointMetadata:
        return cls(**{**data, "created_at": datetime.fromisoformat(data["created_at"])})


@dataclass(frozen=True)
class WorkflowCheckpoint:
    """The state of a workflow: what every stage so far added, in order, as plain data."""

    metadata: CheckpointMetadata
    results: Mapping[str, Any]  # stage -> plain data, or an artifact


class CheckpointManager:
    def __init__(self, checkpoint_dir: Path | str | None = None, *, user: str | None = None) -> None:
        self.checkpoint_dir = Path(checkpoint_dir or get_config().checkpoint_dir)
        self._store = LocalBlobStore(self.checkpoint_dir / SAVED)
        self._user = user

    def save_checkpoint(self, checkpoint: WorkflowCheckpoint) -> str:
        """Its id. InvalidInput when a result is more than plain data; an id is never written twice."""
        payload = {"metadata": checkpoint.metadata.to_dict(), "results": _plain_results(checkpoint.results)}
        blob = codec.encode(payload, _identity(checkpoint.metadata), keys=manager.keys())
        key = _key(checkpoint.metadata.checkpoint_id)
        self._store.put_new(key, blob.data)
        self._store.put_metadata(key, checkpoint.metadata.to_dict())
        return checkpoint.metadata.checkpoint_id

    @from_anywhere
    def load_checkpoint(self, checkpoint_id: str) -> WorkflowCheckpoint:
        """A saved one, or one of a session's own. NotFound; CheckpointError when it must not be used."""
        if self._store.exists(_key(checkpoint_id)):
            return self._load_saved(checkpoint_id)
        row = self._row(checkpoint_id)
        results = {each.stage: manager.read(each) for each in manager.ancestors(row)}
        return WorkflowCheckpoint(_metadata_of(row), results)

    @from_anywhere
    def list_checkpoints(self, session_id: str | None = None) -> list[CheckpointMetadata]:
        """The oldest first: those of sessions, and saved ones."""
        rows = Checkpoint.objects.filter(session__in=queries.sessions_of(accounts.acting_user(self._user)))
        found = [_metadata_of(row) for row in rows.select_related("session")] + self._saved()
        chosen = [each for each in found if session_id in (None, each.session_id)]
        return sorted(chosen, key=lambda each: each.created_at)

    @from_anywhere
    def delete_checkpoint(self, checkpoint_id: str) -> None:
        """NotFound; IllegalState for a session's own, which leaves only with its session."""
        key = _key(checkpoint_id)
        if self._store.exists(key):
            self._store.delete(key)
            return
        row = self._row(checkpoint_id)
        raise IllegalState(f"The checkpoint belongs to session {row.session_id}. Delete the session instead.")

    def _load_saved(self, checkpoint_id: str) -> WorkflowCheckpoint:
        noted = self._note(_key(checkpoint_id))
        data = self._store.read(_key(checkpoint_id))
        payload = codec.decode(data, expect=_identity(noted), keys=manager.keys()).payload
        metadata = CheckpointMetadata.from_dict(payload["metadata"])
        if metadata.checkpoint_id != checkpoint_id:
            raise CheckpointMismatch("The checkpoint's file is another one: its id differs.")
        return WorkflowCheckpoint(metadata, payload["results"])

    def _note(self, key: str) -> CheckpointMetadata:
        """The readable note: it says what to expect, the signed blob says whether that is true."""
        path = (self._store.root / key).with_suffix(".json")
        try:
            return CheckpointMetadata.from_dict(json.loads(path.read_text(encoding="ascii")))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CheckpointMismatch(f"The note {path.name} beside the checkpoint cannot be read.") from error

    def _saved(self) -> list[CheckpointMetadata]:
        return [self._note(key) for key in self._store.keys()]  # noqa: SIM118  a store is no dict

    def _row(self, checkpoint_id: str) -> Checkpoint:
        mine = queries.sessions_of(accounts.acting_user(self._user))
        row = Checkpoint.objects.filter(session__in=mine, pk=_as_uuid(checkpoint_id)).first()
        if row is None:
            raise NotFound(f"There is no checkpoint {checkpoint_id!r} for you.")
        return row


def _as_uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(f"There is no checkpoint {text!r} for you.") from None


def _key(checkpoint_id: str) -> str:
    name = str(_as_uuid(checkpoint_id))  # a name that cannot climb out of the folder
    return f"{name[:2]}/{name[2:4]}/{name}{ENDING}"


def _identity(metadata: CheckpointMetadata) -> codec.Identity:
    return codec.Identity(
        session=metadata.session_id,
        stage=metadata.stage,
        sequence=metadata.sequence,
        attempt=1,
        fence=0,
        schema=SCHEMA,
        schema_version=SCHEMA_VERSION,
    )


def _metadata_of(row: Checkpoint) -> CheckpointMetadata:
    return CheckpointMetadata(
        session_id=str(row.session_id),
        stage=row.stage,
        checkpoint_id=str(row.pk),
        sequence=row.sequence,
        created_at=row.created_at,
        prompt=row.session.prompt,
    )


def _plain_results(results: Mapping[str, Any]) -> dict[str, Any]:
    return {stage: plain(value) if isinstance(value, Artifact) else value for stage, value in results.items()}
