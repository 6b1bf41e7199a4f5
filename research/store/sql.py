"""The few statements of the hot path in plain SQL: values as each database keeps them.

Measured: three raw statements cost 1.1 to 1.4 times the floor, the leanest ORM form 2.4 to 2.8.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from telemetry import statements


def execute(statement: str, values: Sequence[Any] = ()) -> int:
    """Run one statement; the number of rows it touched."""
    return statements.execute(statement, [_adapt(value) for value in values])


def execute_many(statement: str, many: Sequence[Sequence[Any]]) -> None:
    statements.execute_many(statement, [[_adapt(value) for value in values] for values in many])


def rows(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return statements.fetch(statement, [_adapt(value) for value in values])


def _adapt(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, uuid.UUID):
        return value.hex if statements.is_sqlite() else value
    if isinstance(value, datetime):
        if statements.is_sqlite() and value.tzinfo is UTC:
            return str(value.replace(tzinfo=None))  # what Django writes there, without its questions
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    return value


def as_uuid(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def as_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value


def now() -> float:
    """Seconds since the epoch by the database's clock; on SQLite that is this machine's (B19)."""
    if statements.is_sqlite():
        return time.time()
    return float(rows("SELECT extract(epoch FROM clock_timestamp())")[0][0])


def lock_clause() -> str:
    """Rows read to be changed: locked on PostgreSQL; SQLite's IMMEDIATE transaction locks them all."""
    return "" if statements.is_sqlite() else " FOR UPDATE"
