"""The seed's own examples: the import line changed, `python -m prowzi.cli.main` read as `prowzi`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from research import workflows
from research.artifacts import Intent
from research.config import get_config
from research.console import (
    ProgressListener,
    WorkflowMonitor,
    list_sessions,
    monitor_session_live,
    show_session,
)
from research.errors import (
    CheckpointMismatch,
    CheckpointTampered,
    IllegalState,
    InvalidInput,
    NotFound,
    StorageFailed,
)
from research.workflows import (
    CheckpointManager,
    CheckpointMetadata,
    ProwziOrchestrator,
    TelemetryCollector,
    WorkflowCheckpoint,
)
from tests.conftest import ROOT
from tests.integration.worlds import QUESTION, SmallEngine, engine

__all__ = ["engine"]

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = """
import asyncio, json, sys

from research.workflows import ProwziOrchestrator
from research.config import get_config

async def main():
    config = get_config()
    config.enable_checkpointing = True
    config.enable_telemetry = True

    orchestrator = ProwziOrchestrator(config=config)
    result = await orchestrator.run_research(
        prompt="Write a research paper on quantum computing"
    )

    session_id = result.metadata["session_id"]
    print(f"Session: {session_id}")

    result = await orchestrator.resume_from_checkpoint(session_id[:13])

    from research.workflows import TelemetryCollector
    telemetry = TelemetryCollector()
    own = telemetry.start_session(prompt="by hand")
    telemetry.record_stage_event(
        session_id=own,
        stage="search",
        status="started",
        attempt=1
    )
    telemetry.record_stage_event(
        session_id=own,
        stage="search",
        status="completed",
        attempt=2,
        duration=8.1,
        details={"sources_count": 48}
    )
    print(json.dumps([result.status, telemetry.load_session(session_id).success]))

