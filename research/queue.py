"""The queue says one thing: look at session X. It is never the record of what is owed.

Rows hold plain JSON, not django-q2's signed pickle: a forged row can at most make a worker look at a
session once more (S06), and a changed SECRET_KEY empties nothing (B52). The broker below turns a row into
a package for django-q2's own processes only at the moment it is handed out, and removes the row then:
a wake-up that dies with its worker is found again by the sweeper (docs/adr/0003-queue.md).
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from django.db import connection
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage

LOOK = "look"  # look at a session: the argument is its id
CANARY = "canary"  # show that a worker takes tasks: the argument is a number
_FUNCTIONS = {LOOK: "research.tasks.look", CANARY: "research.tasks.sing"}


def enqueue(task: str, argument: str) -> None:
    """Add a wake-up; inside a transaction it appears with the commit."""
    payload = json.dumps({"task": task, "argument": argument})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_q_ormq (key, payload, lock) VALUES (%s, %s, %s)",
            [Conf.CLUSTER_NAME, payload, timezone.now()],
        )


def wake(session_id: uuid.UUID) -> None:
    enqueue(LOOK, str(session_id))


def package(payload: str) -> str | None:
    """django-q2's package for a row, or None for a row that is not ours."""
    try:
        row = json.loads(payload)
        function, argument = _FUNCTIONS[row["task"]], row["argument"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(argument, str) or len(argument) > 64:
        return None
    identity = uuid.uuid4().hex
    task = {
        "id": identity,
        "name": identity,
        "func": function,
        "args": (argument,),
        "kwargs": {},
        "started": timezone.now(),
        "ack_failure": True,
    }
    return str(SignedPackage.dumps(task))


class WakeBroker(ORM):  # type: ignore[misc]  # django-q2 has no types
    """django-q2's ORM broker over rows of plain JSON."""

    def enqueue(self, task: str) -> int:
        raise TypeError("Only research.queue.enqueue puts rows in the queue.")

    def dequeue(self) -> list[tuple[int, str]] | None:
        rows = list(self.get_connection().filter(key=self.list_key).order_by("id")[:8])
        taken: list[tuple[int, str]] = []
        for row in rows:
            if not self.get_connection().filter(pk=row.pk).delete()[0]:
                continue  # another cluster was faster
            packed = package(row.payload)
            if packed is not None:
                taken.append((row.pk, packed))
                break
        if not taken:
            time.sleep(Conf.POLL)
            return None
        return taken

    def acknowledge(self, task_id: Any) -> None:
        """Nothing to do: the row went when it was handed out."""

    def queue_size(self) -> int:
        return int(OrmQ.objects.filter(key=self.list_key).count())
