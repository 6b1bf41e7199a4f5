"""Who works on this machine, told by the kernel: a lock that is freed the moment its process dies.

A stopped process keeps its lock; then only the end of its lease frees the session.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


def host_id(owners: Path) -> str:
    """Names this kernel's boot and this folder: only who shares both can judge each other's locks."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    place = owners.stat()
    return f"{boot}-{place.st_dev:x}-{place.st_ino:x}"


def _folder(run_dir: Path) -> Path:
    folder = run_dir / "owners"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass
class OwnerLock:
    """One worker's life. `name` stands in the leases it takes."""

    name: str
    path: Path
    descriptor: int

    @classmethod
    def create(cls, run_dir: Path) -> OwnerLock:
        folder = _folder(run_dir)
        identity = uuid.uuid4().hex
        fresh, path = folder / f".{identity}", folder / f"{identity}.lock"
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fresh.rename(path)  # seen by others only when it is locked
        return cls(f"{host_id(folder)}/{identity}", path, descriptor)

    def close(self) -> None:
        """Idempotent. The file goes first, then the lock, so nobody sees it free."""
        if self.descriptor >= 0:
            self.path.unlink(missing_ok=True)
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> OwnerLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_dead(owner: str, run_dir: Path) -> bool | None:
    """Whether the owner of a lease is gone; None = it lives on another machine, its lease must end."""
    folder = _folder(run_dir)
    host, _, identity = owner.partition("/")
    if host != host_id(folder) or not identity.isalnum():
        return None
    try:
        descriptor = os.open(folder / f"{identity}.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def sweep(run_dir: Path) -> list[str]:
    """Remove the lock files of the dead; the names removed."""
    folder = _folder(run_dir)
    host = host_id(folder)
    gone = []
    for path in folder.glob("*.lock"):
        if is_dead(f"{host}/{path.stem}", run_dir):
            path.unlink(missing_ok=True)
            gone.append(path.stem)
    return gone
