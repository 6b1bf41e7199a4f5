"""Copied runs: stretches of unquoted text that stand word for word in the evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from research.artifacts import Evidence
from research.claims.words import Token, tokens

SHORTEST = 8  # words in a run that is worth naming
SEED = 6  # words by which runs are found
UNSPACED_WORD = 0.6  # words that one character stands for where a script has no spaces
MOST_PLACES = 50  # of one seed; a longer list is a formula


@dataclass(frozen=True)
class Run:
    start: int  # offsets into the sentence
    end: int
    words: int
    evidence: str
    evidence_start: int  # offsets into the evidence text
    evidence_end: int


class Copies:
    """An index over the evidence that finds the longest copied runs of a text."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._ids = [e.id for e in evidence]
        self._tokens = [tokens(e.text) for e in evidence]
        self._seeds: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
        for document, words in enumerate(self._tokens):
            for position in range(len(words) - SEED + 1):
                places = self._seeds[_seed(words, position)]
                if len(places) < MOST_PLACES:
                    places.append((document, position))

    def runs(self, text: str) -> list[Run]:
        """The longest runs from left to right, none overlapping another."""
        words = tokens(text)
        found: list[Run] = []
        position = 0
        while position + SEED <= len(words):
            run, length = self._longest(words, position)
            if run is not None and run.words >= SHORTEST:
                found.append(run)
                position += length
            else:
                position += 1
        return found

    def _longest(self, words: list[Token], position: int) -> tuple[Run | None, int]:
        longest, place = 0, (0, 0)
        for document, start in self._seeds.get(_seed(words, position), ()):
            length = _matching(words, position, self._tokens[document], start)
            if length > longest:
                longest, place = length, (document, start)
        if not longest:
            return None, 0
        own, theirs = words[position : position + longest], self._tokens[place[0]][place[1] :][:longest]
        weight = count(own)
        return Run(
            own[0].start, own[-1].end, weight, self._ids[place[0]], theirs[0].start, theirs[-1].end
        ), longest


def count(words: Sequence[Token]) -> int:
    unspaced = sum(word.is_unspaced for word in words)
    return round(len(words) - unspaced + unspaced * UNSPACED_WORD)


def _seed(words: Sequence[Token], position: int) -> tuple[str, ...]:
    return tuple(word.text for word in words[position : position + SEED])


def _matching(left: list[Token], i: int, right: list[Token], j: int) -> int:
    length = 0
    while (
        i + length < len(left) and j + length < len(right) and left[i + length].text == right[j + length].text
    ):
        length += 1
    return length
