"""The library's verbs: what goes in is kept exactly, found, and gone when removed; nobody sees another's."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection

from research.errors import InvalidInput, NotFound
from research.library import documents, examples, index, runs
from research.library.intake import Upload
from research.library.reader import Reader
from research.models import Collection, Document, Passage
from research.providers.engines.library import build
from research.toolbox import Scope

pytestmark = pytest.mark.django_db


def rows(*texts: str, title: str = "") -> Upload:
    lines = [
        json.dumps({"_id": f"r{n}", "title": title or f"Title {n}", "text": text})
        for n, text in enumerate(texts)
    ]
    return Upload("rows.jsonl", "\n".join(lines).encode())


def names(found: list[index.Found]) -> list[str]:
    return [each.document.external_id for each in found]


def test_files_rows_and_refusals_go_their_ways_in_one_add(owner: User, tmp_path: Path) -> None:
    (tmp_path / "tea.md").write_text("# Tea\n\nTea delays sleep by twelve minutes.")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "rows.jsonl").write_bytes(rows("Coffee delays sleep.").data + b"\n{bad\n")
    told: list[documents.Outcome] = []
    report = documents.add(owner, [tmp_path, "https://example.org/"], progress=told.append)
    assert [each.title for each in report.added] == ["Title 0", "Tea"]
    codes = {Path(each.name).name: each.code for each in report.refused}
    assert codes == {"empty.txt": "empty", "noise.bin": "unknown_kind", "rows.jsonl:2": "bad_row"} | {
        Path("https://example.org/").name: "unsupported_address"
    }
    assert len(told) == 6
    assert report.summary == "2 added, 0 already there, 4 refused."


def test_kept_text_and_passages_are_exact(owner: User) -> None:
    text = "One sentence.\r\n\r\n" + "Another one that goes on. " * 200 + "\ud800\0 end"
    documents.add(owner, [rows(text)])
    document = Document.objects.get()
    kept = documents.document_text(document)
    assert "\r" not in kept
    assert "\0" not in kept
    assert document.chars == len(kept)
    assert Passage.objects.count() == document.passage_count > 3
    for found in index.search(owner.pk, "sentence another goes", limit=5):
        assert found.passages
        for passage in found.passages:
            assert kept[passage.start : passage.end] == passage.text


def test_the_same_content_is_a_duplicate_and_joins_the_collection(owner: User, colleague: User) -> None:
    first = documents.add(owner, [rows("Tea."), rows("Tea.")])
    assert (len(first.added), len(first.duplicates)) == (1, 1)
    again = documents.add(owner, [rows("Tea.")], collection="drinks")
    assert again.duplicates[0].document == first.added[0].document
    assert documents.list_documents(owner, collection="drinks").count() == 1
    assert len(documents.add(colleague, [rows("Tea.")]).added) == 1


def test_an_add_that_was_killed_goes_on_when_run_again(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "ROWS_AT_ONCE", 10)
    source = rows(*(f"Text number {n}." for n in range(35)))
    for outcome in documents.add_each(owner, [source]):
        if outcome.name.endswith(":12"):
            break  # as a kill would: what was given out is there, the rest is not
    assert Document.objects.count() == 20
    report = documents.add(owner, [source])
    assert (len(report.added), len(report.duplicates)) == (15, 20)


def test_search_finds_by_stem_in_title_and_text_best_first(owner: User) -> None:
    documents.add(
        owner, [rows("Sleeping well needs darkness.", "Coffee beans are roasted.", "Cats sleep, dogs sleep.")]
    )
    assert names(index.search(owner.pk, "Who SLEEPS?")) == ["r2", "r0"]
    assert names(index.search(owner.pk, "title 1")) != []
    assert index.search(owner.pk, "quantum chromodynamics") == []


@pytest.mark.parametrize(
    "query",
    ["", "   ", "the of and", '"', "a OR", "NEAR(", "*", "title:", "' OR 1=1 --", "\0", "\ud800", "·"],
)
def test_no_query_is_an_error(query: str, owner: User) -> None:
    documents.add(owner, [rows("Coffee.")])
    assert names(index.search(owner.pk, query + " coffee")) == ["r0"]
    assert index.search(owner.pk, query, limit=5) in ([], index.search(owner.pk, "or near titl 1"))


def test_chinese_and_arabic_are_found(owner: User) -> None:
    documents.add(owner, [rows("咖啡会影响睡眠质量。", "茶叶来自中国。", "القهوة تؤثر على النوم")])
    assert names(index.search(owner.pk, "睡眠"))[0] == "r0"
    assert names(index.search(owner.pk, "القهوة"))[0] == "r2"


def test_s11_nobody_finds_reads_or_removes_what_is_anothers(owner: User, stranger: User) -> None:
    report = documents.add(owner, [rows("Secret coffee.")], collection="mine")
    mine = report.added[0].document
    scope = Scope(stranger.pk, documents=(mine,), collections=("mine",))
    assert index.search(stranger.pk, "secret coffee") == []
    assert index.search(stranger.pk, "secret coffee", scope=scope) == []
    # A scope says where to look, never for whom.
    assert index.search(stranger.pk, "secret coffee", scope=Scope(owner.pk)) == []
    for read in (documents.get_document, documents.remove_document):
        with pytest.raises(NotFound):
            read(stranger, mine)
    with pytest.raises(NotFound):
        documents.list_documents(stranger, collection="mine")
    assert Document.objects.count() == 1


def test_s11_what_others_keep_changes_no_score(owner: User, stranger: User) -> None:
    documents.add(owner, [rows("Coffee and tea.", "Coffee beans.", "Milk.")])
    before = [(each.document.pk, each.score) for each in index.search(owner.pk, "coffee tea")]
    documents.add(stranger, [rows(*(f"Coffee number {n}, and no other drink." for n in range(300)))])
    assert [(each.document.pk, each.score) for each in index.search(owner.pk, "coffee tea")] == before


def test_a_scope_keeps_the_search_within_documents_and_collections(owner: User) -> None:
    first = documents.add(owner, [rows("Coffee one.")], collection="one").added[0].document
    documents.add(owner, [rows("Coffee two.", title="Two")], collection="two")
    both = len(index.search(owner.pk, "coffee"))
    only = index.search(owner.pk, "coffee", scope=Scope(owner.pk, documents=(first,)))
    shelf = index.search(owner.pk, "coffee", scope=Scope(owner.pk, collections=("two",)))
    neither = Scope(owner.pk, documents=(first,), collections=("two",))
    assert both == 2
    assert [str(each.document.pk) for each in only] == [first]
    assert [each.document.title for each in shelf] == ["Two"]
    assert index.search(owner.pk, "coffee", scope=neither) == []
    assert (
        index.search(owner.pk, "coffee", scope=Scope(owner.pk, documents=("no id", str(uuid.uuid4())))) == []
    )


def test_a_removed_document_leaves_no_row_and_no_word_behind(owner: User) -> None:
    report = documents.add(owner, [rows("Coffee.", "Tea.")], collection="drinks")
    removed = documents.remove_document(owner, report.added[0].document[:13])
    assert str(removed.pk) == report.added[0].document
    assert index.search(owner.pk, "coffee") == []
    assert names(index.search(owner.pk, "tea")) == ["r1"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM research_passage_words")
        assert cursor.fetchone()[0] == Passage.objects.count() == 1


def test_a_person_takes_the_library_along(owner: User) -> None:
    documents.add(owner, [rows("Coffee.")])
    owner.delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM research_passage_words")
        assert cursor.fetchone()[0] == 0


def test_documents_are_named_by_id_beginning_or_row(owner: User) -> None:
    document = documents.add(owner, [rows("Coffee.")]).added[0].document
    for name in (document, document[:8], document.replace("-", "").upper(), "r0"):
        assert str(documents.get_document(owner, name).pk) == document
    for name in ("", "zz", str(uuid.uuid4()), "%", "0000"):
        with pytest.raises((NotFound, InvalidInput)):
            documents.get_document(owner, name)


@pytest.mark.parametrize("name", ["", "  ", "x" * 121])
def test_a_collection_needs_a_name(name: str, owner: User) -> None:
    with pytest.raises(InvalidInput):
        documents.add(owner, [rows("Coffee.")], collection=name)
    assert not Collection.objects.exists()


async def test_the_engine_answers_with_hits() -> None:
    class Library:
        def search(self, query: str, scope: Scope) -> list[object]:
            return [query, scope]

    scope = Scope(1)
    assert await build({}, Library()).search("tea", scope) == ["tea", scope]  # type: ignore[arg-type]


def test_the_reader_tells_all_that_a_hit_needs(owner: User) -> None:
    row = {
        "_id": "1",
        "title": "Tea",
        "text": "Tea at night.",
        "metadata": {"authors": ["A"], "year": 2020, "doi": "10.1/x"},
    }
    documents.add(owner, [Upload("a.jsonl", json.dumps(row).encode())])
    (hit,) = Reader().search("tea night", Scope(owner.pk, limit=3))
    document = Document.objects.get()
    assert (hit.engine, hit.document, hit.version, hit.title) == (
        "library",
        str(document.pk),
        document.version,
        "Tea",
    )
    assert (hit.authors, hit.year, hit.doi) == (["A"], 2020, "10.1/x")
    assert [(passage.start, passage.end, passage.text) for passage in hit.passages] == [
        (0, 13, "Tea at night.")
    ]


def test_a_long_document_gives_its_three_best_passages(owner: User) -> None:
    parts = [f"Part {n} is about nothing much at all. " * 30 + ("Coffee! " * n) for n in range(6)]
    documents.add(owner, [rows("\n\n".join(parts))])
    (found,) = index.search(owner.pk, "coffee")
    assert len(found.passages) == 3
    assert found.passages[0].text.count("Coffee") >= found.passages[2].text.count("Coffee") > 0


def test_many_long_documents_do_not_hide_others(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_FIRST_CANDIDATES", 4)
    long = "\n\n".join("Coffee coffee coffee. " * 45 for _ in range(40))
    documents.add(owner, [rows(long, "A word on coffee.", "Also coffee, once.")])
    assert set(names(index.search(owner.pk, "coffee", limit=3))) == {"r0", "r1", "r2"}


def test_searching_asks_the_database_a_fixed_number_of_times(
    owner: User, django_assert_num_queries: object
) -> None:
    documents.add(owner, [rows(*(f"Coffee number {n}." for n in range(30)))])
    for limit in (1, 20):
        with django_assert_num_queries(5):  # type: ignore[operator]
            assert len(index.search(owner.pk, "coffee number", limit=limit)) == limit


def test_a_run_is_whole_in_trec_form(owner: User, tmp_path: Path) -> None:
    documents.add(owner, [rows("Coffee and tea.", "Tea.", title="x")])
    (tmp_path / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "tea"}\n\n{"_id": 2, "text": "nothing fits"}\n'
    )
    assert (
        runs.write_run(
            owner.pk, tmp_path / "queries.jsonl", tmp_path / "run", scope=Scope(owner.pk), limit=10
        )
        == 2
    )
    lines = [line.split() for line in (tmp_path / "run").read_text().splitlines()]
    assert [(line[0], line[1], line[2], line[3], line[5]) for line in lines] == [
        ("q1", "Q0", "r1", "1", "prowzi"),
        ("q1", "Q0", "r0", "2", "prowzi"),
    ]
    assert float(lines[0][4]) > float(lines[1][4])


@pytest.mark.parametrize(
    "line", ['{"_id": "a b", "text": "x"}', '{"_id": "a"}', "[]", "{", '{"_id": "a", "text": 1}']
)
def test_a_bad_query_is_named_and_no_run_is_left(line: str, owner: User, tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text(line)
    with pytest.raises(InvalidInput, match=r"queries\.jsonl:1"):
        runs.write_run(owner.pk, tmp_path / "queries.jsonl", tmp_path / "run", scope=Scope(owner.pk), limit=1)
    assert [path.name for path in tmp_path.iterdir()] == ["queries.jsonl"]


def test_the_examples_go_in_once_and_answer_their_questions(owner: User) -> None:
    report = examples.add_examples(owner)
    assert len(report.added) == 12
    assert report.refused == []
    assert len(examples.add_examples(owner).duplicates) == 12
    for document in Document.objects.all():
        assert "Written as an example for Prowzi" in documents.document_text(document)
    for question in examples.example_questions():
        assert len(index.search(owner.pk, question, limit=3)) == 3
    halves = index.search(owner.pk, "half-life of caffeine in healthy adults", limit=2)
    texts = " ".join(passage.text for each in halves for passage in each.passages)
    assert "is about 5 hours" in texts
    assert "is about 9 hours" in texts


def test_the_tables_of_the_search_come_and_go(transactional_db: None) -> None:
    from django.core.management import call_command

    call_command("migrate", "research", "0001", verbosity=0, skip_checks=True)
    assert "research_passage_words" not in connection.introspection.table_names()
    call_command("migrate", "research", verbosity=0, skip_checks=True)
    assert "research_passage_words" in connection.introspection.table_names()
