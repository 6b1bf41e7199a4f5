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


UPWARDS = {
    "telemetry/collector.py": "research.models",
    "research/models.py": "research.services",
    "research/agents/intent.py": "django.conf",
    "research/claims/__init__.py": "research.models",
    "research/management/base.py": "research.store.lease",
    "telemetry/metrics.py": "django.utils.timezone",
}
CONTRACTS = 5  # each is broken by one of these lines or more


def test_an_arrow_that_points_up_is_found(copy: Path) -> None:
    for module, target in UPWARDS.items():
        with (copy / module).open("a") as file:
            file.write(f"\nimport {target}\n")
    done = lint_imports(copy)
    assert done.returncode == 1
    assert f"0 kept, {CONTRACTS} broken" in done.stdout
    for module in UPWARDS:
        name = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert f"{name} -> " in done.stdout, f"{name} was not found"
