"""What a test needs from the machine. Missing: skipped with the reason, but in CI a failure."""

from __future__ import annotations

import glob
import os
import shutil

import pytest

# Debian keeps PostgreSQL's programs out of PATH.
_PLACES = {
    "postgresql": ("initdb", "/usr/lib/postgresql/*/bin/initdb"),
    "redis": ("redis-server", ""),
    "chromium": ("chromium", ""),
}


def find(tool: str) -> str:
    """The path of a tool's program, or an empty string."""
    program, elsewhere = _PLACES[tool]
    return shutil.which(program) or max(glob.glob(elsewhere), default="")


def need(tool: str) -> str:
    """The path of `postgresql` (its initdb), `redis` or `chromium`."""
    path = find(tool)
    if path:
        return path
    reason = f"{tool} is not installed"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}, and with CI=true nothing may be skipped. Install it: apt-get install {tool}")
    pytest.skip(reason)
