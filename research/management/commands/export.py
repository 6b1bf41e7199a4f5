from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from research import queries
from research.exporters import exporters
from research.management import asking
from research.management.verbs import SessionCommand


class Command(SessionCommand):
    help = "Write a session's report, to standard output or to a file."
    example = "prowzi export 7c9e6679 --format html --output report.html"
    has_json = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--format", choices=sorted(exporters()), help="default: the file's ending, or md")
        parser.add_argument("--output", metavar="FILE", help="default: standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        output, form = options["output"], options["format"]
        if output and form:
            asking.check_place(output)
        elif output:
            form = asking.output_format(output)
        session = queries.find_session(self.acting_user(options["user"]), options["id"])
        content = asking.report(session, form or "md")
        if output:
            asking.write_answer(output, content)
            self.note(f"The report is in {output}")
        else:
            self.stdout.write(content.decode("utf-8"))
