from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from research import queries, services
from research.management.base import DONE
from research.management.working import WorkingCommand
from research.models import SessionStatus
from research.pipeline import STAGES


class Command(WorkingCommand):
    help = "Go on where a session stands, in this process; --after makes a branch beside it."
    example = "prowzi resume 7c9e6679\nprowzi resume 7c9e6679 --after verification"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--after", metavar="STAGE", help=f"branch: keep everything up to this stage ({', '.join(STAGES)})"
        )
        parser.add_argument("--detach", action="store_true", help="leave the work to running workers")

    def handle(self, *args: Any, **options: Any) -> None:
        user = self.acting_user(options["user"])
        session = queries.find_session(user, options["id"])
        detach = bool(options["detach"])
        if options["after"]:
            session = services.branch_session(
                session=session, after=options["after"], actor=user, queue=detach
            )
        else:
            session = services.resume_session(session=session, actor=user, queue=detach)
        if session.status == SessionStatus.COMPLETED:
            self.note("The session is completed already; there is nothing to go on with.")
        if detach or session.status == SessionStatus.COMPLETED:
            self.answer(session, options)
            sys.exit(DONE)
        sys.exit(self.work(session, user, options))
