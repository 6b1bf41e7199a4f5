"""What `up`, `web` and `worker` share: what must be true first, and no word but one when all is well."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from research.conf import conf
from research.errors import NotReady
from research.management.base import ProwziCommand, exit_status
from research.runner import readiness


class SupervisedCommand(ProwziCommand):
    has_json = False

    def add_arguments(self, parser: CommandParser) -> None:
        """None of the usual ones: these commands act for nobody."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            readiness.check_settings()
            readiness.check_data_dir(conf().data_dir)  # before a new database is made in it
        except NotReady as refusal:
            self.note(f"prowzi: {refusal}")
            sys.exit(exit_status(refusal))
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        readiness.check_database()
        self.supervise(**options)

    def supervise(self, **options: Any) -> None:
        """Take what only one may have (NotReady), then run until a signal."""
        raise TypeError(f"{type(self).__name__} must define supervise().")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
