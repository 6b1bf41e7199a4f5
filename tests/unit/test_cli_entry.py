"""The command line's door."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from prowzi_site import __version__, commands
from tests.conftest import ROOT

MANAGE = ROOT / "manage.py"


def prowzi(
    *arguments: str, env: dict[str, str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MANAGE), *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert __version__ == project["version"]
    assert prowzi("--version").stdout == f"prowzi {__version__}\n"


def test_every_command_is_listed_and_every_listed_command_exists() -> None:
    files = {path.stem for path in (ROOT / "research/management/commands").glob("[!_]*.py")}
    assert {name.replace("-", "_") for name in commands.COMMANDS} == files


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["help"], []])
def test_the_first_answers_do_not_load_django(arguments: list[str]) -> None:
    program = (
        "import sys; from prowzi_site.__main__ import run; status = run(sys.argv[1:]); "
        "assert not [name for name in sys.modules if name.startswith('django')]; sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_help_lists_ours_and_all_lists_djangos_too() -> None:
    short, everything = prowzi("help"), prowzi("help", "--all")
    assert all(f"  {name} " in short.stdout for name in commands.COMMANDS)
    assert "createsuperuser" not in short.stdout
    assert everything.stdout.startswith(short.stdout)
    assert "  createsuperuser\n" in everything.stdout


def test_an_unknown_command_is_wrong_usage_and_names_near_ones() -> None:
    done = prowzi("sesions")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no command 'sesions'. Did you mean sessions" in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_works_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "research").mkdir()
    (tmp_path / "research" / "__init__.py").write_text("raise RuntimeError('not this one')\n")
    done = prowzi("check", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"PORT": "many"}, "PORT=many is not a whole number"),
        ({"DEBUG": "perhaps"}, "DEBUG=perhaps is neither true nor false"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL cannot be used"),
        ({"DATABASE_URL": "postgres://localhost/x"}, "SECRET_KEY is required"),
        ({"PROWZI_DATA_DIR": "/proc/nowhere"}, "/proc/nowhere"),
        ({"PROWZI_DATA_DIR": "/dev/null/data"}, "/dev/null/data"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line_and_exit_5(env: dict[str, str], said: str) -> None:
    done = prowzi("migrate", env=env)
    assert done.returncode == 5
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_bad_setting_is_not_taken_for_an_unknown_command() -> None:
    assert prowzi("no-such-command", env={"PORT": "many"}).returncode == 5


def test_a_database_that_was_never_migrated_says_what_to_type(tmp_path: Path) -> None:
    done = prowzi(
        "createsuperuser",
        "--noinput",
        "--username",
        "a",
        "--email",
        "",
        env={"PROWZI_DATA_DIR": str(tmp_path)},
    )
    assert done.returncode == 5
    assert done.stderr.endswith("Type: prowzi migrate\n")


def test_a_database_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    done = prowzi("migrate", env={"DATABASE_URL": "postgres://u@127.0.0.1:1/x", "SECRET_KEY": "k" * 60})
    assert done.returncode == 5
    assert "Check DATABASE_URL" in done.stderr
    assert done.stderr.count("\n") == 1


def test_traceback_shows_the_whole_error() -> None:
    assert "Traceback" in prowzi("check", "--traceback", env={"PORT": "many"}).stderr


def test_a_reader_that_went_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, str(MANAGE), "help"], stdout=writing, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    from prowzi_site import __main__ as door

    def interrupt(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(door, "_answer", interrupt)
    assert door.run(["run"]) == 130
