"""What the kernel does for us: a child dies with its parent, an orphan comes to the supervisor."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

_forking_pid = 0  # set before each fork, so that the child can tell whether its parent still lives


@cache
def _prctl() -> Callable[..., int]:
    function = ctypes.CDLL(None, use_errno=True).prctl
    function.restype = ctypes.c_int
    return function


def _control(option: int, argument: int | bytes) -> None:
    if _prctl()(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def name_process(name: str) -> None:
    """What `ps -o comm` and `top` show; the kernel keeps 15 characters."""
    _control(_PR_SET_NAME, name.encode()[:15])


def adopt_orphans() -> None:
    """Descendants that lose their parent become children of this process instead of running on unseen."""
    _control(_PR_SET_CHILD_SUBREAPER, 1)


def _remember_parent() -> None:
    global _forking_pid
    _forking_pid = os.getpid()


def _die_with_parent() -> None:
    _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != _forking_pid:  # it died before the kernel knew our wish
        os._exit(1)


@cache
def bind_children() -> None:
    """From now on every fork of this process, and of its forks, is killed when its parent dies."""
    _prctl()
    os.register_at_fork(before=_remember_parent, after_in_child=_die_with_parent)


def unblock_signals() -> None:
    """Undo what the supervisor's waiting needs; signals do what they usually do."""
    for number in HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def children(pid: int) -> set[int]:
    """Its living children, and those that wait to be buried."""
    found: set[int] = set()
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            listed = Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii")
            found.update(int(child) for child in listed.split())
    except (FileNotFoundError, ProcessLookupError):  # it just ended, or the kernel has no such list
        return _children_by_search(pid)
    return found


def _children_by_search(pid: int) -> set[int]:
    try:
        return {child.pid for child in psutil.Process(pid).children()}
    except psutil.NoSuchProcess:
        return set()


def descendants(pid: int) -> frozenset[int]:
    found: set[int] = set()
    fresh = children(pid)
    while fresh:
        found |= fresh
        fresh = {grandchild for child in fresh for grandchild in children(child)} - found
    return frozenset(found)


def fork_group(target: Callable[[], None], name: str, *, close: Sequence[int] = ()) -> int:
    """Run `target` in a child with a session and process group of its own; returns its pid."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        name_process(name)
        unblock_signals()
        for descriptor in close:
            os.close(descriptor)
        target()
    finally:
        _leave()
    raise AssertionError("unreachable")


def _leave() -> None:
    """End a forked child here: nothing of the parent's stack or exit hooks may run in it."""
    error = sys.exc_info()[1]
    status = 0
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
