"""The person's own library. Nothing leaves the machine; no options."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from research.providers.engines import LibraryReader
from research.toolbox import Hit, Scope


@dataclass(frozen=True)
class LibraryEngine:
    library: LibraryReader

    name: ClassVar[str] = "library"
    needs_network: ClassVar[bool] = False

    async def search(self, query: str, scope: Scope) -> list[Hit]:
        # In a thread: many sessions share the loop, and this reads from the disk.
        return await asyncio.to_thread(self.library.search, query, scope)


def build(options: Mapping[str, str], library: LibraryReader) -> LibraryEngine:
    return LibraryEngine(library)
