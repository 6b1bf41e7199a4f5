"""Research prompts written by others: all of them go through intent and planning."""

from __future__ import annotations

import asyncio
import json

import pytest

from research.artifacts import Intent, Plan
from tests.conftest import find_shared_data
from tests.unit.toolbox_double import ToolboxDouble, run

SHARED = find_shared_data()
PROMPTS = SHARED / "prompts-deep-research"
FILES = {  # file -> field, rows that are taken (every n-th)
    "deep_research_bench": ("prompt", 1),
    "gpt_researcher_queries": ("question", 1),
    "longfact": ("prompt", 2),
    "expertqa_questions": ("question", 4),
    "simpleqa": ("problem", 4),
}

pytestmark = pytest.mark.skipif(not PROMPTS.is_dir(), reason="the shared research prompts are not here")


def _rows(name: str) -> list[dict[str, str]]:
    lines = (PROMPTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines][:: FILES[name][1]]


def _planned(prompt: str) -> tuple[Intent, Plan]:
    state = asyncio.run(run(prompt, ToolboxDouble([]), until="planning"))
    return state.get("intent", Intent), state.get("planning", Plan)


@pytest.mark.parametrize("name", FILES)
def test_every_prompt_gets_at_least_three_distinct_sub_questions(name: str) -> None:
    rows = _rows(name)
    plans = [_planned(row[FILES[name][0]])[1] for row in rows]
    good = [
        plan for plan in plans if len({section.question for section in plan.sections}) >= 3 and plan.title
    ]
    assert len(good) / len(rows) == 1.0


def test_the_language_of_every_prompt_is_kept() -> None:
    rows = _rows("deep_research_bench")
    assert [_planned(row["prompt"])[0].language for row in rows] == [row["language"] for row in rows]


def test_english_questions_are_not_taken_for_another_language() -> None:
    rows = _rows("expertqa_questions")
    english = [_planned(row["question"])[0].language == "en" for row in rows]
    assert sum(english) / len(english) >= 0.99
