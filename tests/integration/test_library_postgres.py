"""The same library on PostgreSQL ranks as it does on SQLite."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.needs import need

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SCRIPT = """
import json, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0, skip_checks=True)
from django.contrib.auth.models import User
from research.library import documents, examples, index
from research.toolbox import Scope
owner, other = (User.objects.create_user(name) for name in ("owner", "other"))
for user in (owner, other):
    examples.add_examples(user)
def told(found):
    spans = [[(each.start, each.end, each.text) for each in one.passages] for one in found]
    return [(one.document.title, round(one.score, 6), at) for one, at in zip(found, spans)]
answers = [told(index.search(owner.pk, question, limit=12)) for question in examples.example_questions()]
shelf = told(index.search(owner.pk, "coffee", scope=Scope(owner.pk, collections=("examples",)), limit=3))
first = documents.list_documents(owner).get(title="Coffee and sleep")
only = told(index.search(owner.pk, "coffee", scope=Scope(owner.pk, documents=(str(first.pk), "x"))))
foreign = told(index.search(other.pk, "coffee", scope=Scope(other.pk, documents=(str(first.pk),))))
documents.remove_document(owner, first.pk)
gone = told(index.search(owner.pk, "coffee sleep", limit=12))
other.delete()
call_command("migrate", "research", "0001", verbosity=0, skip_checks=True)
print(json.dumps([answers, shelf, only, foreign, gone]))
"""


@pytest.fixture
def database() -> Iterator[str]:
    """The address of a PostgreSQL server of its own, gone after the test."""
    initdb = Path(need("postgresql"))
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    user = "nobody" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
    if user:
        shutil.chown(folder, user)

    def run(*command: object) -> None:
        words = [str(word) for word in command]
        subprocess.run(
            words,
            user=user,
            cwd=folder,
            env={"PATH": os.environ["PATH"]},
            check=True,
            capture_output=True,
            timeout=90,
        )

    data = folder / "data"
    control = Path(os.path.realpath(initdb)).with_name("pg_ctl")
    run(initdb, "-D", data, "-U", "prowzi", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    run(control, "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgres://prowzi@/postgres?host={folder}"
    finally:
        run(control, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def answers(tmp_path: Path, **environment: str) -> str:
    known = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "prowzi_site.settings",
        "PROWZI_DATA_DIR": str(tmp_path),
    }
    secret = {"SECRET_KEY": "only-for-this-test-" + "x" * 40}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=known | secret | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_postgresql_ranks_as_sqlite_does(database: str, tmp_path: Path) -> None:
    here = answers(tmp_path)
    assert "Coffee and sleep" in here
    assert answers(tmp_path, DATABASE_URL=database) == here
