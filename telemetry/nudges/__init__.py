"""A nudge says "session X has something new". It may be lost, repeated or forged: the row is the truth.

To add one, add a file here; its name is the name people type. It has `create(place) -> Nudge`.
Ringing must be cheap (under 0.1 ms), must never block and never raise: it happens after a commit.
Hearing is for one asyncio loop; `telemetry.wakes` merges several ways and looks once a second anyway.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Place:
    """What processes that nudge each other share."""

    data_dir: Path
    sqlite_path: Path | None = None  # None = the database is another one


class Ear(Protocol):
    """What a listener hears: session ids, or None for "look at everything you watch"."""

    async def __anext__(self) -> str | None: ...

    async def aclose(self) -> None: ...


class Nudge(Protocol):
    def ring(self, session_id: str) -> None:
        """Tells every listener on this place. Call it after the commit."""

    async def listen(self) -> Ear:
        """Once this returns, no ring is missed but by bad luck. Close the ear."""
        ...


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def open_nudges(chosen: Sequence[str], place: Place) -> list[Nudge]:
    """The nudges of these names; ValueError lists the choices when one is unknown."""
    unknown = [name for name in chosen if name not in names()]
    if unknown:
        raise ValueError(f"There is no nudge {unknown[0]!r}. Choose from: {', '.join(names())}.")
    return [import_module(f"{__name__}.{name}").create(place) for name in chosen]
