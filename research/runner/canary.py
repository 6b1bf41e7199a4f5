"""A song once in a while through the whole cluster: pusher, queue, a free worker. Silence = it stands still.

The pusher itself puts the canary into the stream, so nothing is written to the database, nothing piles up
and no other machine can sing for this one. The song is a number that rises in a file; no clock is compared.
"""

from __future__ import annotations

import re
from pathlib import Path

SECONDS = 0.5  # between two songs
_NONCE = re.compile(r"(\d{1,10})-(\d{1,20})")  # cluster's parent, number


def nonce(cluster_pid: int, number: int) -> str:
    return f"{cluster_pid}-{number}"


def song_path(run_dir: Path, cluster_pid: int) -> Path:
    return run_dir / "canaries" / str(cluster_pid)


def sing(run_dir: Path, song: str) -> None:
    """Called in a worker. A song that is none of ours is ignored."""
    parsed = _NONCE.fullmatch(song)
    if parsed is None:
        return
    path = song_path(run_dir, int(parsed[1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(parsed[2], encoding="ascii")


def last_song(run_dir: Path, cluster_pid: int) -> str:
    try:
        return song_path(run_dir, cluster_pid).read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def forget(run_dir: Path, cluster_pid: int) -> None:
    song_path(run_dir, cluster_pid).unlink(missing_ok=True)


def sweep(run_dir: Path) -> None:
    """Remove the songs of processes that are gone."""
    for path in (run_dir / "canaries").glob("*"):
        if not Path(f"/proc/{path.name}").exists():
            path.unlink(missing_ok=True)
