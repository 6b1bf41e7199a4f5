"""Words and texts as a terminal may show them: no text of ours or of others can steer it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

# C0 and C1 controls but newline and tab, and the marks that turn the reading direction: a title could
# otherwise move the cursor, retitle the window or show itself as another one.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

GLYPHS = {
    "queued": "○",
    "running": "◐",
    "waiting": "◷",
    "paused": "‖",
    "retrying": "↻",
    "completed": "✔",
    "failed": "✖",
    "cancelled": "⊘",
    "skipped": "◌",
}
STYLES = {
    "queued": "dim",
    "running": "cyan",
    "waiting": "yellow",
    "paused": "yellow",
    "retrying": "yellow",
    "completed": "green",
    "failed": "red",
    "cancelled": "dim",
    "skipped": "dim",
}


def safe(text: str) -> str:
    """The text with every character that a terminal would obey shown as U+FFFD."""
    return _UNSAFE.sub("\ufffd", text)


def one_line(text: str, width: int = 60) -> str:
    """The beginning of a text in one line."""
    line = " ".join(safe(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def word(status: str) -> str:
    """Such as `✔ Completed`; a status that is not known is shown as it is."""
    return f"{GLYPHS.get(status, '·')} {safe(status).capitalize()}"


def seconds(value: float | None) -> str:
    """Such as 0.4 s, 12 s, 3 min 5 s, 2 h 4 min; empty for None."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def money(usd: float | None) -> str:
    return "" if usd is None else f"${usd:.2f}" if usd >= 0.005 or usd == 0 else f"${usd:.6f}"


def moment(at: str | datetime | None) -> str:
    """A time in UTC to the minute; empty for none."""
    if not at:
        return ""
    given = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return given.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
