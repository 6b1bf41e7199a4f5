"""Asks a web process whether it answers, without ever making the supervisor wait."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress

TIMEOUT_SECONDS = 3.0
EVERY_SECONDS = 1.0
_REQUEST = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"
_GOOD = b" 200 "


def reachable(address: tuple[str, int]) -> tuple[str, int]:
    """Where this machine reaches a server that listens on `address`."""
    host, port = address[0], address[1]
    if not ipaddress.ip_address(host).is_unspecified:
        return host, port
    return ("::1" if ":" in host else "127.0.0.1"), port


class WebProbe:
    """One question at a time. `answers` rises with each good answer."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = reachable(address)
        self._socket: socket.socket | None = None
        self._is_sent = False
        self._due = 0.0
        self.answers = 0

    def tick(self, now: float) -> None:
        if self._socket is None:
            if now >= self._due:
                self._ask(now)
            return
        try:
            self._go_on(self._socket, now)
        except BlockingIOError:
            if now >= self._due:
                self._hang_up(now)
        except OSError:
            self._hang_up(now + EVERY_SECONDS / 4)

    def _ask(self, now: float) -> None:
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.connect_ex(self._address)
        self._is_sent = False
        self._due = now + TIMEOUT_SECONDS

    def _go_on(self, asked: socket.socket, now: float) -> None:
        if not self._is_sent:
            asked.send(_REQUEST)
            self._is_sent = True
        answer = asked.recv(64)
        self.answers += _GOOD in answer
        self._hang_up(now + EVERY_SECONDS)

    def _hang_up(self, next_at: float) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
        self._socket = None
        self._due = next_at
