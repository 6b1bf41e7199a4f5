"""A person's first command just works: where there is no database file yet, it is made quietly."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from research.conf import conf


def migrate_if_new() -> None:
    """Only for the embedded default, and only when there is no file: an old one is its owner's to migrate."""
    lock = conf().run_dir / "first-migration.lock"
    if not settings.EMBEDDED or (_database_file().exists() and not lock.exists()):
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Two first commands at once: the second waits. After a crash in here the next one repeats it.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        call_command("migrate", verbosity=0, interactive=False)
        lock.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _database_file() -> Path:
    return Path(str(connection.settings_dict["NAME"]))
