from __future__ import annotations

import json
import sys
from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from research.diagnosis import Finding, diagnose

EXAMPLE = """example:
  prowzi doctor
  prowzi doctor --json | jq '.findings[] | select(.is_broken)'"""


class Command(BaseCommand):
    help = "Every setting, dependency, store and worker. Exit status 1 names what is broken and what to type."
    requires_system_checks = []  # a finding like the others

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLE, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout")

    def handle(self, *args: Any, json: bool, **options: Any) -> None:
        findings = diagnose()
        self.stdout.write(_document(findings) if json else _listing(findings))
        if any(finding.is_broken for finding in findings):
            sys.exit(1)


def _document(findings: list[Finding]) -> str:
    broken = any(finding.is_broken for finding in findings)
    return json.dumps(
        {"ok": not broken, "findings": [vars(finding) for finding in findings]}, ensure_ascii=False
    )


def _listing(findings: list[Finding]) -> str:
    lines = [f"{_mark(finding)} {finding.area:<11} {finding.text}{_advice(finding)}" for finding in findings]
    broken = sum(finding.is_broken for finding in findings)
    return "\n".join([*lines, "", f"{broken} broken" if broken else "Nothing is broken."])


def _mark(finding: Finding) -> str:
    return "BROKEN" if finding.is_broken else "ok    "


def _advice(finding: Finding) -> str:
    return f" Type: {finding.remedy}" if finding.remedy else ""
