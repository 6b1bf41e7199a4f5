"""Commands as a person types them, in this process."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.core.management import load_command_class


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def prowzi(name: str, *arguments: object, out: io.StringIO | None = None) -> Answer:
    """The exit status, and what went to stdout and stderr."""
    command = load_command_class("research", name.replace("-", "_"))
    command._called_from_command_line = True  # type: ignore[attr-defined]  # the stubs leave it out
    out, err, status = out or io.StringIO(), io.StringIO(), 0
    try:
        options = vars(command.create_parser("prowzi", name).parse_args([str(each) for each in arguments]))
        command.execute(*options.pop("args", ()), **options, stdout=out, stderr=err)
    except SystemExit as end:
        status = int(end.code or 0)
    return Answer(status, out.getvalue(), err.getvalue())


NOBODYS_ID = str(uuid.UUID(int=0xDEAD))
