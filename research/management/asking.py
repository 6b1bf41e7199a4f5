"""What `run` reads before anything is started: the question, the places of answers, the choices."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from research import queries
from research.artifacts import Options
from research.conf import conf
from research.errors import InvalidInput, UnknownChoice
from research.exporters import exporter, exporters
from research.models import Session
from research.services import LONGEST_PROMPT

_LONGEST_INPUT = 4 * (LONGEST_PROMPT + 1)  # bytes: UTF-8 has at most four for a character


def us_dollars(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is not an amount of US dollars such as 2.50") from None


def read_prompt(given: str) -> str:
    """The question; `-` reads it from standard input."""
    if given != "-":
        return given
    try:
        return sys.stdin.buffer.read(_LONGEST_INPUT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.end >= _LONGEST_INPUT - 4:  # only the cut went through a character
            return error.object[: error.start].decode("utf-8-sig")
        raise InvalidInput("The question on standard input is not UTF-8 text.", pointer="/prompt") from None


def output_format(name: str) -> str:
    """The format that a file's ending asks for; InvalidInput before anything is started."""
    path = Path(name)
    chosen = path.suffix.removeprefix(".").lower()
    if chosen not in exporters():
        choices = ", ".join(f".{each}" for each in sorted(exporters()))
        raise UnknownChoice(f"The ending of {path.name!r} names no format.", hint=f"Choose one of: {choices}")
    check_place(name)
    return chosen


def check_place(name: str) -> None:
    """InvalidInput when no file can be written there."""
    path = Path(name)
    if "\0" in name or path.is_dir() or not path.absolute().parent.is_dir():
        raise InvalidInput(f"{name!r} cannot be written: it is a folder, or its folder does not exist.")


def write_answer(name: str, content: bytes) -> None:
    try:
        Path(name).write_bytes(content)
    except OSError as error:
        raise InvalidInput(f"{name!r} cannot be written: {error.strerror}.") from error


def chosen_options(given: Mapping[str, Any]) -> Options:
    """What a person typed, over the installation's defaults."""
    usual = conf()
    known = {name: given[name] for name in ("max_results", "max_sections") if given[name] is not None}
    return Options(
        collections=given["collection"] or [],
        engines=given["engine"] or usual.engines,
        llm=given["llm"] or usual.llm,
        approve_plan=given["approve_plan"],
        checkpoints=usual.checkpoints if given["checkpoints"] is None else given["checkpoints"],
        **known,
    )


def report(session: Session, form: str) -> bytes:
    """The finished report. NotFound while there is none; Markdown is the published file itself."""
    if form == "md":
        return queries.report_text(session).encode("utf-8")
    return exporter(form).render(queries.load_report(session))


def add_documents(user: User, paths: list[str], say: Callable[[str], None]) -> list[str]:
    """Ids in the library, where they are added first. What is refused is said; InvalidInput when all is."""
    from research.library import documents  # loads the parsers, which few runs need

    report = documents.add(user, paths)
    for refused in report.refused:
        say(f"{refused.name}: refused ({refused.code}): {refused.message}")
    found = [each.document for each in (*report.added, *report.duplicates)]
    if not found:
        raise InvalidInput(
            "None of the documents could be taken, so nothing was started.", pointer="/documents"
        )
    return list(dict.fromkeys(found))
