"""A person's library over the API: documents, collections, search; files that come with a question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from research.models import Document, Session
from tests.integration.doors import V1, bearer, client, get, post, problem

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["client"]
TEA = b"Green tea contains caffeine. Drinking tea in the evening delays sleep by twelve minutes."
COFFEE = b"Coffee contains more caffeine than tea. It delays sleep by forty minutes on average."


def upload(client: Client, *files: tuple[str, bytes], path: str = "/library/documents", **fields: str) -> Any:
    named = [SimpleUploadedFile(name, content) for name, content in files]
    return client.post(f"{V1}{path}", {"files": named, **fields})


def test_files_go_in_and_are_found(client: Client) -> None:
    answer = upload(client, ("tea.txt", TEA), ("coffee.md", COFFEE), collection="drinks")
    assert answer.status_code == 201, answer.content
    added = answer.json()
    assert added["refused"] == []
    assert sorted(each["name"] for each in added["items"]) == ["coffee.md", "tea.txt"]
    assert {name for each in added["items"] for name in each["collections"]} == {"drinks"}
    listed = get(client, "/library/documents").json()
    assert {each["id"] for each in listed["items"]} == {each["id"] for each in added["items"]}
    shown = get(client, f"/library/documents/{added['items'][0]['id']}").json()
    assert shown == added["items"][0]
    hits = get(client, "/library/search", q="forty minutes of sleep", limit=1).json()["items"]
    assert [hit["text"][:6] for hit in hits] == ["Coffee"]
    assert hits[0]["end"] - hits[0]["start"] == len(hits[0]["text"])


def test_the_same_content_again_is_the_same_document(client: Client) -> None:
    first = upload(client, ("tea.txt", TEA)).json()["items"]
    again = upload(client, ("the same tea.txt", TEA))
    assert again.status_code == 201
    assert [each["id"] for each in again.json()["items"]] == [each["id"] for each in first]
    assert Document.objects.count() == 1


def test_refused_files_are_named_and_the_others_go_in(client: Client) -> None:
    answer = upload(
        client, ("tea.txt", TEA), ("empty.txt", b" "), ("picture.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 99)
    )
    assert answer.status_code == 201
    told = answer.json()
    assert [each["name"] for each in told["items"]] == ["tea.txt"]
    assert sorted(each["name"] for each in told["refused"]) == ["empty.txt", "picture.png"]
    assert all(each["code"] and each["detail"] for each in told["refused"])


def test_when_every_file_is_refused_so_is_the_request(client: Client) -> None:
    told = problem(upload(client, ("broken.pdf", b"%PDF-1.7 broken")), 422, "invalid_input")
    assert "broken.pdf" in told["errors"][0]["detail"]
    problem(client.post(f"{V1}/library/documents", {"collection": "x"}), 422, "invalid_input")
    assert not Document.objects.exists()


def test_a_removed_document_is_gone_and_no_longer_found(client: Client) -> None:
    document = upload(client, ("tea.txt", TEA)).json()["items"][0]["id"]
    answer = client.delete(f"{V1}/library/documents/{document}")
    assert (answer.status_code, answer.content) == (204, b"")
    problem(get(client, f"/library/documents/{document}"), 404, "not_found")
    assert get(client, "/library/search", q="tea").json()["items"] == []


def test_a_library_is_its_owners(client: Client, stranger: User) -> None:
    document = upload(client, ("tea.txt", TEA), collection="drinks").json()["items"][0]["id"]
    other = bearer(stranger)
    assert get(other, "/library/documents").json()["items"] == []
    assert get(other, "/library/collections").json()["items"] == []
    assert get(other, "/library/search", q="tea").json()["items"] == []
    problem(get(other, f"/library/documents/{document}"), 404, "not_found")
    problem(post(other, "/sessions", {"prompt": "?", "documents": [document]}), 422, "invalid_input")


def test_collections_are_made_and_listed(client: Client) -> None:
    first = post(client, "/library/collections", {"name": "drinks"})
    assert first.status_code == 201
    assert post(client, "/library/collections", {"name": "drinks"}).json() == first.json()
    assert [each["name"] for each in get(client, "/library/collections").json()["items"]] == ["drinks"]
    for name in ("", " ", "x" * 121, "a\0b"):
        problem(post(client, "/library/collections", {"name": name}), 422, "invalid_input")
    upload(client, ("tea.txt", TEA), collection="drinks")
    upload(client, ("coffee.txt", COFFEE))
    found = get(client, "/library/documents", collection="drinks").json()["items"]
    assert [each["name"] for each in found] == ["tea.txt"]


@pytest.mark.parametrize("query", [{}, {"q": "\0"}, {"q": "tea", "limit": "0"}, {"q": "x" * 5000}])
def test_a_search_that_cannot_be_made_is_refused(client: Client, query: dict[str, str]) -> None:
    answer = get(client, "/library/search", **query)
    problem(answer, 422, answer.json()["code"])


def test_a_list_of_documents_asks_the_database_as_often_for_one_as_for_many(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    upload(client, ("0.txt", TEA), collection="drinks")
    with django_assert_max_num_queries(20) as one:
        get(client, "/library/documents")
    upload(client, *((f"{number}.txt", TEA * number) for number in range(2, 5)), collection="drinks")
    with django_assert_max_num_queries(20) as many:
        assert len(get(client, "/library/documents").json()["items"]) == 4
    assert len(many) == len(one)


def test_files_may_come_with_the_question(client: Client) -> None:
    answer = upload(
        client,
        ("tea.txt", TEA),
        ("empty.txt", b""),
        path="/sessions",
        prompt="What does tea do?",
        max_sections="2",
        approve_plan="true",
    )
    assert answer.status_code == 201, answer.content
    document = Document.objects.get()
    options = Session.objects.get().options
    assert (options["documents"], options["max_sections"]) == ([str(document.pk)], 2)
    assert options["approve_plan"] is True
    assert [each["name"] for each in answer.json()["refused"]] == ["empty.txt"]


@pytest.mark.parametrize(
    ("files", "fields", "pointer"),
    [
        ([("empty.txt", b"")], {"prompt": "What does tea do?"}, "/files"),
        ([("tea.txt", TEA)], {"prompt": " "}, "/prompt"),
        ([("tea.txt", TEA)], {}, "/prompt"),
        ([("tea.txt", TEA)], {"prompt": "?", "owner_id": "1"}, "/owner_id"),
    ],
)
def test_a_form_that_cannot_be_asked_starts_nothing(
    client: Client, files: list[tuple[str, bytes]], fields: dict[str, str], pointer: str
) -> None:
    answer = upload(client, *files, path="/sessions", **fields)
    told = problem(answer, 422, "invalid_input")
    assert [each["pointer"] for each in told["errors"]] == [pointer]
    assert not Session.objects.exists()


def test_a_form_is_repeated_by_its_content_and_not_by_its_boundary(client: Client) -> None:
    def ask(content: bytes) -> Any:
        fields = {"prompt": "What does tea do?", "files": SimpleUploadedFile("tea.txt", content)}
        return client.post(f"{V1}/sessions", fields, headers={"Idempotency-Key": "form"})

    first, again = ask(TEA), ask(TEA)
    assert first.json()["session_id"] == again.json()["session_id"]
    problem(ask(COFFEE), 422, "idempotency_key_reused")
    assert Session.objects.count() == 1


def test_a_files_name_leads_nowhere(client: Client, tmp_path: Path) -> None:
    item = upload(client, ("../../../etc/tea.txt", TEA)).json()["items"][0]
    assert "/" not in item["name"]
