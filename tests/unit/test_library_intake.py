"""What is taken in, and what is refused by which name, before anything is parsed."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path

import pytest

from research.library import intake
from research.library.intake import Given, Refused, Upload, take


def codes(*sources: intake.Source) -> list[str]:
    return [each.code if isinstance(each, Refused) else "taken" for each in take(sources)]


def rows(*lines: object) -> bytes:
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )


def test_folders_come_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/a.txt", ".hidden", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [Path(each.name).name for each in take([tmp_path])] == ["b.txt", "a.txt", "z.txt"]


def test_s28_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    found = {Path(each.name).name: each for each in take([folder])}
    told = {name: each.code for name, each in found.items() if isinstance(each, Refused)}
    assert told == {"link.txt": "leads_outside", "loop": "unreadable"}
    assert len(told) == len(found)


def test_what_cannot_be_opened_is_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert codes(tmp_path / "missing.txt") == ["not_found"]
    assert codes(tmp_path / "pipe.txt") == ["unknown_kind"]
    assert codes("https://example.org/a.pdf") == ["unsupported_address"]
    assert codes("a\0b.txt") == ["unreadable"]


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(intake.LARGEST_FILE + 1)
    assert codes(tmp_path / "huge.txt") == ["too_large"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"_id": "1", "title": "T", "text": "x"}, "taken"),
        ({"_id": 7, "text": "x"}, "taken"),  # numbers are ids too, a title may lack
        ({"_id": "1", "title": "only a title", "text": ""}, "taken"),
        ({"_id": "1", "title": "", "text": " "}, "empty"),
        ({"_id": "1", "title": "T"}, "bad_row"),
        ({"_id": "1", "title": 3, "text": "x"}, "bad_row"),
        ({"_id": "i" * 201, "text": "x"}, "bad_row"),
        (["_id"], "bad_row"),
        (b"{broken", "bad_row"),
        (b"\xff\xfe", "bad_row"),
        (b"[" * 100_000, "bad_row"),
    ],
)
def test_rows_are_judged_one_by_one(line: object, expected: str) -> None:
    good = {"_id": "good", "title": "Good", "text": "row"}
    assert codes(Upload("a.jsonl", rows(good, line, good))) == ["taken", expected, "taken"]


def test_a_bad_row_is_named_by_its_line() -> None:
    (refused,) = (
        each for each in take([Upload("a.jsonl", rows({"text": "x"}, b"{"))]) if isinstance(each, Refused)
    )
    assert refused.name == "a.jsonl:2"


def test_a_row_that_is_too_long_costs_that_row_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "LONGEST_ROW", 100)
    data = rows({"text": "x"}, {"text": "y" * 1000}, {"text": "z"})
    assert codes(Upload("a.jsonl", data)) == ["taken", "too_large", "taken"]


def test_s28_a_gzip_bomb_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "LARGEST_JSONL", 100_000)
    assert codes(Upload("a.jsonl.gz", gzip.compress(b"\n" * 10_000_000)))[-1] == "too_large"


@pytest.mark.parametrize("cut", [5, 30, 60])
def test_a_gzip_that_breaks_off_keeps_what_came_before(cut: int) -> None:
    data = gzip.compress(rows(*({"_id": str(n), "text": os.urandom(20).hex()} for n in range(50))))
    assert codes(Upload("a.jsonl.gz", data[: len(data) * cut // 100]))[-1] == "broken"


def test_an_empty_jsonl_says_so() -> None:
    assert codes(Upload("a.jsonl", b"")) == ["empty"]


def test_the_digest_of_a_row_tells_rows_apart_and_versions_of_a_file_alike() -> None:
    def digest(row: object) -> str:
        (taken,) = take([Upload("a.jsonl", rows(row))])
        assert isinstance(taken, Given)
        return taken.digest

    first = {"_id": "1", "title": "T", "text": "x"}
    assert digest(first) == digest(dict(reversed(first.items())))
    assert len({digest(first), digest(first | {"_id": "2"}), digest(first | {"text": "y"})}) == 3


def test_names_are_kept_as_text_that_a_database_takes(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"bad\xff.txt")
    path.write_text("x")
    (taken,) = take([path])
    assert "\udcff" not in taken.name


def test_an_archive_is_one_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../out.txt", "x")
    assert codes(tmp_path) == ["taken"]