asyncio.run(main())
"""


def in_a_new_folder(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    env |= {"PROWZI_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def test_the_seeds_examples_run_in_an_empty_folder(tmp_path: Path) -> None:
    done = in_a_new_folder(tmp_path, sys.executable, "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    key = first.removeprefix("Session: ")
    assert json.loads(second) == ["completed", True]

    def prowzi(*arguments: str) -> subprocess.CompletedProcess[str]:
        return in_a_new_folder(tmp_path, sys.executable, str(ROOT / "manage.py"), *arguments)

    run = prowzi("run", "Research prompt", "--enable-checkpoints")
    assert run.returncode == 0, run.stderr
    assert prowzi("monitor", key[:13]).returncode == 0
    assert key in prowzi("sessions").stdout


async def test_a_listener_follows_a_run(owner: User, engine: SmallEngine) -> None:
    listener = ProgressListener(WorkflowMonitor(prompt=QUESTION))
    result = await ProwziOrchestrator().run_research(
        prompt=QUESTION, progress=listener, user="owner", max_sections=2
    )
    assert (result.success, result.status, result.metadata["owner"]) == (True, "completed", "owner")
    assert result.metadata["session_id"] == result.session_id
    assert result.report.startswith("# ")
    assert result.citations["fabricated"] == 0
    assert [event["seq"] for event in listener.events] == list(range(1, len(listener.events) + 1))
    assert listener.monitor.status == "completed"


async def test_a_run_that_waits_comes_back_and_goes_on(owner: User, engine: SmallEngine) -> None:
    orchestrator = ProwziOrchestrator()
    result = await orchestrator.run_research(QUESTION, user="owner", approve_plan=True)
    assert (result.status, result.report, result.metadata["reason"]) == ("waiting", "", "plan")
    with pytest.raises(IllegalState, match="plan"):
        await orchestrator.resume_from_checkpoint(result.session_id, user="owner")
    with pytest.raises(NotFound):
        await orchestrator.resume_from_checkpoint(str(uuid.uuid4()), user="owner")


async def test_an_unknown_option_lists_the_choices(owner: User) -> None:
    with pytest.raises(InvalidInput, match="sections"):
        await ProwziOrchestrator().run_research(QUESTION, user="owner", sections=3)


def test_checkpointing_may_be_switched_off_for_this_process(
    owner: User, engine: SmallEngine, settings: Any
) -> None:
    settings.PROWZI = {**settings.PROWZI}
    get_config().enable_checkpointing = False
    assert not get_config().enable_checkpointing
    result = asyncio.run(ProwziOrchestrator().run_research(QUESTION, user="owner"))
    assert (result.success, result.metadata["checkpoints"]) == (True, [])


def test_the_configured_folder_is_where_checkpoints_go(tmp_path: Path, settings: Any) -> None:
    settings.CHECKPOINT_STORAGE = "file:///somewhere"
    get_config().checkpoint_dir = tmp_path
    assert f"file://{tmp_path}" == settings.CHECKPOINT_STORAGE
    assert get_config().checkpoint_dir == tmp_path
    assert get_config() is get_config()


def test_the_doors_of_the_console_print_and_return_what_they_print(
    owner: User, engine: SmallEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    result = asyncio.run(ProwziOrchestrator().run_research(QUESTION, user="owner"))
    assert monitor_session_live(result.session_id[:8], user="owner") == "completed"
    assert show_session(result.session_id, user="owner")["status"] == "completed"
    assert [each["session_id"] for each in list_sessions(user="owner")] == [result.session_id]
    assert "✔ Completed" in capsys.readouterr().out


# --- CheckpointManager ----------------------------------------------------------------------------


def saved(folder: Path, **results: Any) -> tuple[CheckpointManager, str]:
    manager = CheckpointManager(folder, user="owner")
    metadata = CheckpointMetadata(session_id=str(uuid.uuid4()), stage="planning", sequence=2, prompt="Why?")
    return manager, manager.save_checkpoint(
        WorkflowCheckpoint(metadata, results or {"intent": {"kind": "report"}})
    )


def test_a_saved_checkpoint_is_listed_loaded_and_deleted(owner: User, tmp_path: Path) -> None:
    intent = Intent(kind="report", field="general", language="en", words=900, terms=["tea"])
    manager, key = saved(tmp_path, intent=intent, planning={"title": "Tea", "share": 0.5, "blob": b"\x00"})
    loaded = manager.load_checkpoint(key)
    assert Intent.model_validate(loaded.results["intent"]) == intent
    assert loaded.results["planning"] == {"title": "Tea", "share": 0.5, "blob": b"\x00"}
    assert list(loaded.results) == ["intent", "planning"]
    assert manager.list_checkpoints() == [loaded.metadata]
    assert manager.list_checkpoints(loaded.metadata.session_id) == [loaded.metadata]
    assert manager.list_checkpoints(str(uuid.uuid4())) == []
    manager.delete_checkpoint(key)
    assert manager.list_checkpoints() == []
    with pytest.raises(NotFound):
        manager.load_checkpoint(key)


def test_a_checkpoint_holds_plain_data_only(owner: User, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="plain data"):
        saved(tmp_path, intent={"when": datetime.now(UTC)})


def test_the_same_id_is_never_written_twice(owner: User, tmp_path: Path) -> None:
    manager, key = saved(tmp_path)
    other = WorkflowCheckpoint(manager.load_checkpoint(key).metadata, {"intent": "another"})
    with pytest.raises(StorageFailed):
        manager.save_checkpoint(other)


def test_a_changed_or_swapped_file_is_refused(owner: User, tmp_path: Path) -> None:
    manager, key = saved(tmp_path)
    _, other = saved(tmp_path)
    [mine], [theirs] = ([*tmp_path.rglob(f"{each}.ckpt")] for each in (key, other))
    whole = mine.read_bytes()
    mine.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CheckpointTampered):
        manager.load_checkpoint(key)
    mine.write_bytes(theirs.read_bytes())
    with pytest.raises(CheckpointMismatch):
        manager.load_checkpoint(key)
    mine.with_suffix(".json").write_text(theirs.with_suffix(".json").read_text())
    with pytest.raises(CheckpointMismatch, match="its id differs"):
        manager.load_checkpoint(key)


@pytest.mark.parametrize("key", ["../../secret_key", "x", "", "\0"])
def test_an_id_cannot_climb_out_of_the_folder(owner: User, tmp_path: Path, key: str) -> None:
    with pytest.raises(NotFound):
        CheckpointManager(tmp_path, user="owner").load_checkpoint(key)


async def test_a_sessions_own_checkpoints_are_seen_but_not_deleted(
    owner: User, colleague: User, engine: SmallEngine, tmp_path: Path
) -> None:
    result = await ProwziOrchestrator().run_research(QUESTION, user="owner")
    manager = CheckpointManager(tmp_path, user="owner")
    listed = manager.list_checkpoints(result.session_id)
    assert [each.stage for each in listed][:3] == ["intent", "planning", "search"]
    state = manager.load_checkpoint(listed[2].checkpoint_id)
    assert list(state.results) == ["intent", "planning", "search"]
    with pytest.raises(IllegalState, match=result.session_id):
        manager.delete_checkpoint(listed[2].checkpoint_id)
    theirs = CheckpointManager(tmp_path, user="colleague")
    assert theirs.list_checkpoints() == []
    with pytest.raises(NotFound):
        theirs.load_checkpoint(listed[2].checkpoint_id)


def test_every_name_of_the_seed_is_there(owner: User) -> None:
    named = "ProwziOrchestrator CheckpointManager WorkflowCheckpoint CheckpointMetadata TelemetryCollector"
    assert set(workflows.__all__) >= {*named.split(), "WorkflowMetrics", "StageMetrics"}
    assert TelemetryCollector().list_sessions() == []
