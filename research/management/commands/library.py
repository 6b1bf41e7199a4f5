from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from research.console.library import documents_table, found_table, refused_table
from research.console.text import one_line, safe
from research.errors import InvalidInput
from research.library import documents, index, runs
from research.management.base import FAILED, PIPED_WIDTH, ProwziCommand
from research.toolbox import Scope


def at_least_one(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


class Command(ProwziCommand):
    help = "Your library: add, list, show, remove and search documents."
    example = (
        "prowzi library add papers/ --collection coffee\nprowzi library search 'coffee and sleep' --json"
    )
    has_json = False  # each word has its own

    def add_arguments(self, parser: CommandParser) -> None:
        words = parser.add_subparsers(dest="word", required=True, metavar="add|list|show|remove|search")
        add = self._word(
            words, "add", "take in files, folders and .jsonl or .jsonl.gz rows {_id, title, text}"
        )
        add.add_argument(
            "paths", nargs="+", metavar="PATH-OR-URL", help="hidden files in folders are left out"
        )
        add.add_argument(
            "--collection", metavar="NAME", help="put them into this collection, made when missing"
        )
        listing = self._word(words, "list", "your documents, the newest first")
        listing.add_argument("--collection", metavar="NAME", help="only this collection")
        listing.add_argument(
            "--limit", type=at_least_one, default=50, metavar="N", help="at most so many (50)"
        )
        for word, about in (("show", "one document and its text"), ("remove", "take a document out")):
            one = self._word(words, word, about)
            one.add_argument(
                "id", metavar="ID", help="a document id, a beginning of one, or the _id of a row"
            )
        self._add_search(self._word(words, "search", "the passages that fit a question best"))

    def _word(self, words: Any, word: str, about: str) -> CommandParser:
        parser: CommandParser = words.add_parser(word, help=about, description=about)
        super().add_arguments(parser)
        parser.add_argument(
            "--json", action="store_true", help="one JSON document on stdout, nothing else there"
        )
        return parser

    def _add_search(self, parser: CommandParser) -> None:
        parser.add_argument("query", nargs="?", metavar="QUERY", help="what to look for")
        parser.add_argument(
            "--limit", type=at_least_one, default=10, metavar="N", help="at most so many (10)"
        )
        parser.add_argument(
            "--collection", action="append", default=[], metavar="NAME", help="only this collection"
        )
        parser.add_argument(
            "--queries", type=Path, metavar="FILE.jsonl", help="rows {_id, text}, answered into --run"
        )
        parser.add_argument(
            "--run", type=Path, metavar="FILE", help="a TREC run: qid Q0 docid rank score prowzi"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        words: dict[str, Callable[[User, dict[str, Any]], None]] = {
            "add": self._add,
            "list": self._list,
            "show": self._show,
            "remove": self._remove,
            "search": self._search,
        }
        words[options["word"]](self.acting_user(options["user"]), options)

    def _add(self, user: User, options: dict[str, Any]) -> None:
        with self._progress() as tell:
            report = documents.add(user, options["paths"], collection=options["collection"], progress=tell)
        if report.refused:
            self._stderr().print(refused_table(report.refused))
        if options["json"]:
            self.emit_json(report.as_json())
        else:
            self.stdout.write(safe(report.summary))
        if report.refused and not report.added and not report.duplicates:
            sys.exit(FAILED)

    def _list(self, user: User, options: dict[str, Any]) -> None:
        found = documents.list_documents(user, collection=options["collection"])[: options["limit"]]
        rows = [documents.document_json(each) for each in found]
        if options["json"]:
            self.emit_json(rows)
        else:
            self.terminal().print(documents_table(rows))

    def _show(self, user: User, options: dict[str, Any]) -> None:
        document = documents.get_document(user, options["id"])
        told = documents.document_json(document) | {"text": documents.document_text(document)}
        if options["json"]:
            self.emit_json(told)
        else:
            self.terminal().print(documents_table([told]))
            self.stdout.write(safe(told["text"]))

    def _remove(self, user: User, options: dict[str, Any]) -> None:
        document = documents.remove_document(user, options["id"])
        if options["json"]:
            self.emit_json({"removed": str(document.pk), "title": document.title})
        else:
            self.stdout.write(f"Removed {one_line(document.title, 100)}")

    def _search(self, user: User, options: dict[str, Any]) -> None:
        if options["queries"] or options["run"]:
            self._search_many(user, options)
        elif options["query"] is None:
            raise InvalidInput("Write what to look for, or give --queries FILE.jsonl with --run FILE.")
        else:
            found = index.search(
                user.pk, options["query"], scope=self._scope(user, options), limit=options["limit"]
            )
            rows = [runs.found_json(each) for each in found]
            if options["json"]:
                self.emit_json(rows)
            else:
                self.terminal().print(found_table(rows))

    def _search_many(self, user: User, options: dict[str, Any]) -> None:
        if not (options["queries"] and options["run"]) or options["query"] is not None:
            raise InvalidInput("Give --queries FILE.jsonl and --run FILE together, without QUERY.")
        scope = self._scope(user, options)
        asked = runs.write_run(
            user.pk, options["queries"], options["run"], scope=scope, limit=options["limit"]
        )
        told = {"queries": asked, "run": str(options["run"])}
        self.stdout.write(
            json.dumps(told) if options["json"] else f"{asked} queries answered in {options['run']}"
        )

    def _scope(self, user: User, options: dict[str, Any]) -> Scope:
        for name in options["collection"]:
            documents.list_documents(user, collection=name)  # NotFound names it
        return Scope(user.pk, collections=tuple(options["collection"]))

    @contextmanager
    def _progress(self) -> Iterator[Callable[[documents.Outcome], None] | None]:
        """A bar on stderr where a person looks; how much is to come nobody knows before it is read."""
        console = self._stderr()
        if not console.is_terminal:
            yield None
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.completed:,} documents"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("")
            yield lambda outcome: progress.update(task, advance=1, description=one_line(outcome.name, 60))

    def _stderr(self) -> Console:
        self.stderr.style_func = None  # Rich draws; Django would paint it all red
        is_terminal = self.stderr.isatty()
        width = None if is_terminal else PIPED_WIDTH
        file = cast(TextIO, self.stderr)
        return Console(file=file, force_terminal=is_terminal, width=width, markup=False, highlight=False)
