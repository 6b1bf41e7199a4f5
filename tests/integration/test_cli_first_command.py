"""Nothing has to be typed before the first command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_two_first_commands_at_once_after_one_that_died_both_work(tmp_path: Path) -> None:
    # As a first command leaves it that was killed while it made the database.
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "first-migration.lock").touch()
    (tmp_path / "prowzi.sqlite3").touch()
    env = {**os.environ, "PROWZI_DATA_DIR": str(tmp_path)}
    command = [sys.executable, str(ROOT / "manage.py"), "sessions", "--json"]
    started = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in started:
        out, err = process.communicate(timeout=50)
        assert (process.returncode, out, err) == (0, "[]\n", "")
    assert not (tmp_path / "run" / "first-migration.lock").exists()
