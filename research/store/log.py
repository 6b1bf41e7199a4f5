"""What the store tells telemetry, in the transaction that makes it true. Telemetry off: nothing is told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.conf import settings

from research.models import Session
from telemetry import collector
from telemetry.errors import StreamMissing
from telemetry.events import NewEvent


def open_stream(session: Session) -> None:
    if settings.PROWZI["telemetry"]:
        label = session.prompt[: collector.LABEL_LIMIT]
        collector.open_stream(session.pk, owner_id=session.owner_id, label=label)


def append(session_id: uuid.UUID, events: Sequence[NewEvent]) -> None:
    if not settings.PROWZI["telemetry"]:
        return
    try:
        collector.append(session_id, events)
    except StreamMissing:  # the session began while telemetry was off
        open_stream(Session.objects.get(pk=session_id))
        collector.append(session_id, events)
