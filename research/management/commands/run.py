from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from research import services
from research.management import asking
from research.management.base import DONE
from research.management.working import WorkingCommand
from research.models import SessionStatus


class Command(WorkingCommand):
    help = "Ask a question: a whole research run in this process, no worker needed. Ctrl-C pauses it."
    example = (
        'prowzi run "Does coffee change how well people sleep?" --output report.md\n'
        'prowzi run "What do these say about tides?" --document notes.pdf papers/\n'
        "prowzi run - --json < question.txt"
    )
    takes_id = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("prompt", metavar="PROMPT", help="the question; - reads it from standard input")
        for name, what in (
            ("document", "files or folders to add to the library and to search alone"),
            ("collection", "search only these collections of the library"),
            ("engine", "search with these engines"),
        ):
            metavar = "PATH" if name == "document" else "NAME"
            parser.add_argument(f"--{name}", nargs="+", action="extend", metavar=metavar, help=what)
        parser.add_argument("--llm", metavar="MODEL", help="what thinks, such as offline")
        parser.add_argument("--max-results", type=int, metavar="N", help="sources kept after merging")
        parser.add_argument("--max-sections", type=int, metavar="N", help="sections of the report")
        parser.add_argument("--budget", type=asking.us_dollars, metavar="USD", help="the most this may cost")
        parser.add_argument("--approve-plan", action="store_true", help="wait for a person after planning")
        _add_checkpoints(parser)
        parser.add_argument("--detach", action="store_true", help="leave the work to running workers")
        parser.add_argument("--output", metavar="FILE", help="write the report there; .md, .html or .json")

    def handle(self, *args: Any, **options: Any) -> None:
        output = options["output"]
        form = asking.output_format(output) if output else ""
        prompt = asking.read_prompt(options["prompt"])
        user = self.acting_user(options["user"])
        chosen = asking.chosen_options(options)
        services.check_prompt(prompt)
        services.check_options(user, chosen)
        if options["document"]:
            added = asking.add_documents(user, options["document"], self.note)
            chosen = chosen.model_copy(update={"documents": added})
        detach = bool(options["detach"])
        session = services.start_session(
            owner=user, prompt=prompt, options=chosen, budget_usd=options["budget"], queue=detach
        )
        if detach:
            self.answer(session, options)
            sys.exit(DONE)
        status = self.work(session, user, options)
        if output and session.status == SessionStatus.COMPLETED:
            asking.write_answer(output, asking.report(session, form))
            self.note(f"The report is in {output}")
        sys.exit(status)


def _add_checkpoints(parser: CommandParser) -> None:
    parser.add_argument(
        "--enable-checkpoints", dest="checkpoints", action="store_true", default=None, help="keep every stage"
    )
    parser.add_argument(
        "--no-checkpoints", dest="checkpoints", action="store_false", help="a crash then loses the run"
    )
