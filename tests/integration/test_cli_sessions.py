"""Looking at sessions and deciding about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from research.models import ApiToken, LoginLink, Session
from research.pipeline import STAGES
from research.tokens import find_token
from tests.integration.cli import Terminal, prowzi
from tests.integration.worlds import ask, engine, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]

__all__ = ["engine"]

AT_LEAST = {
    *(
        "session_id",
        "status",
        "reason",
        "prompt",
        "owner",
        "parent",
        "created_at",
        "started_at",
        "completed_at",
    ),
    *("total_duration_seconds", "total_retries", "failed_stages", "success", "cost_usd", "cost_in_doubt_usd"),
    *("budget_usd", "stages", "checkpoints", "citations", "report_path"),
}
COMMANDS = (
    *("run", "resume", "sessions", "show", "monitor", "pause", "cancel", "approve", "export"),
    *("token", "demo", "login-link"),
)


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("root", password="a long pass phrase")


@pytest.fixture
def finished(admin: User) -> Session:
    session = ask(admin)
    run(session)
    return session


def test_a_finished_session_can_be_looked_at_from_every_side(finished: Session, tmp_path: Path) -> None:
    key = str(finished.pk)
    shown = prowzi("show", key, "--json", "--events", "--claims", "--report").json
    assert set(shown) >= AT_LEAST
    assert [stage["stage"] for stage in shown["stages"]] == list(STAGES)
    assert [event["seq"] for event in shown["events"]] == list(range(1, len(shown["events"]) + 1))
    assert len(shown["claims"]) == shown["citations"]["total"] > 0
    assert shown["report"] == Path(shown["report_path"]).read_text() == prowzi("show", key, "--report").out
    assert prowzi("export", key).out == shown["report"]
    assert "search" in prowzi("show", key).out
    assert "intent" in prowzi("show", key, "--checkpoints").out
    assert "created" in prowzi("show", key, "--events").out
    assert "supported" in prowzi("show", key, "--claims").out
    written = prowzi("export", key, "--output", tmp_path / "report.html")
    assert (written.status, written.out) == (0, "")
    assert (tmp_path / "report.html").stat().st_size > 1000
    monitored = prowzi("monitor", key, "--json")
    assert (monitored.status, monitored.json["status"]) == (0, "completed")
    assert "\x1b[" in prowzi("monitor", key, out=Terminal()).out


def test_sessions_lists_ones_own_the_newest_first(admin: User, owner: User) -> None:
    keys = [str(ask(admin, f"Question {number}").pk) for number in range(3)]
    ask(owner)
    assert [each["session_id"] for each in prowzi("sessions", "--json").json] == keys[::-1]
    assert [each["session_id"] for each in prowzi("sessions", "--json", "--limit", "1").json] == keys[2:]
    assert prowzi("sessions", "--json", "--status", "failed").json == []
    assert len(prowzi("sessions", "--json", "--user", "owner").json) == 1
    table = prowzi("sessions").out
    assert all(key in table for key in keys)


def test_a_persons_decisions(admin: User) -> None:
    key = str(ask(admin).pk)
    paused = prowzi("pause", key, "--json").json
    assert (paused["status"], paused["reason"]) == ("paused", "person")
    assert prowzi("monitor", key).status == 4
    assert prowzi("approve", key).status == 1  # it does not wait for one
    resumed = prowzi("resume", key[:8], "--detach", "--json")
    assert (resumed.status, resumed.json["status"]) == (0, "queued")
    assert "Cancelled" in prowzi("cancel", key).out
    assert prowzi("monitor", key).status == 1
    refused = prowzi("resume", key)
    assert refused.status == 1
    assert "--after" in refused.err


def test_a_token_is_shown_once_and_revoked(admin: User) -> None:
    made = prowzi(
        "token", "create", "root", "--scope", "read", "--expires", "30", "--name", "a script", "--json"
    ).json
    row = find_token(made["token"])
    assert row is not None
    assert (row.owner, row.scopes) == (admin, ["read"])
    [listed] = prowzi("token", "list", "--json").json
    assert (listed["prefix"], listed["name"]) == (made["prefix"], "a script")
    secret = made["token"].split("_", 2)[2]
    assert secret not in prowzi("token", "list").out
    assert made["prefix"] in prowzi("token", "list").out
    assert prowzi("token", "revoke", made["prefix"]).status == 0
    assert find_token(made["token"]) is None
    assert ApiToken.objects.count() == 1


def test_stdout_of_a_new_token_is_the_token_alone(admin: User) -> None:
    answer = prowzi("token", "create", "root")
    assert find_token(answer.out.strip()) is not None
    assert answer.out.count("\n") == 1


def test_a_sign_in_link_leads_to_this_installation(admin: User) -> None:
    answer = prowzi("login-link")
    assert answer.out.startswith("http://127.0.0.1:8000/accounts/link/")
    assert "15 minutes" in answer.err
    assert LoginLink.objects.get().user == admin


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert prowzi(name, "--help").status == 0
        said = capsys.readouterr().out
        assert f"usage: prowzi {name}" in said
        assert f"example:\n  prowzi {name}" in said
