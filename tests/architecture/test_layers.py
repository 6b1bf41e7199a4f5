"""Arrows point down, and every module has been given its place (pyproject.toml, tool.importlinter)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("prowzi_site", "research", "telemetry")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_arrows_point_down() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_module_must_be_given_its_place(copy: Path) -> None:
    (copy / "research" / "newcomer.py").touch()
    done = lint_imports(copy)
    assert done.returncode == 1
    assert "newcomer" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("telemetry/collector.py", "from research import models", "nobody speaks back"),
        ("research/models.py", "from research import services", "arrows point down"),
        ("research/agents/intent.py", "from django.conf import settings", "imports no Django"),
        ("research/claims/__init__.py", "from research.models import Session", "imports no Django"),
        ("telemetry/metrics.py", "from django.utils import timezone", "pure fold"),
    ],
)
def test_an_arrow_that_points_up_is_found(copy: Path, module: str, line: str, broken: str) -> None:
    with (copy / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(copy)
    assert done.returncode == 1
    assert any(broken in row and "BROKEN" in row for row in done.stdout.splitlines()), done.stdout
