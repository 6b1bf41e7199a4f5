"""A dozen documents written for Prowzi, to try it with. Two of them contradict each other on purpose."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.models import User

from research.library.documents import AddReport, add

FOLDER = Path(__file__).resolve().parent.parent / "examples"
COLLECTION = "examples"
_ABOUT = {"README.md", "questions.txt"}


def example_paths() -> list[Path]:
    return sorted(path for path in FOLDER.iterdir() if path.is_file() and path.name not in _ABOUT)


def example_questions() -> list[str]:
    return (FOLDER / "questions.txt").read_text(encoding="utf-8").splitlines()


def add_examples(owner: User) -> AddReport:
    """Those that are there already are left as they are."""
    return add(owner, example_paths(), collection=COLLECTION)
