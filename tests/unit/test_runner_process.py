from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from research.runner import canary
from research.runner.drain import DrainPipe
from research.runner.probe import reachable
from research.runner.slots import has_free_slot, take_slot
from research.runner.web import address
from tests.stack import wait_until

HOLDER = """
import sys, time
from pathlib import Path
from research.runner.slots import take_slot
slot = take_slot(Path(sys.argv[1]), 1)
print("held" if slot else "none", flush=True)
time.sleep(60)
"""

FAMILY = """
import os, signal, time
from research.runner import drain, process

process.bind_children()
pipe = drain.open_pipe()
child = os.fork()
if child == 0:
    while not pipe.has_begun:
        time.sleep(0.01)
    os.write(1, b"drained")
    time.sleep(60)
print(child, flush=True)
{end}
time.sleep(60)
"""


def test_there_are_only_so_many_slots(tmp_path: Path) -> None:
    first, second = take_slot(tmp_path, 2), take_slot(tmp_path, 2)
    assert first is not None
    assert second is not None
    assert {first.number, second.number} == {0, 1}
    assert take_slot(tmp_path, 2) is None
    assert not has_free_slot(tmp_path, 2)
    first.close()
    assert has_free_slot(tmp_path, 2)
    with take_slot(tmp_path, 2) as again:  # type: ignore[union-attr]
        assert again.number == first.number
    second.close()


def test_a_look_at_the_slots_takes_none(tmp_path: Path) -> None:
    assert has_free_slot(tmp_path, 1)
    with take_slot(tmp_path, 1) as slot:  # type: ignore[union-attr]
        assert slot.number == 0


def test_a_killed_process_gives_its_slot_back(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert take_slot(tmp_path, 1) is None
        holder.kill()
        holder.wait()
        with take_slot(tmp_path, 1) as slot:  # type: ignore[union-attr]
            assert slot.number == 0


def test_closing_the_write_end_begins_the_drain() -> None:
    pipe = DrainPipe(*os.pipe())
    before = pipe.has_begun
    pipe.begin()
    assert (before, pipe.has_begun) == (False, True)
    pipe.begin()  # once is enough
    os.close(pipe.reader)


def test_children_hear_the_drain_though_they_were_forked_with_the_pipe() -> None:
    """A child that kept its copy of the write end would never see the end of file."""
    output = _run_family("pipe.begin(); os.waitpid(child, os.WNOHANG); time.sleep(0.5); os._exit(0)")
    assert "drained" in output


def test_a_child_dies_with_its_parent() -> None:
    child = int(_run_family("os.kill(os.getpid(), signal.SIGKILL)").split()[0])
    wait_until(lambda: _is_dead(child), 10, "the child dies")


def _is_dead(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _run_family(end: str) -> str:
    program = FAMILY.format(end=end)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate(timeout=20)
    return output


def test_a_song_is_kept_for_its_cluster_alone(tmp_path: Path) -> None:
    canary.sing(tmp_path, canary.nonce(17, 5))
    assert canary.last_song(tmp_path, 17) == "5"
    assert canary.last_song(tmp_path, 18) == ""
    canary.forget(tmp_path, 17)
    assert canary.last_song(tmp_path, 17) == ""


@pytest.mark.parametrize("song", ["", "x", "../17-5", "17", "17-", "17-5-1", "1" * 64])
def test_a_forged_song_writes_nothing(tmp_path: Path, song: str) -> None:
    canary.sing(tmp_path, song)
    assert list(tmp_path.iterdir()) == []


def test_songs_of_the_dead_are_swept(tmp_path: Path) -> None:
    canary.sing(tmp_path, canary.nonce(os.getpid(), 1))
    canary.sing(tmp_path, canary.nonce(2**22 + 1, 1))  # above the kernel's largest pid
    canary.sweep(tmp_path)
    assert [path.name for path in (tmp_path / "canaries").iterdir()] == [str(os.getpid())]


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://127.0.0.1:8000/"),  # every interface: this machine is one
        ("::1", "http://[::1]:8000/"),
        ("[::1]", "http://[::1]:8000/"),
        ("::", "http://[::1]:8000/"),
        ("research.example.org", "http://research.example.org:8000/"),
    ],
)
def test_the_address_can_be_opened(host: str, shown: str) -> None:
    assert address(host, 8000) == shown


def test_the_probe_asks_on_loopback_when_every_interface_is_served() -> None:
    assert reachable(("0.0.0.0", 80)) == ("127.0.0.1", 80)
    assert reachable(("::", 80)) == ("::1", 80)
    assert reachable(("10.0.0.5", 80)) == ("10.0.0.5", 80)


def test_signals_that_end_are_among_those_a_child_unblocks() -> None:
    from research.runner.process import HANDLED
    from research.runner.supervisor import ENDINGS

    assert set(HANDLED) == ENDINGS | {signal.SIGCHLD}
