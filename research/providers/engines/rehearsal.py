"""The library engine with a delay and a log of every call: a stand-in for a slow, paid engine in kill tests.

Offered only with PROWZI_TESTING=1. Options: DELAY seconds an answer takes, LOG a file that gets one JSON line
a call: `asked` when the call arrives, `answered` when its answer goes out.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from research.providers.engines import LibraryReader
from research.providers.engines.library import build as build_library
from research.toolbox import Hit, Scope

TESTING_ONLY = True


@dataclass(frozen=True)
class RehearsalEngine:
    delay: float  # seconds
    log: str  # path; empty = none
    library: LibraryReader

    name: ClassVar[str] = "rehearsal"
    needs_network: ClassVar[bool] = False

    async def search(self, query: str, scope: Scope) -> list[Hit]:
        self._note("asked", query, scope)
        await asyncio.sleep(self.delay)
        hits = await build_library({}, self.library).search(query, scope)
        self._note("answered", query, scope)
        return [hit.model_copy(update={"engine": self.name}) for hit in hits]

    def _note(self, what: str, query: str, scope: Scope) -> None:
        if not self.log:
            return
        key = hashlib.sha256(f"{scope}{query}".encode()).hexdigest()[:16]
        line = json.dumps(
            {"what": what, "key": key, "session": scope.options.get("session", ""), "pid": os.getpid()}
        )
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode() + b"\n")  # one write below PIPE_BUF: lines never mix
        finally:
            os.close(descriptor)


def build(options: Mapping[str, str], library: LibraryReader) -> RehearsalEngine:
    return RehearsalEngine(float(options.get("delay", "0.2")), options.get("log", ""), library)
