"""Documents are parsed in child processes that have limits and no network (parsers/child.py says which hold).

A child that dies or is killed costs its own document only: a refusal with a name, and a new child.
"""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from research.errors import DocumentRefused
from research.providers.parsers import LONGEST_TEXT, Parsed, clean, refuse
from research.providers.parsers.child import HEAD

CHILDREN = 2
SECONDS = 20.0  # for one document
SECONDS_TO_START, SECONDS_TO_DIE = 30.0, 2.0
DOCUMENTS_PER_CHILD = 200  # then a fresh one, so that what a parser keeps does not pile up
LONGEST_ANSWER = 8 * 2**20  # bytes of JSON: title, metadata, offsets of pages
_ROOT = Path(__file__).resolve().parent.parent.parent
_COMMAND = (sys.executable, "-m", "research.providers.parsers.child")


@dataclass(frozen=True)
class Request:
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Answer:
    kind: str
    parsed: Parsed


class Sandbox:
    """`with Sandbox() as sandbox:` - children start when they are first needed and end with the block."""

    def __init__(self, *, seconds: float = SECONDS, children: int = CHILDREN) -> None:
        self._seconds = seconds
        self._children = children
        self._idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(children):
            self._idle.put(None)
        self._threads = ThreadPoolExecutor(children, thread_name_prefix="parse")

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for _each in range(self._children):
            if child := self._idle.get():
                child.close()

    def parse_each(self, requests: Sequence[Request]) -> Iterator[Answer | DocumentRefused]:
        """In the order of the requests, as many at once as there are children."""
        return self._threads.map(self.parse, requests)

    def parse(self, request: Request) -> Answer | DocumentRefused:
        child = self._idle.get()
        try:
            child = child or _Child()
            return child.parse(request, self._seconds)
        except DocumentRefused as refusal:
            return refusal
        finally:
            self._idle.put(child if child is not None and child.is_usable() else None)


def guards() -> dict[str, bool]:
    """Which of the kernel's guards hold on this machine."""
    child = _Child()
    child.close()
    return child.guards


class _Child:
    def __init__(self) -> None:
        # No environment: keys and passwords are none of a parser's business.
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            _COMMAND,
            cwd=_ROOT,
            env={"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._left = DOCUMENTS_PER_CHILD
        self._is_late = False
        with self._deadline(SECONDS_TO_START):
            self.guards: dict[str, bool] = self._receive()[0]["guards"]

    def is_usable(self) -> bool:
        """False after its last document; it is gone then."""
        if self._left <= 0 or self._process.poll() is not None:
            self.close()
            return False
        return True

    def parse(self, request: Request, seconds: float) -> Answer:
        self._left -= 1
        about = json.dumps({"name": clean(request.name), "seconds": max(1, round(seconds))}).encode()
        with self._deadline(seconds):
            # A child that died breaks the pipe; what it died of is told by the answer that does not come.
            with contextlib.suppress(BrokenPipeError):
                self._to.write(HEAD.pack(len(about), len(request.data)) + about)
                self._to.write(request.data)
                self._to.flush()
            answer, text = self._receive()
        if "refused" in answer:
            self._left *= answer["refused"] != "too_much_memory"
            raise DocumentRefused(answer["refused"], answer["message"])
        parsed = Parsed(answer["title"], text.decode(), answer["metadata"], answer["pages"])
        return Answer(answer["kind"], parsed)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._to.close()
        self._from.close()

    @property
    def _to(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _from(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @contextlib.contextmanager
    def _deadline(self, seconds: float) -> Iterator[None]:
        alarm = threading.Timer(seconds, self._be_late)
        alarm.daemon = True
        alarm.start()
        try:
            yield
        finally:
            alarm.cancel()

    def _be_late(self) -> None:
        self._is_late = True
        self._process.kill()

    def _receive(self) -> tuple[dict[str, Any], bytes]:
        about, size = HEAD.unpack(self._read(HEAD.size))
        if about > LONGEST_ANSWER or size > LONGEST_TEXT:
            self._left = 0
            raise refuse("too_much_text")
        answer: dict[str, Any] = json.loads(self._read(about))
        return answer, self._read(size)

    def _read(self, size: int) -> bytes:
        data = self._from.read(size)
        if len(data) < size:
            raise self._cause_of_death()
        return data

    def _cause_of_death(self) -> DocumentRefused:
        self._left = 0
        try:
            status = self._process.wait(SECONDS_TO_DIE)
        except subprocess.TimeoutExpired:  # it closed its pipe and lives on
            return refuse("broken", "Its parser stopped answering.")
        if self._is_late or status == -signal.SIGXCPU:
            return refuse("too_slow")
        if status == -signal.SIGKILL:  # not ours: the machine ran out of memory
            return refuse("too_much_memory")
        return refuse("broken")
