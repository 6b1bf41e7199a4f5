from __future__ import annotations

from typing import Any

from research.conf import conf
from research.management.supervised import SupervisedCommand
from research.runner import lineup


class Command(SupervisedCommand):
    help = "Workers and sweeper alone, for many machines."
    example = "PROWZI_DRAIN_SECONDS=60 prowzi worker"

    def supervise(self, **options: Any) -> None:
        drain = conf().drain_seconds
        services = [lineup.worker_service(drain), lineup.sweeper_service()]
        lineup.supervise(services, drain, lambda: self.say("Workers are ready."))
