"""The ground of every test: a scrubbed environment, its own data folder, no network, three people."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import network

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = "PROWZI_SHARED_DATA"
_OURS = ("HOST", "PORT", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "LOG_LEVEL")


def _scrub() -> None:
    for name in list(os.environ):
        ours = name.startswith("PROWZI_") or name.removesuffix("_FILE") in _OURS
        if (ours or name.endswith(("_API_KEY", "_BASE_URL"))) and name != SHARED_DATA:
            del os.environ[name]
    # Many tests start Prowzi as a process, and without bytecode each start takes three times as long.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# Before Django reads its settings. Every xdist worker is a process of its own and gets its own folder.
_scrub()
DATA_DIR = Path(tempfile.mkdtemp(prefix=f"prowzi-test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-"))
os.environ.update(
    PROWZI_TESTING="1", PROWZI_DATA_DIR=str(DATA_DIR), DJANGO_SETTINGS_MODULE="prowzi_site.settings"
)
network.forbid()


def pytest_configure() -> None:
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    default: dict[str, Any] = settings.DATABASES["default"]
    default.setdefault("TEST", {})["NAME"] = str(DATA_DIR / "test.sqlite3")  # a file, so that threads see it
    # No test pulls the plug in this process, so nothing has to survive that here.
    options = default["OPTIONS"]
    options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA_DIR, ignore_errors=True)


def find_shared_data() -> Path:
    """The folder of real documents and corpora, which is not part of the project and need not be there."""
    return Path(os.environ.get(SHARED_DATA) or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = find_shared_data()
    if not folder.is_dir():
        pytest.skip(f"no test data: {SHARED_DATA} names no folder")
    return folder


@pytest.fixture
def owner(db: None) -> User:
    """The person whose things a test is about."""
    return _person("owner")


@pytest.fixture
def colleague(db: None) -> User:
    """Somebody else with an account here."""
    return _person("colleague")


@pytest.fixture
def stranger(db: None) -> User:
    """Somebody who knows an id but has no business with it."""
    return _person("stranger")


def _person(name: str) -> User:
    from django.contrib.auth.models import User

    return User.objects.create_user(username=name, email=f"{name}@example.org", password="a long pass phrase")
