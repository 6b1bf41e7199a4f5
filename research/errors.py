"""Every error Prowzi raises on purpose, as one tree. The class tells the reaction.

ProwziError                     code, message, what to do next
├─ UserError                    tell the person: the request cannot be done as asked
│  ├─ InvalidInput              422, exit 2
│  │  └─ UnknownChoice          names the choices
│  ├─ NotFound                  404, exit 3 (also for what belongs to somebody else)
│  │  └─ ReportNotReady         the session has no report yet
│  ├─ IllegalState              409: the verb does not fit the session's state
│  ├─ PermissionDenied          403
│  └─ RateLimited               429, carries retry_after in seconds
├─ NotReady                     exit 5: this machine or its settings
├─ TransientError               try again with back-off
│  ├─ ProviderUnavailable       an engine or model did not answer
│  └─ StageTimeout              the stage ran past its own deadline
├─ PermanentError               the attempt cannot succeed by repetition
│  ├─ ProviderRefused
│  └─ BudgetExceeded
├─ Suspended                    the session must wait, with a reason; nothing failed
├─ LostLease                    another worker owns the session: stop, write nothing
├─ StorageError                 blobs
│  ├─ StorageFull · StorageFailed · CheckpointMissing · CheckpointForbidden
├─ CheckpointError              a blob that must not be used
│  ├─ CheckpointTruncated · CheckpointTampered · CheckpointMismatch · CheckpointTooNew
│  ├─ CheckpointTooLarge · CheckpointUnsafe · CheckpointMalformed
└─ DocumentRefused              one document of an upload, with its own code; the others go in
"""

from __future__ import annotations

from typing import ClassVar


class ProwziError(Exception):
    """Base of the tree. `code` is stable: people script against it."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message or (self.__doc__ or self.code))
        self.hint = hint

    @property
    def message(self) -> str:
        return str(self.args[0])


class UserError(ProwziError):
    """The request cannot be done as asked."""

    code = "user_error"


class InvalidInput(UserError):
    """The input is not valid."""

    code = "invalid_input"

    def __init__(self, message: str = "", *, hint: str = "", pointer: str = "") -> None:
        super().__init__(message, hint=hint)
        self.pointer = pointer  # JSON Pointer (RFC 6901) into the request body


class UnknownChoice(InvalidInput):
    """There is no such choice."""

    code = "unknown_choice"


class NotFound(UserError):
    """There is no such thing for you."""

    code = "not_found"


class ReportNotReady(NotFound):
    """The report is not written yet."""

    code = "report_not_ready"


class IllegalState(UserError):
    """The session is not in a state that allows this."""

    code = "illegal_state"


class PermissionDenied(UserError):
    """This is not allowed."""

    code = "permission_denied"


class RateLimited(UserError):
    """Too many requests."""

    code = "rate_limited"

    def __init__(self, message: str = "", *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds


class NotReady(ProwziError):
    """This machine or its settings are not ready."""

    code = "not_ready"


class TransientError(ProwziError):
    """Worth another attempt after a pause."""

    code = "transient"
    retry_after: float | None = None  # seconds, when the other side said so


class ProviderUnavailable(TransientError):
    """An engine or model did not answer."""

    code = "provider_unavailable"


class StageTimeout(TransientError):
    """The stage ran past its own deadline."""

    code = "stage_timeout"


class PermanentError(ProwziError):
    """Repeating this cannot help."""

    code = "permanent"


class ProviderRefused(PermanentError):
    """An engine or model refused the request."""

    code = "provider_refused"


class BudgetExceeded(PermanentError):
    """The next call could cost more than what is left of the budget."""

    code = "budget"


class Suspended(ProwziError):
    """The session waits or pauses, with a reason; nothing is lost."""

    code = "suspended"

    def __init__(self, message: str = "", *, reason: str, waiting: bool = False) -> None:
        super().__init__(message)
        self.reason = reason  # contract.md section 2
        self.waiting = waiting  # waiting for a person, otherwise paused


class LostLease(ProwziError):
    """Another worker owns this session now; nothing more may be written."""

    code = "lease_lost"


class StorageError(ProwziError):
    """A blob could not be read or written."""

    code = "storage_failed"


class StorageFull(StorageError):
    """There is no space left for checkpoints."""

    code = "storage_full"


class StorageFailed(StorageError):
    """The storage answered with an error."""

    code = "storage_failed"


class CheckpointMissing(StorageError):
    """The checkpoint's file is not in the storage."""

    code = "checkpoint_missing"


class CheckpointForbidden(StorageError):
    """The storage does not allow reading the checkpoint's file."""

    code = "checkpoint_forbidden"


class CheckpointError(ProwziError):
    """The checkpoint's file must not be used."""

    code = "checkpoint_error"


class CheckpointTruncated(CheckpointError):
    """The checkpoint's file is shorter than it says."""

    code = "checkpoint_truncated"


class CheckpointTampered(CheckpointError):
    """The checkpoint's file was changed after it was written."""

    code = "checkpoint_tampered"


class CheckpointMismatch(CheckpointError):
    """The checkpoint's file belongs to another session, stage or attempt."""

    code = "checkpoint_mismatch"


class CheckpointTooNew(CheckpointError):
    """The checkpoint was written by a newer Prowzi or with a key this one does not have."""

    code = "checkpoint_too_new"


class CheckpointTooLarge(CheckpointError):
    """The checkpoint is larger than the limits allow."""

    code = "checkpoint_too_large"


class CheckpointUnsafe(CheckpointError):
    """The checkpoint holds more than plain data."""

    code = "checkpoint_unsafe"


class CheckpointMalformed(CheckpointError):
    """The checkpoint cannot be read."""

    code = "checkpoint_malformed"


class DocumentRefused(ProwziError):
    """One document cannot be taken; `code` says why."""

    code = "document_refused"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.refusal = code  # such as `encrypted`, `empty`, `too_large`, `unknown_kind`, `broken`, `timeout`
