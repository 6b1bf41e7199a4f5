"""Pure functions: plain data in, something that Rich can draw out. Nothing here reads or prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from research.console.text import STYLES, moment, money, one_line, safe, seconds, word

Document = Mapping[str, Any]  # contract.md section 3: what `show --json` gives

_VERDICTS = ("supported", "partly", "contradicted", "not_found", "not_checked")


def status_text(status: str) -> Text:
    return Text(word(status), style=STYLES.get(status, ""))


def session_view(session: Document, *, elapsed: float | None = None, note: str = "") -> RenderableType:
    """One session: its question, a row per stage, a summary."""
    parts: list[RenderableType] = [
        Text(one_line(session["prompt"], 200), style="bold"),
        Text(f"session {session['session_id']}", style="dim"),
        stage_table(session["stages"]),
    ]
    if note:
        parts.append(Text(one_line(note, 200), style="cyan"))
    parts.append(summary_panel(session, elapsed=elapsed))
    return Group(*parts)


def stage_table(stages: Iterable[Document]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Stage", "Status"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Attempt", "Duration"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Details", overflow="fold")
    for stage in stages:
        table.add_row(
            Text(safe(stage["stage"])),
            status_text(stage["status"]),
            str(stage["attempt"] or ""),
            seconds(stage["duration_seconds"]),
            Text(details_text(stage)),
        )
    return table


def details_text(stage: Document) -> str:
    """What a stage found, in a few words; its error when it has one."""
    if stage.get("error"):
        return one_line(stage["error"], 160)
    said = [_said(name, value) for name, value in (stage.get("details") or {}).items()]
    return one_line(", ".join(filter(None, said)), 160)


def _said(name: str, value: Any) -> str:
    label = name.removesuffix("_count").replace("_", " ")
    if isinstance(value, bool):
        return label if value else ""
    if isinstance(value, int):
        return f"{value:,} {label}"
    if isinstance(value, float):
        return f"{label} {value:.2g}"
    if isinstance(value, str):
        return value
    return ""


def summary_rows(session: Document, *, elapsed: float | None = None) -> list[tuple[str, str]]:
    """What the panel and the plain lines say about a session as a whole."""
    spent = elapsed if elapsed is not None else session.get("total_duration_seconds")
    status = word(session["status"]) + (f" ({session['reason']})" if session.get("reason") else "")
    rows = [
        ("Status", status),
        ("Elapsed", seconds(spent)),
        ("Retries", str(session.get("total_retries") or 0)),
        ("Sources", _sources(session)),
        ("Citations", citations_text(session["citations"]) if session.get("report_path") else ""),
        ("Cost", _cost(session)),
        ("Report", str(session.get("report_path") or "")),
    ]
    return [(name, value) for name, value in rows if value]


def summary_panel(session: Document, *, elapsed: float | None = None) -> Panel:
    grid = Table.grid(padding=(0, 2))
    for name, value in summary_rows(session, elapsed=elapsed):
        style = STYLES.get(session["status"], "") if name == "Status" else ""
        grid.add_row(Text(name, style="dim"), Text(safe(value), style=style))
    return Panel(grid, title="Summary", title_align="left", expand=False)


def _sources(session: Document) -> str:
    details = {stage["stage"]: stage.get("details") or {} for stage in session["stages"]}
    accepted = details.get("verification", {}).get("accepted")
    found = details.get("search", {}).get("sources_count")
    if accepted is not None:
        return f"{accepted} accepted" + (f" of {found}" if found is not None else "")
    return "" if found is None else f"{found} found"


def citations_text(counts: Mapping[str, int]) -> str:
    """Such as `12, 10 supported, 2 partly, fabricated 0`."""
    judged = [f"{counts[name]} {name.replace('_', ' ')}" for name in _VERDICTS if counts.get(name)]
    return ", ".join([str(counts.get("total", 0)), *judged, f"fabricated {counts.get('fabricated', 0)}"])


def _cost(session: Document) -> str:
    cost = money(session.get("cost_usd"))
    if session.get("cost_in_doubt_usd"):
        cost += f" and {money(session['cost_in_doubt_usd'])} in doubt"
    if session.get("budget_usd") is not None:
        cost += f" of {money(session['budget_usd'])}"
    return cost


def sessions_table(sessions: Sequence[Document]) -> RenderableType:
    if not sessions:
        return Text('No sessions yet. Ask something: prowzi run "your question"')
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Session", "Status", "Started"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Duration", justify="right", no_wrap=True)
    table.add_column("Question", overflow="ellipsis", no_wrap=True)
    for session in sessions:
        table.add_row(
            str(session["session_id"]),
            status_text(session["status"]),
            moment(session.get("started_at") or session.get("created_at")),
            seconds(session.get("total_duration_seconds")),
            Text(one_line(session["prompt"], 80)),
        )
    return table


def events_table(events: Iterable[Document]) -> Table:
    table = Table("Seq", "At", "Stage", "Event", "Details", box=box.SIMPLE_HEAD, pad_edge=False)
    for event in events:
        table.add_row(
            str(event["seq"]),
            safe(str(event["at"]))[:23],
            Text(safe(event["stage"] or "session")),
            Text(safe(event["status"])),
            Text(details_text(event)),
        )
    return table


def checkpoints_table(checkpoints: Iterable[Document]) -> Table:
    table = Table("#", "Checkpoint", "Stage", "Created", "Bytes", box=box.SIMPLE_HEAD, pad_edge=False)
    for each in checkpoints:
        table.add_row(
            str(each["sequence"]),
            str(each["id"]),
            Text(safe(each["stage"])),
            moment(each["created_at"]),
            f"{each['bytes']:,}",
        )
    return table


def claims_table(claims: Iterable[Document]) -> Table:
    table = Table("#", "Verdict", "Checked by", "Claim", box=box.SIMPLE_HEAD, pad_edge=False)
    for claim in claims:
        table.add_row(
            str(claim["ordinal"]),
            Text(safe(claim["verdict"]).replace("_", " ")),
            Text(safe(claim["tier"])),
            Text(one_line(claim["text"], 160)),
        )
    return table
