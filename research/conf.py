"""Research's settings as one typed object with the defaults visible."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from django.conf import settings


@dataclass(frozen=True)
class Conf:
    data_dir: Path
    checkpoint_storage: str
    checkpoints: bool = True
    telemetry: bool = True
    llm: str = "offline"
    engines: list[str] = field(default_factory=lambda: ["library"])
    engine_options: dict[str, dict[str, str]] = field(default_factory=dict)
    contact: str = ""
    concurrency: int = 16  # sessions at once in one worker process
    workers: int = 2  # worker processes
    lease_seconds: float = 15.0
    drain_seconds: float = 30.0
    budget_usd: float | None = None
    retention_days: float | None = None
    failpoints: str = ""

    @property
    def run_dir(self) -> Path:
        """Locks, doorbells and canaries of this machine's processes."""
        return self.data_dir / "run"


def conf() -> Conf:
    """Read anew at each call, so that tests may override settings."""
    known = {item.name for item in fields(Conf)}
    values: dict[str, Any] = {name: value for name, value in settings.PROWZI.items() if name in known}
    return Conf(data_dir=Path(settings.DATA_DIR), checkpoint_storage=settings.CHECKPOINT_STORAGE, **values)
