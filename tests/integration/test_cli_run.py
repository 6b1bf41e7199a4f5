"""`prowzi run` and `prowzi resume`: a whole run in this process."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from research import services, wiring
from research.agents import search
from research.artifacts import Artifact, Options
from research.conf import conf
from research.errors import ProviderRefused
from research.management import log_file
from research.models import Session
from research.pipeline import PIPELINE
from research.stage import ResearchState
from research.store import lease
from research.store.owners import OwnerLock
from research.toolbox import Toolbox
from telemetry.queries import all_events
from tests.integration.cli import Terminal, prowzi
from tests.integration.worlds import QUESTION, ask, beside, engine, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]

__all__ = ["engine"]


class Stdin:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("root", password="a long pass phrase")


def test_a_run_answers_with_one_json_document_and_tells_the_rest_on_stderr(admin: User) -> None:
    answer = prowzi("run", QUESTION, "--json")
    session = Session.objects.get()
    assert (answer.status, session.owner) == (0, admin)
    assert answer.json["session_id"] == str(session.pk)
    assert (answer.json["status"], answer.json["success"]) == ("completed", True)
    assert answer.json["citations"]["fabricated"] == 0
    assert "search completed" in answer.err
    assert "\x1b" not in answer.out + answer.err


def test_without_a_terminal_there_is_a_line_per_stage_and_a_plain_summary(admin: User) -> None:
    answer = prowzi("run", QUESTION)
    assert answer.status == 0
    assert answer.out.startswith(f"Session: {Session.objects.get().pk}\nStatus: ✔ Completed\n")
    ends = [line.split()[0] for line in answer.err.splitlines() if " completed after" in line]
    assert ends[:3] == ["intent", "planning", "search"]


def test_a_terminal_gets_the_live_table(admin: User) -> None:
    answer = prowzi("run", QUESTION, out=Terminal())
    assert answer.status == 0
    assert "\x1b[" in answer.out
    assert "✔ Completed" in answer.out
    assert "completed after" not in answer.err


def test_the_first_command_of_all_makes_the_administrator(db: None) -> None:
    assert prowzi("run", QUESTION).status == 0
    [admin] = User.objects.all()
    assert (admin.username, admin.is_superuser, admin.has_usable_password()) == ("admin", True, False)


@pytest.mark.parametrize("ending", ["md", "html", "json"])
def test_the_report_is_written_in_the_format_of_the_files_ending(
    admin: User, tmp_path: Path, ending: str
) -> None:
    place = tmp_path / f"report.{ending}"
    assert prowzi("run", QUESTION, "--output", place).status == 0
    content = place.read_text()
    assert {"md": "# ", "html": "<!doctype html>", "json": '{\n  "format"'}[ending] in content[:60].replace(
        "DOCTYPE", "doctype"
    )


def test_a_question_of_200_000_characters_in_any_script_runs(admin: User) -> None:
    prompt = "لماذا يؤخر الشاي النوم؟ How does tea change sleep? "
    prompt = (prompt * 4000)[:200_000]
    services.check_prompt(prompt)
    assert prowzi("run", prompt[:5000]).status == 0
    assert Session.objects.get().prompt == prompt[:5000]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (QUESTION.encode(), 0),
        (b"\xef\xbb\xbf" + QUESTION.encode(), 0),  # a byte order mark is not part of it
        (b"why \xff", 2),
        (b"", 2),
        ("字".encode() * 300_000, 2),  # longer than what is read, cut within a character
    ],
)
def test_the_question_may_come_from_standard_input(
    admin: User, monkeypatch: pytest.MonkeyPatch, content: bytes, status: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    assert prowzi("run", "-").status == status
    assert [session.prompt for session in Session.objects.all()] == [QUESTION] * (status == 0)


def test_detach_leaves_the_work_to_workers(admin: User) -> None:
    answer = prowzi("run", QUESTION, "--detach", "--json")
    assert (answer.status, answer.json["status"]) == (0, "queued")


def test_a_plan_that_waits_for_a_person_is_4_and_goes_on_once_approved(admin: User) -> None:
    waiting = prowzi("run", QUESTION, "--approve-plan", "--json")
    assert (waiting.status, waiting.json["status"], waiting.json["reason"]) == (4, "waiting", "plan")
    key = waiting.json["session_id"]
    assert f"prowzi approve {key}" in waiting.err
    assert prowzi("resume", key).status == 1  # not without a decision
    assert prowzi("approve", key[:8]).status == 0
    assert prowzi("resume", key[:8], "--json").json["status"] == "completed"


def test_options_reach_the_session(admin: User) -> None:
    prowzi("run", QUESTION, "--no-checkpoints", "--max-results", "3", "--budget", "1.5", "--detach")
    session = Session.objects.get()
    assert session.options["checkpoints"] is False
    assert (session.options["max_results"], session.budget_microusd) == (3, 1_500_000)


def test_without_checkpoints_only_markdown_can_be_exported(admin: User) -> None:
    key = prowzi("run", QUESTION, "--no-checkpoints", "--json").json["session_id"]
    assert prowzi("export", key).out.startswith("# ")
    refused = prowzi("export", key, "--format", "html")
    assert (refused.status, refused.out) == (3, "")
    assert "only its Markdown was kept" in refused.err


def test_a_run_that_failed_is_1_and_says_why(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(state: ResearchState, toolbox: Toolbox) -> Artifact:
        raise ProviderRefused("The engine wants no such question.")

    _replace_agent(monkeypatch, "search", refuse)
    answer = prowzi("run", QUESTION, "--json")
    assert (answer.status, answer.json["status"]) == (1, "failed")
    assert "The engine wants no such question." in answer.err
    assert "Traceback" not in answer.err


def _replace_agent(monkeypatch: pytest.MonkeyPatch, stage: str, agent: Callable[..., Any]) -> None:
    changed = tuple(
        dataclasses.replace(spec, agent=agent) if spec.name == stage else spec for spec in PIPELINE
    )
    opened = wiring.open_worker
    monkeypatch.setattr("research.management.working.open_worker", lambda: opened(changed))


def test_ctrl_c_pauses_the_session_and_resume_goes_on(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(state: ResearchState, toolbox: Toolbox) -> Artifact:
        os.kill(os.getpid(), signal.SIGINT)
        while not await sync_to_async(Session.objects.filter(wish="pause").exists)():
            await asyncio.sleep(0.01)
        return await search.search(state, toolbox)

    with monkeypatch.context() as patch:
        _replace_agent(patch, "search", interrupted)
        answer = prowzi("run", QUESTION, "--json")
    assert (answer.status, answer.json["status"], answer.json["reason"]) == (130, "paused", "person")
    assert "Pausing" in answer.err
    assert f"prowzi resume {answer.json['session_id']}" in answer.err
    done = prowzi("resume", answer.json["session_id"], "--json")
    assert (done.status, done.json["status"]) == (0, "completed")
    stages = [event.stage for event in all_events(answer.json["session_id"]) if event.status == "completed"]
    assert stages.count("search") == 1


def test_a_second_ctrl_c_is_a_crash(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[int] = []
    monkeypatch.setattr("research.management.working.os._exit", ends.append)

    async def interrupted(state: ResearchState, toolbox: Toolbox) -> Artifact:
        while not ends:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.01)
        return await search.search(state, toolbox)

    _replace_agent(monkeypatch, "search", interrupted)
    prowzi("run", QUESTION)
    assert ends[0] == 130


def test_an_ending_process_hands_its_session_over(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ended(state: ResearchState, toolbox: Toolbox) -> Artifact:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(30)
        return await search.search(state, toolbox)

    with monkeypatch.context() as patch:
        _replace_agent(patch, "search", ended)
        answer = prowzi("run", QUESTION, "--json")
    session = Session.objects.get()
    assert (answer.status, session.status, session.lease_owner) == (130, "running", "")
    assert prowzi("resume", session.pk, "--json").json["status"] == "completed"


def test_resume_of_a_completed_session_says_so_and_changes_nothing(admin: User) -> None:
    key = prowzi("run", QUESTION, "--json").json["session_id"]
    before = len(list(all_events(key)))
    answer = prowzi("resume", key)
    assert answer.status == 0
    assert "completed already" in answer.err
    assert len(list(all_events(key))) == before


def test_resume_after_a_stage_makes_a_branch(admin: User) -> None:
    key = prowzi("run", QUESTION, "--json").json["session_id"]
    branch = prowzi("resume", key, "--after", "verification", "--json")
    assert (branch.status, branch.json["status"], branch.json["parent"]) == (0, "completed", key)
    assert Session.objects.count() == 2
    assert prowzi("resume", key, "--after", "dessert").status == 2


def test_resume_takes_the_id_of_a_checkpoint(admin: User) -> None:
    session = ask(admin)
    run(session)
    checkpoint = prowzi("show", session.pk, "--json").json["checkpoints"][0]["id"]
    assert prowzi("resume", checkpoint[:13], "--json").json["session_id"] == str(session.pk)


def test_a_session_that_a_worker_holds_is_followed_until_it_ends(admin: User) -> None:
    session = services.start_session(owner=admin, prompt=QUESTION, options=Options())
    worker = beside(lambda: run(session))
    answer = prowzi("resume", session.pk, "--json")
    worker.join()
    assert (answer.status, answer.json["status"]) == (0, "completed")
    ends = [event.stage for event in all_events(session.pk) if event.status == "completed" and event.stage]
    assert len(ends) == len(set(ends))


def test_a_session_whose_worker_dies_is_taken_over(admin: User) -> None:
    session = services.start_session(owner=admin, prompt=QUESTION, options=Options())
    other = OwnerLock.create(conf().run_dir)
    held = lease.acquire(session.pk, owner=other.name, run_dir=conf().run_dir, seconds=600)
    assert held is not None
    death = threading.Timer(0.2, other.close)  # as the kernel frees its lock
    death.start()
    answer = prowzi("resume", session.pk, "--json")
    death.join()
    assert (answer.status, answer.json["status"]) == (0, "completed")
    assert "taken_over" in {event.status for event in all_events(session.pk)}


def test_the_log_goes_to_a_file(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(state: ResearchState, toolbox: Toolbox) -> Artifact:
        raise ProviderRefused("The engine wants no such question.")

    _replace_agent(monkeypatch, "search", refuse)
    said = prowzi("run", QUESTION).err.splitlines()
    assert not [line for line in said if line.startswith("{")]
    assert "session failed" in log_file.path().read_text()


def test_documents_are_added_first_and_refused_ones_are_named(admin: User, tmp_path: Path) -> None:
    (tmp_path / "tea.md").write_text("# Tea\n\nGreen tea contains caffeine.\n")
    (tmp_path / "empty.txt").touch()
    first = prowzi("run", QUESTION, "--json", "--document", tmp_path / "tea.md", tmp_path / "empty.txt")
    assert first.status == 0
    assert "empty.txt: refused (empty)" in first.err
    [document] = first.json["options"]["documents"]
    again = prowzi("run", QUESTION, "--json", "--detach", "--document", tmp_path)  # in the library already
    assert again.json["options"]["documents"] == [document]
    none = prowzi("run", QUESTION, "--document", tmp_path / "empty.txt", tmp_path / "missing.pdf")
    assert (none.status, Session.objects.count()) == (2, 2)
