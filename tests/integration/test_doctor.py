"""`prowzi doctor` names what is broken and what to type, and shows no secret."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from research import diagnosis
from research.models import Session
from research.store.owners import OwnerLock
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def installation(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.CHECKPOINT_STORAGE = f"file://{tmp_path}/checkpoints"
    return tmp_path


def doctor(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def broken() -> list[str]:
    status, text = doctor("--json")
    document: dict[str, Any] = json.loads(text)
    found = [finding["text"] for finding in document["findings"] if finding["is_broken"]]
    assert document["ok"] is (not found) is (status == 0)
    return found


def owe_work(owner: Any) -> None:
    from django.utils import timezone

    Session.objects.create(owner=owner, prompt="why?", created_at=timezone.now())


def test_a_healthy_installation_has_nothing_broken() -> None:
    status, text = doctor()
    assert status == 0, text
    assert text.rstrip().endswith("Nothing is broken.")
    for word in (
        "PROWZI_LEASE_SECONDS",
        "Python 3",
        "django 5",
        "migrations applied",
        "checkpoints in",
        "wake-ups",
    ):
        assert word in text


def test_no_secret_is_shown(settings: Settings) -> None:
    settings.SECRET_KEY = "s3cret-of-the-installation"
    settings.PROWZI = {
        **settings.PROWZI,
        "engine_options": {"exa": {"api_key": "s3cret-of-exa", "rate": "2"}},
    }
    for arguments in ([], ["--json"]):
        text = doctor(*arguments)[1]
        assert "s3cret" not in text
        assert "rate: 2" in text


def test_a_data_folder_that_cannot_be_written_is_named(settings: Settings) -> None:
    settings.DATA_DIR = Path("/proc/prowzi")
    assert any("/proc/prowzi cannot be written" in text for text in broken())


def test_a_checkpoint_folder_that_cannot_be_written_is_named(settings: Settings) -> None:
    settings.CHECKPOINT_STORAGE = "file:///proc/prowzi"
    assert len(broken()) == 1


def test_the_probe_of_the_storage_leaves_nothing_behind(installation: Path) -> None:
    doctor()
    assert [path for path in (installation / "checkpoints").rglob("*") if path.is_file()] == []


def test_missing_migrations_say_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.migrations.executor import MigrationExecutor

    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: [("research", "0099")])
    assert any("Type: prowzi migrate" in text for text in broken())


def test_an_unknown_model_and_an_unknown_engine_list_the_choices(settings: Settings) -> None:
    settings.PROWZI = {**settings.PROWZI, "llm": "nonsense", "engines": ["altavista"]}
    found = broken()
    assert any("nonsense" in text and "offline" in text for text in found)
    assert any("altavista" in text and "library" in text for text in found)


def test_a_missing_dependency_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_dependencies", lambda project: ["no-such-distribution"])
    assert broken() == ["no-such-distribution is not installed."]


def test_every_dependency_of_the_project_is_looked_at() -> None:
    names = diagnosis._dependencies(ROOT / "pyproject.toml")
    assert {"django", "django-q2", "psycopg"} <= set(names)


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "LEAST_FREE_BYTES", 2**63)
    assert any("make room" in text for text in broken())


def test_owed_work_without_a_worker_is_broken_and_with_one_it_is_not(owner: Any, installation: Path) -> None:
    owe_work(owner)
    assert broken() == ["1 sessions wait, and no worker runs on this machine."]
    with OwnerLock.create(installation / "run"):
        assert diagnosis.living_workers(installation / "run") == 1
        assert broken() == []
    assert diagnosis.living_workers(installation / "run") == 0


def test_owed_work_is_well_while_up_starts_its_workers(owner: Any, installation: Path) -> None:
    import os

    from research.runner import readiness

    owe_work(owner)
    (installation / "run").mkdir()
    lock = readiness.lock_data_dir(installation / "run")
    try:
        assert broken() == []
    finally:
        os.close(lock)
    assert len(broken()) == 1


def test_a_failed_system_check_is_a_finding(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert any(text.startswith("prowzi.E002") for text in broken())
