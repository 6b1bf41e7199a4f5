"""The only place that reads the environment. Tiny typed readers that refuse nonsense aloud.

Values come from the process environment, then from `.env` in the project's folder; `NAME_FILE` names a
file that holds the value, for secrets. Tests never read a developer's `.env`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import inf
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


class BadSetting(Exception):
    """A setting that cannot be used; the message says which and what to write instead."""


def _read_dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and name and not name.startswith("#"):
            values[name.strip()] = value.strip().strip("\"'")
    return values


class Environment:
    def __init__(self, values: Mapping[str, str] | None = None, dotenv: Path | None = None) -> None:
        given = os.environ if values is None else values
        kept = _read_dotenv(dotenv) if dotenv and given.get("PROWZI_TESTING") != "1" else {}
        self._values = {**kept, **given}

    def text(self, name: str, default: str = "") -> str:
        value = self._values.get(name, "").strip()
        if value:
            return value
        file = self._values.get(f"{name}_FILE", "").strip()
        if not file:
            return default
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSetting(f"{name}_FILE={file} cannot be read: {error.strerror}.") from error

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, "true" if default else "false").lower()
        if value not in _TRUE | _FALSE:
            raise BadSetting(f"{name}={value} is neither true nor false. Write {name}=true or {name}=false.")
        return value in _TRUE

    def number(self, name: str, default: float | None, *, least: float = 0) -> float | None:
        value = self.text(name)
        if not value:
            return default
        try:
            number = float(value)
        except ValueError:
            raise BadSetting(f"{name}={value} is not a number.") from None
        if not least <= number < inf:
            raise BadSetting(f"{name}={value} cannot be used; the least is {least:g}.")
        return number

    def whole(self, name: str, default: int, *, least: int = 0) -> int:
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit()) or int(value) < least:
            raise BadSetting(f"{name}={value} is not a whole number of at least {least}.")
        return int(value)

    def words(self, name: str, default: str = "") -> list[str]:
        return [
            word.strip() for word in self.text(name, default).replace(" ", ",").split(",") if word.strip()
        ]

    def options(self, prefix: str) -> dict[str, dict[str, str]]:
        """`PREFIX<NAME>__<OPTION>` variables as {name: {option: value}}, in lower case."""
        found: dict[str, dict[str, str]] = {}
        for key, value in self._values.items():
            name, separator, option = key.removeprefix(prefix).partition("__")
            if key.startswith(prefix) and separator:
                found.setdefault(name.lower(), {})[option.lower()] = value
        return found


_BAD_DATABASE = BadSetting(
    "DATABASE_URL cannot be used. Write postgres://user:password@host:5432/name, "
    "or leave it out for SQLite in the data folder."
)


def database(url: str, data_dir: Path) -> dict[str, object]:
    """Django's database settings for a DATABASE_URL; empty = SQLite in the data folder."""
    if not url:
        return _sqlite(data_dir / "prowzi.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path.removeprefix("/")) or data_dir / "prowzi.sqlite3"))
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise _BAD_DATABASE
    try:
        port = parts.port
    except ValueError:
        raise _BAD_DATABASE from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(port or ""),
        "OPTIONS": {"connect_timeout": 5, **dict(parse_qsl(parts.query))},
        "CONN_MAX_AGE": 60,
    }


def _sqlite(path: Path) -> dict[str, object]:
    # IMMEDIATE: a transaction that will write takes the lock at once, so it never fails half way (measured).
    # FULL: a committed stage survives a power cut.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=134217728; "
            "PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;",
        },
    }
