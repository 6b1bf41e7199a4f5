"""TelemetryError
├── OutsideTransaction   a bug: events were to be written apart from what they tell of
├── StreamMissing        nobody opened the session's stream
├── StreamMoved          another writer took the same numbers; nothing was written
└── AppendOnly           a bug: a record of the past was to be changed
"""

from __future__ import annotations


class TelemetryError(Exception):
    code = "telemetry"


class OutsideTransaction(TelemetryError):
    """Events are written together with what they tell of: call this inside transaction.atomic()."""

    code = "outside_transaction"

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class StreamMissing(TelemetryError, LookupError):
    code = "stream_missing"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} has no event stream. Call open_stream first.")


class StreamMoved(TelemetryError):
    code = "stream_moved"

    def __init__(self, session_id: str) -> None:
        super().__init__(
            f"Another writer added events to session {session_id} meanwhile; nothing was written. "
            "Repeat the transaction."
        )


class AppendOnly(TelemetryError):
    code = "append_only"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is append-only: rows are added by telemetry.collector, "
            "and a session leaves only as a whole, by collector.delete_stream."
        )
