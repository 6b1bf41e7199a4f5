"""prowzi library …, as a person types it."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from tests.integration.cli import Terminal, prowzi

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def administrator(owner: User) -> User:
    owner.is_superuser = True
    owner.save()
    return owner


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "coffee.txt").write_text("Coffee and sleep\n\nCoffee delays sleep by forty minutes.")
    (tmp_path / "empty.txt").write_text("")
    return tmp_path


def test_add_tells_json_on_stdout_and_refusals_on_stderr(folder: Path) -> None:
    answer = prowzi("library", "add", folder, "--collection", "drinks", "--json")
    assert answer.status == 0
    assert [each["title"] for each in answer.json["added"]] == ["Coffee and sleep"]
    assert [(Path(each["name"]).name, each["code"]) for each in answer.json["refused"]] == [
        ("empty.txt", "empty")
    ]
    assert "empty.txt" in answer.err
    assert prowzi("library", "add", folder).out == "0 added, 1 already there, 1 refused.\n"


def test_add_fails_when_nothing_could_be_taken(folder: Path) -> None:
    assert prowzi("library", "add", folder / "empty.txt", folder / "missing").status == 1


def test_list_show_search_and_remove(folder: Path) -> None:
    document = prowzi("library", "add", folder, "--json").json["added"][0]["document"]
    assert [each["document"] for each in prowzi("library", "list", "--json").json] == [document]
    assert prowzi("library", "show", document[:8], "--json").json["text"].startswith("Coffee and sleep")
    (found,) = prowzi("library", "search", "sleep", "--limit", 3, "--json").json
    assert set(found) == {"document", "title", "score", "start", "end", "text"}
    assert found["document"] == document
    assert prowzi("library", "remove", document).out == "Removed Coffee and sleep\n"
    assert prowzi("library", "list", "--json").json == []
    assert prowzi("library", "search", "sleep", "--json").json == []


def test_people_get_tables_without_a_terminals_codes_when_piped(folder: Path) -> None:
    assert "Nothing here yet" in prowzi("library", "list").out
    prowzi("library", "add", folder)
    for words in (("list",), ("search", "sleep")):
        out = prowzi("library", *words).out
        assert "Coffee and sleep" in out
        assert "\x1b" not in out
    assert "\x1b" in prowzi("library", "search", "sleep", out=Terminal()).out


def test_what_a_document_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    row = {"_id": "1", "title": "Tea\x1b]0;owned\x07", "text": "Tea \x1b[2J\u202e and [bold]milk[/bold]."}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    prowzi("library", "add", tmp_path)
    for words in (("list",), ("search", "tea"), ("show", "1"), ("remove", "1")):
        out = prowzi("library", *words).out
        assert "Tea" in out
        assert not set("\x1b\x07\u202e") & set(out)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("show", str(uuid.UUID(int=7))), 3),
        (("remove", "nothing"), 3),
        (("list", "--collection", "none"), 3),
        (("search", "tea", "--collection", "none"), 3),
        (("search",), 2),
        (("search", "tea", "--limit", "0"), 2),
        (("search", "--queries", "q.jsonl"), 2),
        (("search", "--queries", "missing.jsonl", "--run", "r"), 3),
        (("list", "--user", "nobody"), 3),
        (("add",), 2),
        ((), 2),
        (("burn",), 2),
    ],
)
def test_exit_statuses(words: tuple[str, ...], status: int) -> None:
    answer = prowzi("library", *words)
    assert answer.status == status
    assert answer.out == ""


def test_a_run_of_queries(folder: Path) -> None:
    prowzi("library", "add", folder)
    (folder / "q.jsonl").write_text('{"_id": "1", "text": "sleep"}\n')
    answer = prowzi(
        "library", "search", "--queries", folder / "q.jsonl", "--run", folder / "run", "--limit", 5, "--json"
    )
    assert answer.json == {"queries": 1, "run": str(folder / "run")}
    assert (folder / "run").read_text().startswith("1 Q0 ")


def test_s11_each_user_has_a_library(folder: Path, colleague: User) -> None:
    document = prowzi("library", "add", folder, "--json").json["added"][0]["document"]
    assert prowzi("library", "list", "--user", "colleague", "--json").json == []
    assert prowzi("library", "show", document, "--user", "colleague").status == 3
