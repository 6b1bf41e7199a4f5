from __future__ import annotations

from typing import Any

from django.conf import settings

from research.conf import conf
from research.management.supervised import SupervisedCommand
from research.runner import lineup, web


class Command(SupervisedCommand):
    help = "The web process alone, for many machines."
    example = "PORT=8001 prowzi web"

    def supervise(self, **options: Any) -> None:
        drain = conf().drain_seconds
        listener = web.listen(settings.HOST, settings.PORT)
        service = lineup.web_service(listener, drain)
        lineup.supervise(
            [service], drain, lambda: self.say(f"Pages at {web.address(settings.HOST, settings.PORT)}")
        )
