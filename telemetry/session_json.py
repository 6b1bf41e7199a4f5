"""The seed's session JSON: one file of WorkflowMetrics per session, for tools that read files."""

from __future__ import annotations

import json
import os
from pathlib import Path

from telemetry.metrics import WorkflowMetrics


def write_session_json(directory: Path, metrics: WorkflowMetrics) -> Path:
    """Replaces `<directory>/<session id>.json` at once: a reader sees the old file or the new one.

    A copy for convenience; the log in the database is the record, so nothing is synced here.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{metrics.session_id}.json"
    draft = directory / f".{metrics.session_id}.{os.getpid()}.tmp"
    draft.write_text(json.dumps(metrics.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(target)
    return target


def read_session_json(path: Path) -> WorkflowMetrics:
    return WorkflowMetrics.from_dict(json.loads(path.read_text(encoding="utf-8")))
