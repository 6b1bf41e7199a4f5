"""What comes first."""

from __future__ import annotations

import uuid
from itertools import pairwise

from research.library.ranking import Candidate, Collection, Ranked, rank_documents

COLLECTION = Collection(documents=10, passages=10, chars=5000)


def passage(number: int, title: str, body: str, document: int | None = None) -> Candidate:
    key = uuid.UUID(int=number if document is None else document).hex
    return Candidate(number, key, 500, 500, title, body)


def order(query: str, *candidates: Candidate, counts: dict[str, int] | None = None) -> list[Ranked]:
    asked = query.split()
    return rank_documents(asked, candidates, counts or dict.fromkeys(asked, 2), COLLECTION)


def numbers(ranked: list[Ranked]) -> list[int]:
    return [each.passages[0][0] for each in ranked]


def test_a_rare_word_counts_more_than_a_frequent_one() -> None:
    found = order(
        "rare often", passage(1, "", "often x x"), passage(2, "", "rare x x"), counts={"rare": 1, "often": 9}
    )
    assert numbers(found) == [2, 1]


def test_a_word_in_the_title_counts_more() -> None:
    assert numbers(order("tea", passage(1, "x", "tea y"), passage(2, "tea", "x y"))) == [2, 1]


def test_words_that_stand_together_count_more() -> None:
    apart, together = passage(1, "", "green x tea y z"), passage(2, "", "green tea x y z")
    assert numbers(order("green tea", apart, together)) == [2, 1]


def test_a_repeated_word_of_the_query_counts_twice() -> None:
    tea, milk = passage(1, "", "tea x"), passage(2, "", "milk x")
    assert numbers(order("tea milk milk", tea, milk)) == [2, 1]


def test_a_document_ranks_once_with_its_best_passages_first() -> None:
    candidates = [passage(n, "", "tea " * n + "x " * (9 - n), document=7) for n in range(1, 6)]
    (found,) = order("tea", *candidates)
    assert [number for number, _ in found.passages] == [5, 4, 3]


def test_scores_fall_strictly_also_among_equals() -> None:
    found = order("tea", *(passage(n, "", "tea x") for n in range(1, 40)))
    scores = [each.score for each in found]
    assert all(left > right for left, right in pairwise(scores))
    assert numbers(found) == list(range(1, 40))


def test_nothing_found_is_nothing() -> None:
    assert order("tea") == []
