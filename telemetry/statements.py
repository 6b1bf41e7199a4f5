"""Plain SQL on the hot path: on SQLite straight to its driver, elsewhere through Django's cursor.

A stage commit runs about ten statements; Django's wrappers around each cost more than SQLite's own work.
Errors come out as Django's, transactions are Django's, and values must be what the driver takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections


@lru_cache(maxsize=1)
def is_sqlite() -> bool:
    """Asked many times a commit; the vendor of a running process does not change."""
    return connection.vendor == "sqlite"


@lru_cache(maxsize=512)
def _for_sqlite(statement: str) -> str:
    return statement.replace("%s", "?")


def _driver(wrapper: Any) -> Any:
    """SQLite's own connection, with Django's transaction begun where one is open."""
    if wrapper.connection is None:
        wrapper.ensure_connection()
    return wrapper.connection


def execute(statement: str, values: Sequence[Any] = ()) -> int:
    """Run one statement; the number of rows it touched."""
    if is_sqlite():
        wrapper = connections[DEFAULT_DB_ALIAS]
        with wrapper.wrap_database_errors:
            return int(_driver(wrapper).execute(_for_sqlite(statement), values).rowcount)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def execute_many(statement: str, rows: Iterable[Sequence[Any]]) -> None:
    if is_sqlite():
        wrapper = connections[DEFAULT_DB_ALIAS]
        with wrapper.wrap_database_errors:
            _driver(wrapper).executemany(_for_sqlite(statement), rows)
        return
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(rows))


def fetch(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    if is_sqlite():
        wrapper = connections[DEFAULT_DB_ALIAS]
        with wrapper.wrap_database_errors:
            return list(_driver(wrapper).execute(_for_sqlite(statement), values).fetchall())
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
