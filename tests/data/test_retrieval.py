"""The search beside BM25 on real judgements: SciFact's development ids and Cranfield (figures 5)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from research.library import documents, runs
from research.toolbox import Scope

pytestmark = pytest.mark.django_db


def measures(shared: Path, folder: str, owner: User, tmp_path: Path, ids: set[str]) -> dict[str, float]:
    report = documents.add(owner, [shared / folder / "corpus.jsonl.gz"])
    assert {each.code for each in report.refused} <= {"empty"}
    judged = (shared / folder / "qrels.tsv").read_text().splitlines()
    ids = ids or {line.split()[0] for line in judged}
    rows = (shared / folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "queries.jsonl").write_text("\n".join(row for row in rows if json.loads(row)["_id"] in ids))
    (tmp_path / "qrels").write_text("\n".join(line for line in judged if line.split()[0] in ids))
    runs.write_run(owner.pk, tmp_path / "queries.jsonl", tmp_path / "run", scope=Scope(owner.pk), limit=100)
    command: list[str | Path] = [
        sys.executable,
        shared / "score_retrieval.py",
        tmp_path / "run",
        tmp_path / "qrels",
        "--json",
    ]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert answer["queries"] == len(ids)
    return {key: float(value) for key, value in answer.items()}


def test_scifact_is_found_better_than_by_bm25(owner: User, shared_data: Path, tmp_path: Path) -> None:
    ids = set((shared_data / "retrieval-scifact" / "eval_query_ids.txt").read_text().split())
    found = measures(shared_data, "retrieval-scifact", owner, tmp_path, ids)
    assert found["ndcg@10"] >= 0.69
    assert found["recall@100"] >= 0.90


def test_cranfield_is_found_better_than_by_bm25(owner: User, shared_data: Path, tmp_path: Path) -> None:
    found = measures(shared_data, "retrieval-cranfield", owner, tmp_path, set())
    assert found["ndcg@10"] >= 0.375
    assert found["recall@100"] >= 0.74
