from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from research.diagnosis import Finding, diagnose
from research.management.base import FAILED, ProwziCommand


class Command(ProwziCommand):
    help = "Every setting, dependency, store and worker. Exit status 1 names what is broken and what to type."
    example = "prowzi doctor\nprowzi doctor --json"

    def handle(self, *args: Any, json: bool, **options: Any) -> None:
        findings = diagnose()
        is_broken = any(finding.is_broken for finding in findings)
        if json:
            self.emit_json({"ok": not is_broken, "findings": [asdict(finding) for finding in findings]})
        else:
            self.stdout.write(_listing(findings))
        if is_broken:
            sys.exit(FAILED)


def _listing(findings: list[Finding]) -> str:
    lines = [f"{_mark(finding)} {finding.area:<11} {finding.text}{_advice(finding)}" for finding in findings]
    broken = sum(finding.is_broken for finding in findings)
    return "\n".join([*lines, "", f"{broken} broken" if broken else "Nothing is broken."])


def _mark(finding: Finding) -> str:
    return "BROKEN" if finding.is_broken else "ok    "


def _advice(finding: Finding) -> str:
    return f" Type: {finding.remedy}" if finding.remedy else ""
