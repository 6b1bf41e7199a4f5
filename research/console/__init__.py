"""Sessions in a terminal.

text       words, times and money; what a terminal must not obey
tables     pure functions to Rich objects
monitor    a session kept up from its events, and drawn
sessions   the doors: list, show, watch
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from research.console.monitor import ProgressListener, WorkflowMonitor
    from research.console.sessions import list_sessions, monitor_session_live, show_session, watch_session

__all__ = [
    "ProgressListener",
    "WorkflowMonitor",
    "list_sessions",
    "monitor_session_live",
    "show_session",
    "watch_session",
]


def __getattr__(name: str) -> Any:
    # Late: every command needs the words of this package, few need an engine to be loaded.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "monitor" if name in {"ProgressListener", "WorkflowMonitor"} else "sessions"
    return getattr(import_module(f"{__name__}.{home}"), name)
