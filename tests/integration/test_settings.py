"""Production refuses to start unsafe, and a careful production has nothing to complain about (S36)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

CAREFUL = {
    "DATABASE_URL": "postgres://prowzi@localhost/prowzi",
    "SECRET_KEY": "Xy7-only-for-this-test-Wq3nB8sLk2vTz5mRj9cHd4pGf6aU0eJ1oZb",
    "ALLOWED_HOSTS": "research.example.org",
}


def manage(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PROWZI_")}
    # PROWZI_TESTING is off, so that production is looked at as it would start.
    clean |= {"PROWZI_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "prowzi_site.settings"}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def check(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return manage(folder, "check", "--deploy", "--fail-level", "WARNING", **{**CAREFUL, **env})


def test_s36_a_careful_production_passes_every_check(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 0, done.stderr


UNSAFE = {
    "DEBUG": ("true", "security.W018"),
    "SECRET_KEY": ("short", "security.W009"),
    "ALLOWED_HOSTS": ("*", "prowzi.E002"),
    "PROWZI_HTTPS": ("false", "security.W012"),  # cookies over http
    "PROWZI_TESTING": ("1", "prowzi.E003"),
}


def test_s36_an_unsafe_production_is_refused_with_every_reason(tmp_path: Path) -> None:
    done = check(tmp_path, **{name: value for name, (value, _) in UNSAFE.items()})
    assert done.returncode != 0
    assert [name for name, (_, code) in UNSAFE.items() if code not in done.stderr] == []


def test_s36_failpoints_without_tests_are_refused(tmp_path: Path) -> None:
    done = check(tmp_path, PROWZI_FAILPOINTS="FP01=kill9")
    assert done.returncode != 0
    assert "prowzi.E001" in done.stderr


def test_s36_there_is_no_default_key_outside_of_the_embedded_default(tmp_path: Path) -> None:
    done = check(tmp_path, SECRET_KEY="")
    assert done.returncode == 5
    assert "SECRET_KEY is required" in done.stderr


def test_the_embedded_default_makes_its_own_key_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    for _ in range(2):
        assert manage(tmp_path, "check").returncode == 0
    key = tmp_path / "secret_key"
    assert len(key.read_text()) >= 50
    assert key.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_every_setting_that_is_read_is_documented_and_in_the_example() -> None:
    source = (ROOT / "prowzi_site/settings.py").read_text()
    read = set(re.findall(r'ENV\.\w+\(\s*"([A-Z_]+[A-Z])"', source))
    assert {"SECRET_KEY", "PROWZI_LLM", "PORT"} <= read
    documented = set(re.findall(r"`([A-Z_]+[A-Z])`", (ROOT / "docs/settings.md").read_text()))
    assert read - documented == set()
    example = set(re.findall(r"^# ([A-Z_]+[A-Z])=", (ROOT / ".env.example").read_text(), re.M))
    assert read - {"PROWZI_TESTING", "PROWZI_FAILPOINTS"} == example


def test_every_check_of_ours_is_documented() -> None:
    ids = set(re.findall(r'id="(prowzi\.[EW]\d+)"', (ROOT / "research/checks.py").read_text()))
    documented = set(re.findall(r"`(prowzi\.[EW]\d+)`", (ROOT / "docs/checks.md").read_text()))
    assert ids == documented != set()
