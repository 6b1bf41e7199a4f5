"""The child process in which documents are parsed: python -m research.providers.parsers.child

It reads one document after another from stdin and answers on stdout, in frames of plain lengths, JSON and
bytes; research/library/sandbox.py is the other end, and kills at the deadline. What holds here:
- by the kernel: memory, CPU time, not a byte written to a file, few open files, no core, death with the
  parent, and, where user namespaces are allowed, no network but an empty one of its own;
- by the interpreter (an audit hook, so not against native code that has been taken over): no socket, no
  other program, no file opened but to read Python's own.
Native code may still read files that this user may read; it can tell nobody but the parent.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from research.errors import DocumentRefused
from research.providers.parsers import LONGEST_TEXT, parse, parsers, refuse

MEMORY = 1024 * 2**20  # bytes of address space
OPEN_FILES = 32
HEAD = struct.Struct(">IQ")  # lengths of the JSON part and of the bytes part
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_REFUSED_EVENTS = (
    *("socket.", "subprocess.", "os.exec", "os.system", "os.posix_spawn", "os.fork", "os.spawn", "pty."),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink"),
    *(
        "os.truncate",
        "os.listdir",
        "shutil.",
        "ftplib.",
        "smtplib.",
        "urllib.",
        "webbrowser.",
        "ctypes.dlopen",
    ),
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not break the frames
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes us
    logging.disable(logging.CRITICAL)
    parsers()
    _warm()
    _send(answers, {"guards": lock_down()})
    while (head := sys.stdin.buffer.read(HEAD.size)) and _serve(
        sys.stdin.buffer, answers, *HEAD.unpack(head)
    ):
        pass


def _warm() -> None:
    """Let the libraries read what they load late, while files may still be opened."""
    page = b"<html><head><title>Warm</title></head><body><p>Warm and dry.</p></body></html>"
    for name, data in (("a.html", page), ("a.md", b"# Warm")):
        parse(data, name)


def lock_down() -> dict[str, bool]:
    """Close every door; which of the kernel's own hold on this machine."""
    libc = ctypes.CDLL(None, use_errno=True)
    held = {
        "parent_death": libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0,
        "no_new_privileges": libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
        "not_dumpable": libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
        "own_network": libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWNET) == 0,
    }
    limits = ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0))
    for limit, most in (*limits, (resource.RLIMIT_NOFILE, OPEN_FILES)):
        resource.setrlimit(limit, (most, most))
    own = (sys.prefix, sys.base_prefix, *(each for each in sys.path if each))
    sys.addaudithook(_guard(tuple(os.path.realpath(each) + os.sep for each in own)))
    return held


def _guard(own: tuple[str, ...]) -> Callable[[str, tuple[Any, ...]], None]:
    def guard(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED_EVENTS):
            raise PermissionError(f"{event} is not allowed while parsing")
        if event == "open" and not _is_own(args, own):
            raise PermissionError("no file is opened while parsing")

    return guard


def _is_own(args: tuple[Any, ...], own: tuple[str, ...]) -> bool:
    path, _, flags = args
    is_path = isinstance(path, str | bytes)
    return is_path and not flags & _WRITES and os.path.realpath(os.fsdecode(path)).startswith(own)


def _serve(requests: BinaryIO, answers: BinaryIO, about: int, size: int) -> bool:
    """Answer one request; False when another process should take the next."""
    request = json.loads(requests.read(about))
    data = requests.read(size)
    _limit_cpu(int(request["seconds"]))
    try:
        answer, text = _answer(data, request["name"])
    except MemoryError:
        del data
        _send(answers, _told(refuse("too_much_memory")))
        return False
    _send(answers, answer, text)
    return True


def _answer(data: bytes, name: str) -> tuple[dict[str, Any], bytes]:
    try:
        kind, parsed = parse(data, name)
    except DocumentRefused as error:
        return _told(error), b""
    except RecursionError:
        return _told(refuse("broken", "It is nested too deeply.")), b""
    text = parsed.text.encode()
    if len(text) > LONGEST_TEXT:
        return _told(refuse("too_much_text")), b""
    return {"kind": kind, "title": parsed.title, "metadata": parsed.metadata, "pages": parsed.pages}, text


def _told(error: DocumentRefused) -> dict[str, Any]:
    return {"refused": error.refusal, "message": error.message}


def _limit_cpu(seconds: int) -> None:
    """SIGXCPU ends this process; raised anew for each document."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _send(answers: BinaryIO, about: dict[str, Any], text: bytes = b"") -> None:
    encoded = json.dumps(about).encode()
    answers.write(HEAD.pack(len(encoded), len(text)) + encoded)
    answers.write(text)
    answers.flush()


if __name__ == "__main__":
    main()
