"""Sessions drawn for a terminal: pure functions of plain data."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from research.console import tables, text
from research.models import SessionStatus, StageStatus

STAGE = {"stage": "search", "status": "completed", "attempt": 2, "duration_seconds": 8.1, "error": None}
SESSION = {
    "session_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "prompt": "Why is the sky blue?",
    "status": "completed",
    "reason": "",
    "created_at": "2026-01-02T03:04:05.000000Z",
    "started_at": "2026-01-02T03:04:05.000000Z",
    "total_duration_seconds": 75.0,
    "total_retries": 1,
    "cost_usd": 0.5,
    "cost_in_doubt_usd": 0.0,
    "budget_usd": 2.0,
    "report_path": "/data/report.md",
    "citations": {"total": 3, "supported": 2, "partly": 1, "fabricated": 0},
    "stages": [
        {**STAGE, "details": {"sources_count": 48}},
        {**STAGE, "stage": "verification", "attempt": 1, "details": {"accepted": 12, "answerable": True}},
    ],
}


def drawn(renderable: RenderableType, *, terminal: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, force_terminal=terminal, width=120).print(renderable)
    return out.getvalue()


@pytest.mark.parametrize("status", sorted({*SessionStatus.values, *StageStatus.values}))
def test_each_of_the_nine_words_has_a_glyph_of_its_own(status: str) -> None:
    assert text.word(status) == f"{text.GLYPHS[status]} {status.capitalize()}"
    assert len(set(text.GLYPHS.values())) == len(text.GLYPHS) == 9


def test_a_session_shows_stages_and_summary() -> None:
    shown = drawn(tables.session_view(SESSION))
    for expected in (
        "Why is the sky blue?",
        "✔ Completed",
        "8.1 s",
        "48 sources",
        "1 min 15 s",
        "Retries    1",
        "12 accepted of 48",
        "3, 2 supported, 1 partly, fabricated 0",
        "$0.50 of $2.00",
        "/data/report.md",
    ):
        assert expected in shown


def test_colours_are_for_terminals_only() -> None:
    assert "\x1b[" in drawn(tables.session_view(SESSION), terminal=True)
    assert "\x1b" not in drawn(tables.session_view(SESSION))


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]0;owned\x07",  # retitles the window
        "\x1b[2J\x1b[H",  # clears the screen
        "a\rb",  # overwrites the line
        "\x9b31m",  # the same as ESC [
        "gpj.\u202eexe",  # shows itself backwards
        "[red]bold[/red]",  # Rich's markup
    ],
)
def test_no_text_of_others_can_steer_a_terminal(hostile: str) -> None:
    session = {**SESSION, "prompt": hostile, "stages": [{**STAGE, "error": hostile, "details": {}}]}
    event = {"seq": 1, "at": "2026", "stage": hostile, "status": hostile, "details": {"title": hostile}}
    claim = {"ordinal": 1, "verdict": "partly", "tier": hostile, "text": hostile}
    for renderable in (
        tables.session_view(session, note=hostile),
        tables.sessions_table([session]),
        tables.events_table([event]),
        tables.claims_table([claim]),
    ):
        shown = drawn(renderable)
        assert not any(letter in shown for letter in "\x1b\x07\r\x9b\u202e")
        if hostile.startswith("[red]"):
            assert hostile in shown


def test_a_right_to_left_question_stays_as_it_is() -> None:
    assert "لماذا السماء زرقاء؟" in drawn(
        tables.sessions_table([{**SESSION, "prompt": "لماذا السماء زرقاء؟"}])
    )


def test_nothing_yet_says_what_to_type() -> None:
    assert "prowzi run" in drawn(tables.sessions_table([]))


def test_a_failed_stage_shows_its_error_instead_of_details() -> None:
    assert tables.details_text({"error": "no\nanswer", "details": {"sources_count": 1}}) == "no answer"


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({}, ""),
        ({"sources_count": 1234, "changed": True, "answerable": False}, "1,234 sources, changed"),
        ({"copied_share": 0.1234, "measures": {"a": 1}, "engines_missing": []}, "copied share 0.12"),
        ({"title": "x" * 500}, "x" * 159 + "…"),
    ],
)
def test_details_are_a_few_words(details: dict[str, Any], said: str) -> None:
    assert tables.details_text({"details": details}) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (12.4, "12 s"),
        (60, "1 min"),
        (3599.6, "1 h"),
        (7260, "2 h 1 min"),
    ],
)
def test_durations_are_said_as_people_say_them(value: float | None, said: str) -> None:
    assert text.seconds(value) == said


@pytest.mark.parametrize(
    ("usd", "said"), [(None, ""), (0.0, "$0.00"), (1.5, "$1.50"), (0.000012, "$0.000012")]
)
def test_a_small_cost_is_not_shown_as_nothing(usd: float | None, said: str) -> None:
    assert text.money(usd) == said


def test_the_newest_events_and_checkpoints_are_rows() -> None:
    event = {"seq": 7, "at": "2026-01-02T03:04:05.123456Z", "stage": None, "status": "created", "details": {}}
    assert "session" in drawn(tables.events_table([event]))
    checkpoint = {"sequence": 1, "id": "abc", "stage": "intent", "created_at": event["at"], "bytes": 12345}
    assert "12,345" in drawn(tables.checkpoints_table([checkpoint]))
