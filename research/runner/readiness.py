"""What must be true before anything starts. Each refusal is one line that says what to type (NotReady)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from research.checks import START_CHECKS
from research.errors import NotReady


def check_settings() -> None:
    """The first unsafe setting that makes a start wrong (docs/checks.md)."""
    for check in START_CHECKS:
        for found in check(None):
            raise NotReady(f"{found.msg} {found.hint}")


def check_data_dir(data_dir: Path) -> None:
    probe = data_dir / "run" / f".probe-{uuid4().hex}"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise NotReady(
            f"The data folder {data_dir} cannot be written ({error.strerror}). "
            "Give this user the right to, or name another one: PROWZI_DATA_DIR=/path/to/folder"
        ) from error


def check_database() -> None:
    """Reachable, with every migration applied."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise NotReady(f"The database does not answer: {_first_line(error)}. {_database_advice()}") from error
    if missing:
        raise NotReady(f"The database lacks {len(missing)} migrations. Type: prowzi migrate")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def _database_advice() -> str:
    if settings.EMBEDDED:
        return f"Look at the rights of {settings.DATABASES['default']['NAME']}."
    return "Look at DATABASE_URL, and whether the server runs."


def lock_data_dir(run_dir: Path) -> int:
    """The lock of the one `up` on a data folder, as a descriptor that keeps it while it is open."""
    descriptor = os.open(run_dir / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise NotReady(
            f"Prowzi already runs on {run_dir.parent} (process {holder}). "
            f"Stop it with: kill {holder}, or name another folder: PROWZI_DATA_DIR=/path/to/folder"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
