"""A UDP datagram on loopback. Listeners hang a bell, a file `<port>-<pid>`; who rings writes to all of them.

Anybody on this machine may forge a ring. It causes one look at the database and carries nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from pathlib import Path
from uuid import UUID

from telemetry.nudges import Place

LOOPBACK = "127.0.0.1"
_LOOK_SECONDS = 2.0
_WAITING_LIMIT = 10_000  # rings kept for a slow listener; later ones are lost, its next look finds all


def create(place: Place) -> Doorbell:
    return Doorbell(place.data_dir / "run" / "doorbells")


class Doorbell:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._hung: tuple[int, float, list[int]] = (0, 0.0, [])  # the folder's mtime, when looked, the ports

    def ring(self, session_id: str) -> None:
        bells = self._bells()
        if not bells:
            return
        message = str(session_id).encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as hand:
            for port in bells:
                with contextlib.suppress(OSError, OverflowError):  # full or strange: a ring may be lost
                    hand.sendto(message, (LOOPBACK, port))

    def _bells(self) -> list[int]:
        """Read anew when a bell came or went, and every few seconds to find those of the dead."""
        try:
            changed = os.stat(self.directory).st_mtime_ns
        except OSError:  # nobody has ever listened here
            return []
        known, looked, ports = self._hung
        if changed != known or time.monotonic() - looked > _LOOK_SECONDS:
            ports = [port for name in os.listdir(self.directory) if (port := self._port(name))]
            self._hung = (changed, time.monotonic(), ports)
        return ports

    def _port(self, name: str) -> int:
        """The port of a living listener; 0 when there is none, and the bell of the dead is taken down."""
        port, _, pid = name.partition("-")
        if not (port.isdigit() and pid.isdigit()):
            return 0
        if _is_alive(int(pid)):
            return int(port)
        with contextlib.suppress(OSError):  # another ringer was quicker, or the folder is read-only
            (self.directory / name).unlink()
        return 0

    async def listen(self) -> DoorbellEar:
        heard: asyncio.Queue[str] = asyncio.Queue(_WAITING_LIMIT)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Hearing(heard), local_addr=(LOOPBACK, 0))
        port = transport.get_extra_info("sockname")[1]
        ear = DoorbellEar(transport, heard, self.directory / f"{port}-{os.getpid()}")
        ear.hang()
        return ear


class DoorbellEar:
    def __init__(self, transport: asyncio.DatagramTransport, heard: asyncio.Queue[str], bell: Path) -> None:
        self._transport = transport
        self._heard = heard
        self._bell = bell

    def hang(self) -> None:
        self._bell.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._bell.touch(mode=0o600)

    async def __anext__(self) -> str | None:
        while True:
            try:
                async with asyncio.timeout(5):
                    return await self._heard.get()
            except TimeoutError:
                self.hang()  # someone who cannot see this process may have taken the bell for dead

    async def aclose(self) -> None:
        self._transport.close()
        self._bell.unlink(missing_ok=True)


class _Hearing(asyncio.DatagramProtocol):
    def __init__(self, heard: asyncio.Queue[str]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        # Not a session id, or more than one can hear: a ring may be lost.
        with contextlib.suppress(ValueError, asyncio.QueueFull):
            self._heard.put_nowait(str(UUID(data[:64].decode("ascii"))))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
