"""The services that a supervisor runs, and what shows that each lives."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from channels.routing import get_default_application
from django.db import connections

from research.conf import conf
from research.runner import canary, web
from research.runner.probe import EVERY_SECONDS, TIMEOUT_SECONDS, WebProbe
from research.runner.service import Service
from research.runner.supervisor import Supervisor

WEB_SILENCE_SECONDS = EVERY_SECONDS + 2 * TIMEOUT_SECONDS  # two questions without an answer
WORKER_SILENCE_SECONDS = 5.0
SWEEPER_SILENCE_SECONDS = 30.0  # it may wait for a busy database
GENTLE_SECONDS = 0.5  # loops of a frozen cluster hand their sessions over in this time
MARGIN_SECONDS = 1.0  # children end by themselves before the supervisor's time is over


def web_service(listener: socket.socket, drain_seconds: float, close: Sequence[int] = ()) -> Service:
    def run() -> None:
        web.serve(listener, get_default_application, drain_seconds - MARGIN_SECONDS)

    return Service("web", run, _web_sign(listener), WEB_SILENCE_SECONDS, close=close)


def _web_sign(listener: socket.socket) -> Callable[[int, float], str]:
    address = listener.getsockname()[:2]
    probes: dict[int, WebProbe] = {}

    def sign(pid: int, now: float) -> str:
        if pid not in probes:
            probes.clear()
            probes[pid] = WebProbe(address)
        probes[pid].tick(now)
        return str(probes[pid].answers or "")

    return sign


def worker_service(drain_seconds: float, close: Sequence[int] = ()) -> Service:
    run_dir = conf().run_dir

    def run() -> None:
        from research.runner.cluster import run_cluster

        run_cluster(run_dir, drain_seconds - MARGIN_SECONDS)

    return Service(
        "worker",
        run,
        _song(run_dir),
        WORKER_SILENCE_SECONDS,
        GENTLE_SECONDS,
        is_cluster=True,
        prepare=_load_worker,
        close=close,
    )


def _load_worker() -> None:
    """After the web process has been forked, which meanwhile loads what it needs on the other core."""
    for module in ("research.tasks", "research.runner.cluster", "research.runner.sweeper"):
        import_module(module)


def sweeper_service(close: Sequence[int] = ()) -> Service:
    run_dir = conf().run_dir

    def run() -> None:
        from research.runner.sweeper import run_sweeper

        run_sweeper(run_dir)

    return Service("sweeper", run, _song(run_dir), SWEEPER_SILENCE_SECONDS, close=close)


def once(name: str, task: Callable[[], None], close: Sequence[int] = ()) -> Service:
    """Something to do beside the start; its failure is told and stops nothing."""
    return Service(name, task, lambda pid, now: "", 0.0, is_once=True, close=close)


def _song(run_dir: Path) -> Callable[[int, float], str]:
    def sign(pid: int, now: float) -> str:
        return canary.last_song(run_dir, pid)

    return sign


def supervise(services: Sequence[Service], drain_seconds: float, on_ready: Callable[[], None]) -> None:
    """Until a signal ends it. No connection may be open across the forks."""
    connections.close_all()
    Supervisor(services, drain_seconds=drain_seconds, on_ready=on_ready).run()
