"""While a person watches, the log's JSON lines go to a file: they would tear a table apart."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from research.conf import conf


def path() -> Path:
    return conf().data_dir / "logs" / "prowzi.log"


@contextmanager
def log_in_file() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:]
    path().parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(path(), encoding="utf-8", delay=True)
    file.setFormatter(next((each.formatter for each in before if each.formatter), None))
    root.handlers[:] = [file]
    try:
        yield
    finally:
        root.handlers[:] = before
        file.close()
