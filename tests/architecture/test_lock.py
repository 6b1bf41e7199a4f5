"""What gets installed is what the lock says, and the lock says what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from functools import cache

import pytest

from tests.conftest import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock", "requirements-install.lock")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read(lock: str) -> dict[str, tuple[set[str], int]]:
    """name -> its versions (more than one when Pythons differ) and how many hashes stand behind them."""
    pins: dict[str, tuple[set[str], int]] = {}
    for block in re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8")):
        found = re.match(r"([\w.-]+)(?:\[[^]]*\])?==([\w.!+]+)", block)
        if found:
            versions, hashes = pins.get(canonical(found[1]), (set(), 0))
            pins[canonical(found[1])] = (versions | {found[2]}, hashes + block.count("--hash=sha256:"))
    return pins


@cache
def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements: object) -> set[str]:
    assert isinstance(requirements, list)
    return {canonical(re.split(r"[\[<>=~!; ]", line)[0]) for line in requirements}


def asked(lock: str) -> set[str]:
    wanted, groups = project()["project"], project()["dependency-groups"]
    assert isinstance(wanted, dict)
    assert isinstance(groups, dict)
    return {
        "requirements.lock": names(wanted["dependencies"]),
        "requirements-dev.lock": names(wanted["dependencies"]) | names(groups["dev"]),
        "requirements-bench.lock": names(wanted["dependencies"]) | names(groups["bench"]),
        "requirements-install.lock": {"uv"},
    }[lock]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_locked(lock: str) -> None:
    assert asked(lock) - set(read(lock)) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    pins = read(lock)
    assert pins
    assert [name for name, (_, hashes) in pins.items() if not hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_a_place_to_download_from(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--index|--find-links|@ ", text)


@pytest.mark.parametrize("lock", ["requirements-dev.lock", "requirements-bench.lock"])
def test_what_is_tested_and_measured_is_what_users_run(lock: str) -> None:
    users, others = read("requirements.lock"), read(lock)
    assert {name: pin[0] for name, pin in users.items()} == {name: others[name][0] for name in users}
