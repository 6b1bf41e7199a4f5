"""No test may reach a network: a global switch that also covers libraries and threads of this process."""

from __future__ import annotations

import ipaddress
import sys

_LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "testserver"}


class NetworkForbidden(AssertionError):
    """A test tried to leave this machine."""


def is_local(host: object) -> bool:
    if host is None:
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if text in _LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False  # a name: even asking for its address leaves the machine
    return address.is_loopback or address.is_unspecified


def _guard(event: str, args: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        target = args[1]
        host = target[0] if isinstance(target, tuple) else None  # a Unix socket has a path
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = args[0]
    else:
        return
    if not is_local(host):
        raise NetworkForbidden(f"A test tried to reach {host}. Tests use no network.")


_on: list[bool] = []


def forbid() -> None:
    """For the rest of this process; Python has no way to take it back."""
    if not _on:
        _on.append(True)
        sys.addaudithook(_guard)
