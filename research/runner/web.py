"""daphne on a socket that the supervisor holds, so that a restart of the server refuses nobody."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

from research.errors import NotReady

BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """The server's socket; NotReady when the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise NotReady(f"HOST={host} is no address of this machine. Use HOST=127.0.0.1.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise NotReady(_refusal(error, host, port)) from error
    listener.setblocking(False)
    return listener


def _refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken. Use another one: PORT={port + 1} make run"
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights. Use another one: PORT=8000 make run"
    return f"HOST={host} cannot be used ({error.strerror}). Use HOST=127.0.0.1."


def serve(listener: socket.socket, application: Callable[[], Any], drain_seconds: float) -> None:
    """Answer until SIGTERM or SIGINT; streams that are still open then are cut."""
    # daphne opens an event loop when it is imported: never before a fork.
    from daphne.server import Server
    from twisted.internet import reactor

    server = Server(application(), endpoints=["adopted"], verbosity=0, server_name="", http_timeout=None)
    server.endpoints = []
    adopt: Any = reactor
    adopt.callWhenRunning(
        lambda: adopt.adoptStreamPort(listener.fileno(), listener.family, server.http_factory)
    )
    adopt.addSystemEventTrigger("before", "shutdown", _end_hard_after, drain_seconds)
    server.run()


def _end_hard_after(seconds: float) -> None:
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()


def address(host: str, port: int) -> str:
    """Where a person on this machine opens it."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host.strip("[]"), host)
    return f"http://{f'[{shown}]' if ':' in shown.strip('[]') and shown[0] != '[' else shown}:{port}/"
