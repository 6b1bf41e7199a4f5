"""The library: rows taken in and questions answered, over text made from a seed.

python -m benchmarks.library [--documents N] [--queries N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from research.library.words import STOP_WORDS

VOCABULARY = 30_000
WORDS = (150, 300)  # of an abstract
MUST = {"add_seconds": 90.0, "peak_mb": 500.0, "search_p95_ms": 50.0}  # figures 4, at 10,000 documents
SEED = 20261123


class Writer:
    """Abstracts whose words are as unevenly frequent as those of a language."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyz"
        made = ["".join(self.dice.choices(letters, k=self.dice.randint(3, 10))) for _ in range(VOCABULARY)]
        self.words = sorted(STOP_WORDS) + made  # a language's most frequent words are stop words
        self.weights = list(accumulate(1 / (rank + 3) for rank in range(len(self.words))))

    def text(self, words: int) -> str:
        chosen = self.dice.choices(self.words, cum_weights=self.weights, k=words)
        return " ".join(word + "." * (at % 17 == 16) for at, word in enumerate(chosen))


def write_corpus(path: Path, documents: int) -> None:
    writer = Writer(SEED)
    with path.open("w", encoding="utf-8") as file:
        for number in range(documents):
            row = {
                "_id": str(number),
                "title": writer.text(9),
                "text": writer.text(writer.dice.randint(*WORDS)),
            }
            file.write(json.dumps(row) + "\n")


def questions(many: int) -> Iterator[str]:
    writer = Writer(SEED)
    writer.dice.seed(SEED + 1)
    for _ in range(many):
        yield writer.text(writer.dice.randint(4, 14))


def measure(documents: int, queries: int, folder: Path) -> dict[str, float]:
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from research.library import documents as library
    from research.library import index

    call_command("migrate", verbosity=0, skip_checks=True)
    owner = User.objects.create_user("benchmark")
    write_corpus(folder / "corpus.jsonl", documents)
    begun = time.perf_counter()
    added = sum(each.status == "added" for each in library.add_each(owner, [folder / "corpus.jsonl"]))
    took = time.perf_counter() - begun
    times = []
    for question in questions(queries):
        begun = time.perf_counter()
        index.search(owner.pk, question, limit=20)
        times.append((time.perf_counter() - begun) * 1000)
    return {
        "documents": added,
        "add_seconds": round(took, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "database_mb": round((folder / "prowzi.sqlite3").stat().st_size / 2**20, 1),
        "search_p50_ms": round(statistics.median(times), 1),
        "search_p95_ms": round(sorted(times)[int(len(times) * 0.95)], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(PROWZI_DATA_DIR=folder, DJANGO_SETTINGS_MODULE="prowzi_site.settings")
        import django

        django.setup()
        result = measure(options.documents, options.queries, Path(folder))
    for name, value in result.items():
        must = f"   must {MUST[name]:g}" if name in MUST else ""
        print(f"{name:<16} {value:>10,.1f}{must}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
