"""What `up`, `web` and `worker` share: a refusal is one line and exit status 5."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from research.conf import conf
from research.errors import ProwziError
from research.runner import readiness

NOT_READY = 5


class SupervisedCommand(BaseCommand):
    # Django's checks load every page; what can be wrong here, `readiness` says quicker and in one line.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            readiness.check_data_dir(conf().data_dir)
            readiness.check_database()
            self.supervise(**options)
        except ProwziError as refusal:
            self.stderr.write(f"prowzi: {refusal}")
            sys.exit(NOT_READY)

    def supervise(self, **options: Any) -> None:
        """Take what only one may have (NotReady), then run until a signal."""
        raise TypeError(f"{type(self).__name__} must define supervise().")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
