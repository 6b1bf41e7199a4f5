"""The commands that `prowzi help` lists, told without loading any of them. A test keeps this table true."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

COMMANDS = {
    "up": "web, worker, sweeper and watchdog together",
    "web": "the web process alone, for many machines",
    "worker": "a worker process alone, for many machines",
    "run": "ask a question: a whole research run",
    "resume": "go on where a session stands, or branch after a stage",
    "sessions": "list your sessions",
    "show": "one session: stages, events, checkpoints, report",
    "monitor": "watch a session until it ends",
    "pause": "pause a session",
    "cancel": "cancel a session",
    "approve": "approve the plan that a session waits with",
    "export": "write a session's report to a file",
    "library": "add, list, show, remove and search documents",
    "login-link": "a sign-in link for the pages, valid 15 minutes",
    "token": "API tokens: create, list, revoke",
    "demo": "load deterministic example data",
    "doctor": "every setting, dependency, store and worker: what is broken, and what to type",
}


def help_text() -> str:
    lines = ["Usage: prowzi COMMAND [OPTION…]", "", "Commands"]
    lines += [f"  {name:<10} {about}" for name, about in COMMANDS.items()]
    lines += [
        "",
        "prowzi COMMAND --help   its options, with an example",
        "prowzi help --all       Django's own commands too",
        "prowzi --version",
    ]
    return "\n".join(lines)


def unknown_text(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), n=3)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"prowzi: there is no command {name!r}.{meant} `prowzi help` lists all."
