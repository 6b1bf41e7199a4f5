"""Finds what is owed and nobody's, wakes a worker for it, tidies what the dead left. Works on no session."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.db import DatabaseError, connection, connections
from django.utils import timezone
from django_q.models import OrmQ

from research import queue, services
from research.conf import conf
from research.errors import IllegalState
from research.models import IdempotencyRecord, LoginLink, Session, SessionStatus
from research.runner import canary, process, slots
from research.store import lease, owners
from research.store.checkpoints import manager
from telemetry import wakes

logger = logging.getLogger("prowzi.runner")

ROUND_SECONDS = 0.2
TEMPORARY_AGE = 3600.0  # seconds; a blob that is still being written is younger
ORPHAN_AGE = 86_400.0  # seconds
RECORD_AGE = timedelta(hours=24)
PROBE_BYTES = 2**20  # a session resumes only when at least this much can be written and kept
_LACKS = ("storage_full", "database_down")


def wake_owed() -> None:
    """At most one wake-up waits: the loop that it starts adopts everything that is owed."""
    chosen = conf()
    owed = lease.owed(chosen.run_dir, limit=1)
    if not owed:
        return
    if not slots.has_free_slot(chosen.run_dir, chosen.workers):
        wakes.ring(str(owed[0].session_id))  # living loops look anyway; this one is quicker
    elif not _wake_up_waits():
        queue.wake(owed[0].session_id)


def _wake_up_waits() -> bool:
    payloads = OrmQ.objects.values_list("payload", flat=True)[:100]
    return any(
        json.loads(payload).get("task") == queue.LOOK for payload in payloads if payload.startswith("{")
    )


def remove_what_the_dead_left() -> None:
    run_dir = conf().run_dir
    owners.sweep(run_dir)
    canary.sweep(run_dir)


def resume_paused() -> None:
    """Sessions that paused for want of space or of a database go on when it is back."""
    paused = list(
        Session.objects.filter(status=SessionStatus.PAUSED, reason__in=_LACKS).select_related("owner")
    )
    if not paused or not _has_space(conf().data_dir):
        return
    for session in paused:
        with suppress(IllegalState):  # a person was faster
            services.resume_session(session=session, actor=session.owner)


def _has_space(folder: Path) -> bool:
    probe = folder / "run" / f".space-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


def delete_old_records() -> None:
    before = timezone.now() - RECORD_AGE
    IdempotencyRecord.objects.filter(created_at__lt=before).delete()
    LoginLink.objects.filter(expires_at__lt=before).delete()


def delete_old_temporaries() -> None:
    """Files of writers that died before they published them."""
    manager.store().sweep(TEMPORARY_AGE)


def collect_orphans() -> None:
    """Published blobs whose commit never came."""
    manager.collect_garbage(ORPHAN_AGE)


@dataclass
class Chore:
    do: Callable[[], None]
    every_seconds: float
    due: float = field(default=0.0)  # monotonic


def chores() -> list[Chore]:
    return [
        Chore(wake_owed, ROUND_SECONDS),
        Chore(remove_what_the_dead_left, 5.0),
        Chore(resume_paused, 5.0),
        Chore(delete_old_records, 60.0),
        Chore(delete_old_temporaries, 60.0),
        Chore(collect_orphans, 3600.0),
    ]


def do_due(todo: list[Chore], now: float) -> None:
    """Each chore that is due; a database that is down or a file that vanished stops no other chore."""
    for chore in todo:
        if now < chore.due:
            continue
        chore.due = now + chore.every_seconds
        try:
            chore.do()
        except (DatabaseError, OSError) as error:
            logger.warning("A chore waits.", extra={"chore": chore.do.__name__, "error": str(error)})
            chore.due = now + max(1.0, chore.every_seconds)
            connection.close()


def run_sweeper(run_dir: Path) -> None:
    """Until SIGTERM. Leaves a rising number as its sign of life."""
    signal.pthread_sigmask(signal.SIG_BLOCK, process.HANDLED)
    connections.close_all()
    canary.forget(run_dir, os.getpid())
    todo, rounds = chores(), 0
    while signal.sigtimedwait({signal.SIGTERM, signal.SIGINT}, ROUND_SECONDS) is None:
        do_due(todo, time.monotonic())
        rounds += 1
        canary.sing(run_dir, canary.nonce(os.getpid(), rounds))
