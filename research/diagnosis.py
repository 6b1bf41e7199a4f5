"""What `prowzi doctor` looks at. Each look is a function that finds; it repairs nothing."""

from __future__ import annotations

import fcntl
import importlib.metadata
import platform
import shutil
import sys
import tomllib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db import DatabaseError, connection

from research.conf import conf
from research.errors import ProwziError
from research.models import OWED, Session
from research.runner import readiness
from research.store import owners
from research.store.checkpoints import manager
from research.wiring import build_engines, build_llm

LEAST_FREE_BYTES = 500 * 2**20
_SECRET = ("KEY", "PASSWORD", "SECRET", "TOKEN")


@dataclass(frozen=True)
class Finding:
    area: str  # setting dependency store queue worker …
    text: str
    remedy: str = ""  # what to type, where the text does not say it
    is_broken: bool = False


def _broken(area: str, text: str, remedy: str = "") -> Finding:
    return Finding(area, text, remedy, is_broken=True)


def diagnose() -> list[Finding]:
    """Everything, in the order a person would look."""
    findings: list[Finding] = []
    for look in LOOKS:
        findings += look()
    return findings


def look_at_settings() -> Iterator[Finding]:
    values: dict[str, Any] = {
        "HOST": settings.HOST,
        "PORT": settings.PORT,
        "DEBUG": settings.DEBUG,
        "ALLOWED_HOSTS": ", ".join(settings.ALLOWED_HOSTS),
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": _address(settings.DATABASES["default"]),
        "PROWZI_DATA_DIR": settings.DATA_DIR,
        "PROWZI_CHECKPOINT_STORAGE": settings.CHECKPOINT_STORAGE,
        "PROWZI_TESTING": settings.TESTING,
    }
    for name, value in settings.PROWZI.items():
        values[f"PROWZI_{name.upper()}"] = value
    for name, value in values.items():
        yield Finding("setting", f"{name} = {_shown(name, value)}")


def _address(database: dict[str, Any]) -> str:
    host, port = database.get("HOST"), database.get("PORT")
    where = (
        f"{host or 'a local socket'}{':' if port else ''}{port or ''}/"
        if connection.vendor != "sqlite"
        else ""
    )
    return f"{connection.vendor}: {where}{database['NAME']}"


def _shown(name: str, value: Any) -> str:
    """A value as it may be shown to anybody who reads over a shoulder or gets the output by mail."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(str(key).upper(), each)}" for key, each in value.items()) or "none"
    if value and any(word in name for word in _SECRET):
        return f"set, {len(str(value))} characters"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value in (None, "") else str(value)


def look_at_python() -> Iterator[Finding]:
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] < (3, 15):
        yield Finding("dependency", f"Python {version}")
    else:
        yield _broken("dependency", f"Python {version} is not supported.", "rm -rf .venv && make run")
    for name in _dependencies(Path(settings.BASE_DIR) / "pyproject.toml"):
        try:
            yield Finding("dependency", f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield _broken("dependency", f"{name} is not installed.", "rm -f .venv/.installed* && make run")


def _dependencies(project: Path) -> list[str]:
    if not project.is_file():
        return []
    wanted = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    return ["".join(_until(line, "[<>=~!; ")) for line in wanted]


def _until(text: str, stops: str) -> Iterator[str]:
    for letter in text:
        if letter in stops:
            return
        yield letter


def look_at_checks() -> Iterator[Finding]:
    for message in run_checks():
        if message.level >= ERROR:
            yield _broken(
                "check", f"{message.id}: {message.msg} {message.hint or ''}".strip(), "prowzi check"
            )


def look_at_data_folder() -> Iterator[Finding]:
    folder = conf().data_dir
    yield _attempt("store", f"data folder {folder}", lambda: readiness.check_data_dir(folder))
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    text = f"{free / 2**30:.1f} GiB free in {folder}"
    if free >= LEAST_FREE_BYTES:
        yield Finding("store", text)
    else:
        yield _broken("store", f"Only {text}: make room on that disk.", f"du -sh {folder}/*")


def look_at_database() -> Iterator[Finding]:
    yield _attempt("store", f"database {connection.vendor}, migrations applied", readiness.check_database)


def look_at_checkpoints() -> Iterator[Finding]:
    yield _attempt("store", f"checkpoints in {conf().checkpoint_storage}", _write_and_read_back)


def _write_and_read_back() -> None:
    store, key, data = manager.store(), f"do/doctor/{uuid.uuid4().hex}.probe", b"prowzi doctor"
    store.put_new(key, data)
    try:
        if store.read(key) != data:
            raise ProwziError("The checkpoint storage gives back other bytes than it got.")
    finally:
        store.delete(key)


def look_at_providers() -> Iterator[Finding]:
    yield _attempt("provider", f"model {conf().llm}", lambda: build_llm(conf().llm))
    engines = ", ".join(conf().engines)
    yield _attempt("provider", f"engines {engines}", lambda: build_engines(list(conf().engines)))


def look_at_workers() -> Iterator[Finding]:
    living = living_workers(conf().run_dir)
    yield Finding("worker", f"{living} at work on this machine")
    try:
        waiting = apps.get_model("django_q", "OrmQ").objects.count()
        owed = Session.objects.filter(status__in=OWED).count()
    except DatabaseError:
        return  # look_at_database said so
    yield Finding("queue", f"{waiting} wake-ups wait")
    if owed and not living and not is_up(conf().run_dir):
        yield _broken("queue", f"{owed} sessions wait, and no worker runs on this machine.", "prowzi up")
    else:
        yield Finding("queue", f"{owed} sessions are owed work")


def living_workers(run_dir: Path) -> int:
    """Processes of this machine that hold a worker's lock right now."""
    folder = run_dir / "owners"
    if not folder.is_dir():
        return 0
    host = owners.host_id(folder)
    return sum(owners.is_dead(f"{host}/{path.stem}", run_dir) is False for path in folder.glob("*.lock"))


def is_up(run_dir: Path) -> bool:
    """Whether a `prowzi up` holds this data folder."""
    try:
        with (run_dir / "up.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _attempt(area: str, text: str, do: Callable[[], object]) -> Finding:
    try:
        do()
    except ProwziError as error:
        return _broken(area, error.message, error.hint)
    except OSError as error:
        return _broken(area, f"{text}: {error}")
    return Finding(area, text)


LOOKS = (
    look_at_settings,
    look_at_python,
    look_at_checks,
    look_at_data_folder,
    look_at_database,
    look_at_checkpoints,
    look_at_providers,
    look_at_workers,
)
