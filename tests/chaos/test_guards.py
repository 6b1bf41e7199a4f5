"""A guard counts when its removal turns a test red: each is taken out of a copy of the source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Guard:
    file: str
    guard: str  # a piece of source that stands there exactly once
    without: str  # the same piece with the guard taken out
    test: str


GUARDS = {
    "fence": Guard(
        "research/store/lease.py",
        '" WHERE id = %s AND fence = %s AND lease_owner = %s" + sql.lock_clause(),',
        "\" WHERE id = %s AND %s > 0 AND %s <> ''\" + sql.lock_clause(),",
        "tests/integration/test_lease.py::test_b16_a_fenced_owner_changes_nothing",
    ),
    "fsync": Guard(
        "research/store/checkpoints/storage.py",
        "        os.fsync(descriptor)  # when this fails",
        "        pass  # when this fails",
        "tests/unit/test_checkpoint_storage.py::test_every_published_blob_is_synced_before_it_is_relied_on",
    ),
    "HMAC": Guard(
        "research/store/checkpoints/codec.py",
        "    if not keys.verifies(key_id, body, tag):",
        "    if False:",
        "tests/unit/test_checkpoint_codec.py::test_s01_a_forged_tag_under_our_key_id_is_refused",
    ),
    "identity": Guard(
        "research/store/checkpoints/codec.py",
        "    _check_identity(header, expect)\n",
        "",
        "tests/unit/test_checkpoint_codec.py::test_b23_a_file_of_another_checkpoint_is_refused",
    ),
    "opcode walk": Guard(
        "research/store/checkpoints/codec.py",
        "\n    opcodes.check(raw)\n    payload",
        "\n    payload",
        "tests/unit/test_checkpoint_codec.py",
    ),
    "sequence": Guard(
        "telemetry/collector.py",
        "WHERE session_id = %s AND last_seq = %s",
        "WHERE session_id = %s AND last_seq >= 0 * %s",
        "tests/integration/test_telemetry_collector.py::test_a_number_is_never_taken_twice",
    ),
    "compare-and-set": Guard(
        "research/store/commit.py",
        " AND attempt = %s AND status = 'running'",
        " AND attempt <= 99 * %s",
        "tests/integration/test_lease.py::test_b29_a_commit_whose_answer_was_lost_is_not_made_twice",
    ),
    "journal look-up": Guard(
        "research/store/journal.py",
        "        if known is not None and known[1] == JournalStatus.DONE:",
        "        if known is None and JournalStatus.DONE == held.stage:",
        "tests/integration/test_lease.py::test_b07_an_answer_in_the_journal_is_never_asked_for_again",
    ),
    "lease expiry": Guard(
        "research/store/lease.py",
        "    return not row.lease_owner or row.lease_until < now or",
        "    return not row.lease_owner or",
        "tests/integration/test_lease.py::test_a_living_owner_keeps_its_session_and_an_ended_lease_frees_it",
    ),
    "watchdog": Guard(
        "research/runner/watchdog.py",
        "        return now > self.deadline",
        "        return False",
        "tests/unit/test_runner_watchdog.py",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guards") / "source"
    wanted = ("research", "telemetry", "prowzi_site", "templates", "static", "tests", "docs")
    for name in wanted:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "manage.py"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def run(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", GUARDS)
def test_without_the_guard_its_test_is_red(copy: Path, name: str) -> None:
    guard = GUARDS[name]
    file = copy / guard.file
    source = file.read_text(encoding="utf-8")
    assert source.count(guard.guard) == 1, f"the guard {name} is not where this test looks for it"
    assert run(copy, guard.test).returncode == 0, "the test must be green with the guard"
    file.write_text(source.replace(guard.guard, guard.without), encoding="utf-8")
    try:
        without = run(copy, guard.test)
    finally:
        file.write_text(source, encoding="utf-8")
    assert without.returncode == 1, without.stdout
    assert " failed" in without.stdout
