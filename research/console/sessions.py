"""The doors of the seed's monitor: list, show and watch sessions, from a script or a command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from rich.console import Console

from research import accounts, queries
from research.console.monitor import WorkflowMonitor, follow_on
from research.console.tables import session_view, sessions_table
from research.foreground import watch
from research.models import Session
from telemetry.queries import stream_head


def list_sessions(
    limit: int = 20, *, status: str = "", user: str | None = None, console: Console | None = None
) -> list[dict[str, Any]]:
    """Print the newest sessions; the same as data."""
    found = queries.sessions_of(accounts.acting_user(user), status=status)[:limit]
    documents = [queries.session_json(session) for session in found]
    (console or Console()).print(sessions_table(documents))
    return documents


def show_session(
    session_id: str, *, user: str | None = None, console: Console | None = None
) -> dict[str, Any]:
    """Print one session; the same as data. NotFound for another's."""
    document = queries.session_json(queries.find_session(accounts.acting_user(user), session_id))
    (console or Console()).print(session_view(document))
    return document


def monitor_session_live(session_id: str, *, user: str | None = None, console: Console | None = None) -> str:
    """Draw a session until it ends, waits or is paused; its status then."""
    session = queries.find_session(accounts.acting_user(user), session_id)
    terminal = console or Console()
    return watch_session(session, terminal=terminal, say=terminal.print)


def watch_session(session: Session, *, terminal: Console | None, say: Callable[[str], None]) -> str:
    """Without a terminal: a line for every stage that ends from now on."""
    head = stream_head(session.pk)  # before the row: an event told twice does no harm, a missed one would
    monitor = WorkflowMonitor(document=_standing(session))
    with follow_on(monitor, terminal=terminal, say=say) as tell:
        asyncio.run(watch(session.pk, tell, head.seq if head else 0))
        monitor.show(_standing(session))
    return monitor.status


def _standing(session: Session) -> dict[str, Any]:
    session.refresh_from_db()
    return dict(queries.session_json(session))
