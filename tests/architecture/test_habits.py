"""Habits that a machine can check: size, names, and the few places where dangerous things may stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PRODUCT = ("prowzi_site", "research", "telemetry")
EVERYTHING = (*PRODUCT, "tests", "benchmarks")
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
READS_THE_ENVIRONMENT = {
    "prowzi_site/env.py",
    "prowzi_site/__main__.py",
    "prowzi_site/asgi.py",
    "prowzi_site/wsgi.py",
}
TOUCHES_PICKLE = {"research/store/checkpoints/codec.py"}
CATCHES_EVERYTHING = {
    "research/orchestrator.py",  # an attempt may fail in any way
    "research/store/database_thread.py",  # carries what it caught to whoever waits
}
VAGUE = {"utils", "helpers", "common", "misc", "util", "helper"}


def modules(packages: tuple[str, ...] = PRODUCT) -> Iterator[Path]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in modules():
        yield name_of(path), ast.parse(path.read_text(encoding="utf-8"))


def reads_environment(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "environb", "getenv", "putenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    )


def imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def touches_pickle(node: ast.AST) -> bool:
    return any(
        name.partition(".")[0] in {"pickle", "_pickle", "dill", "shelve", "marshal"} for name in imports(node)
    )


def catches_everything(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD) for kind in kinds)


BROAD = {"Exception", "BaseException"}


def reraises(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and any(
        isinstance(line, ast.Raise) and line.exc is None for line in ast.walk(node)
    )


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("import os\nos.environ['A']", reads_environment),
        ("os.getenv('A')", reads_environment),
        ("import pickle", touches_pickle),
        ("from pickle import loads", touches_pickle),
        ("try:\n    pass\nexcept Exception:\n    pass", catches_everything),
        ("try:\n    pass\nexcept (OSError, BaseException):\n    pass", catches_everything),
        ("try:\n    pass\nexcept:\n    pass", catches_everything),
    ],
)
def test_the_rules_see_what_they_forbid(source: str, rule: object) -> None:
    assert callable(rule)
    assert any(rule(node) for node in ast.walk(ast.parse(source)))


def test_the_environment_is_read_in_one_place() -> None:
    found = {name for name, tree in trees() if any(map(reads_environment, ast.walk(tree)))}
    assert found <= READS_THE_ENVIRONMENT


def test_pickle_is_touched_in_one_place() -> None:
    found = {name for name, tree in trees() if any(map(touches_pickle, ast.walk(tree)))}
    assert found <= TOUCHES_PICKLE


def test_everything_is_caught_only_where_it_is_passed_on() -> None:
    found = {
        name
        for name, tree in trees()
        if any(catches_everything(node) and not reraises(node) for node in ast.walk(tree))
    }
    assert found <= CATCHES_EVERYTHING


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(EVERYTHING)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name_of(path) for path in modules(EVERYTHING) if path.stem in VAGUE] == []


def test_nothing_is_left_for_later() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")
    found = [name_of(path) for path in modules(EVERYTHING) if any(mark in path.read_text() for mark in marks)]
    assert found == []
