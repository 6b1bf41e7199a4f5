"""The library as tables: plain data in, something that Rich can draw out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from research.console.text import moment, one_line, safe


class Refusal(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...


def refused_table(refused: Sequence[Refusal]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Refused", "Why", ""):
        table.add_column(heading, overflow="fold")
    for each in refused:
        table.add_row(Text(safe(each.name)), Text(each.code), Text(safe(each.message)))
    return table


def documents_table(documents: Sequence[Mapping[str, Any]]) -> RenderableType:
    if not documents:
        return Text("Nothing here yet. Add something: prowzi library add PATH")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Document", "Kind", "Added"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Passages", justify="right", no_wrap=True)
    table.add_column("Title", overflow="ellipsis", no_wrap=True)
    for each in documents:
        table.add_row(
            each["document"],
            each["kind"],
            moment(each["created_at"]),
            f"{each['passages']:,}",
            Text(one_line(each["title"], 90)),
        )
    return table


def found_table(found: Sequence[Mapping[str, Any]]) -> RenderableType:
    if not found:
        return Text("Nothing in your library fits that.")
    parts: list[RenderableType] = []
    for number, each in enumerate(found, start=1):
        parts.append(Text(f"{number}. {one_line(each['title'], 100)}", style="bold"))
        parts.append(
            Text(f"   {each['document']} {each['start']}-{each['end']}  {each['score']:.2f}", style="dim")
        )
        parts.append(Text(f"   {one_line(each['text'], 300)}"))
    return Group(*parts)
