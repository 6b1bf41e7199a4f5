from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from research.conf import conf
from research.management.supervised import SupervisedCommand
from research.runner import lineup, readiness, web

DRAIN_SECONDS = 8.0  # everything has ended 10 s after a signal


class Command(SupervisedCommand):
    help = "Web, worker, sweeper and watchdog together."
    example = "PORT=8001 prowzi up"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--first-run",
            action="store_true",
            help="print a sign-in link; on an empty database, load the example library and ask PROMPT",
        )

    def supervise(self, **options: Any) -> None:
        lock = readiness.lock_data_dir(conf().run_dir)
        listener = web.listen(settings.HOST, settings.PORT)
        address = web.address(settings.HOST, settings.PORT)
        lines = [f"Prowzi is ready at {address}"]
        services = [
            lineup.web_service(listener, DRAIN_SECONDS, close=[lock]),
            lineup.worker_service(DRAIN_SECONDS, close=[lock, listener.fileno()]),
            lineup.sweeper_service(close=[lock, listener.fileno()]),
        ]
        if options["first_run"]:
            lines.append(_welcome(address))
            services.append(lineup.once("first-run", _fill, close=[lock, listener.fileno()]))
        try:
            lineup.supervise(services, DRAIN_SECONDS, lambda: self.say("\n".join(lines)))
        finally:
            os.close(lock)


def _welcome(address: str) -> str:
    from research import first_run

    link = address.rstrip("/") + first_run.prepare()
    return f"Sign in as the first administrator (once, within 15 minutes): {link}"


def _fill() -> None:
    from research import first_run

    first_run.fill()
