"""A Django app that puts a sleeper in the orchestrator's place, so that the runner alone is under test.

A prompt is what the session does: `sleep 0.5`, or `poison`, which kills its worker whenever it is run.
"""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig

POISON = "poison"


class SleepingConfig(AppConfig):
    name = "tests.chaos.sleeping"
    label = "sleeping"
    path = os.path.dirname(__file__)

    def ready(self) -> None:
        from research import wiring

        vars(wiring)["Orchestrator"] = Sleeper


@dataclass
class Sleeper:
    pipeline: Any
    store: Any
    tools: Any
    describe: Any
    watch: Any

    async def run(self, session_id: uuid.UUID) -> Any:
        from research.orchestrator import Outcome

        held = await self.store.acquire(session_id)
        if held is None:
            return Outcome("busy")
        self.watch.watch(held, lambda news: None)
        try:
            await self._sleep(session_id)
        except asyncio.CancelledError:
            await self.store.release(held)
            raise
        finally:
            self.watch.forget(held)
        await self.store.database(_complete, held)
        return Outcome("completed")

    async def _sleep(self, session_id: uuid.UUID) -> None:
        prompt = await self.store.database(_prompt, session_id)
        if prompt == POISON:
            await asyncio.sleep(0.05)
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(float(prompt.removeprefix("sleep ")))


def _prompt(session_id: uuid.UUID) -> str:
    from research.models import Session

    return Session.objects.get(pk=session_id).prompt


def _complete(held: Any) -> None:
    from research.models import Session, SessionStatus

    Session.objects.filter(pk=held.session_id, fence=held.fence).update(
        status=SessionStatus.COMPLETED, lease_owner="", lease_until=0
    )
