"""Search engines. One file is one engine; the file's name is the name people type.

To add one: a module with `build(options, library) -> Engine`. `PROWZI_ENGINE_<NAME>__<OPTION>` sets one.
An engine raises ProviderUnavailable (worth another try) or ProviderRefused (not), never anything of its own.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from research.toolbox import Hit, Scope


class Engine(Protocol):
    name: ClassVar[str]
    needs_network: ClassVar[bool]

    async def search(self, query: str, scope: Scope) -> list[Hit]:
        """Best first; an empty list when nothing was found."""
        ...


class LibraryReader(Protocol):
    """The library as an engine sees it; the store implements it."""

    def search(self, query: str, scope: Scope) -> list[Hit]: ...
