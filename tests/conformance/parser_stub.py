"""Stands in for the parsing child: does what the name of its document says."""

from __future__ import annotations

import os
import signal
import sys
import time

from research.providers.parsers import LONGEST_TEXT, Parsed, child


def misbehave(data: bytes, name: str) -> tuple[str, Parsed]:
    if name == "hang":
        time.sleep(60)
    while name == "spin":
        pass
    if name == "exit":
        os._exit(3)
    if name == "abort":
        os.kill(os.getpid(), signal.SIGABRT)
    if name == "oom":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "grow":
        bytearray(2 * child.MEMORY)
    if name == "half":
        os.close(3)
        os._exit(0)
    if name == "deep":
        misbehave(data, name)
    return "text", Parsed("", "x" * (LONGEST_TEXT + 1) if name == "flood" else "fine")


if __name__ == "__main__":
    child.__dict__["parse"] = misbehave
    sys.argv = ["child"]
    child.main()
