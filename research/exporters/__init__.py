"""How a finished report leaves. One file is one plug-in; its FORMAT is the word people type.

To add one: a module here with

    FORMAT = "md"                    the word for --format, and the ending of --output
    MEDIA_TYPE = "text/markdown; charset=utf-8"
    def render(report: Report) -> bytes

Nothing else lists it. All text in a Report is untrusted: a plug-in escapes it for its own format.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import import_module
from typing import Protocol, cast

from research.artifacts import Draft, Evaluation, Intent, Plan, SearchResult, Verification
from research.claims.wording import say
from research.errors import UnknownChoice


@dataclass(frozen=True)
class Report:
    """Everything an export may show of one session."""

    question: str
    intent: Intent
    plan: Plan
    verification: Verification
    draft: Draft  # the final one, see claims/report.py
    evaluation: Evaluation  # of that draft
    created: datetime  # aware
    session: str = ""  # id, shown in structured formats
    search: SearchResult | None = None  # tells which queries found nothing

    @property
    def language(self) -> str:
        return self.draft.language

    @property
    def label(self) -> str:
        """The line that says who wrote this."""
        if self.draft.method == "offline":
            return say(self.language, "offline")
        return say(self.language, "modelled", method=self.draft.method)

    @property
    def looked_for(self) -> list[str]:
        if self.search is not None:
            return list(self.search.looked_for)
        return list(dict.fromkeys(query for section in self.plan.sections for query in section.queries))


class Exporter(Protocol):
    FORMAT: str
    MEDIA_TYPE: str

    def render(self, report: Report) -> bytes:
        """The whole report in this format."""
        ...


@lru_cache(maxsize=1)
def exporters() -> dict[str, Exporter]:
    """Every plug-in of this package by the word people type."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = [cast(Exporter, import_module(f"{__name__}.{name}")) for name in names]
    return {module.FORMAT: module for module in modules if hasattr(module, "FORMAT")}


def exporter(name: str) -> Exporter:
    found = exporters().get(name)
    if found is None:
        choices = ", ".join(sorted(exporters()))
        raise UnknownChoice(f"There is no export format {name!r}.", hint=f"Choose one of: {choices}.")
    return found
