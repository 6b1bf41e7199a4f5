"""The ground itself: what protects every other test."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from tests import needs
from tests.network import NetworkForbidden


@pytest.mark.parametrize("address", ["192.0.2.1", "8.8.8.8"])
def test_no_test_can_connect_to_another_machine(address: str) -> None:
    with socket.socket() as client, pytest.raises(NetworkForbidden, match="no network"):
        client.connect((address, 80))


def test_no_test_can_ask_for_the_address_of_a_name() -> None:
    with pytest.raises(NetworkForbidden, match=r"example\.org"):
        socket.getaddrinfo("example.org", 443)


def test_no_test_can_send_a_datagram_to_another_machine() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as client, pytest.raises(NetworkForbidden):
        client.sendto(b"x", ("192.0.2.1", 53))


def test_a_thread_is_held_back_as_well() -> None:
    caught: list[BaseException] = []

    def leave() -> None:
        try:
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        except NetworkForbidden as error:
            caught.append(error)

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_this_machine_may_be_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_the_environment_is_scrubbed_and_the_data_folder_is_our_own() -> None:
    ours = {name for name in os.environ if name.startswith("PROWZI_")} - {"PROWZI_SHARED_DATA"}
    assert ours == {"PROWZI_TESTING", "PROWZI_DATA_DIR"}
    assert not [name for name in os.environ if name.endswith("_API_KEY")]
    assert Path(os.environ["PROWZI_DATA_DIR"]).name.startswith("prowzi-test-")


def test_a_missing_tool_is_a_skip_on_a_desk_and_a_failure_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "find", lambda tool: "")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="redis is not installed"):
        needs.need("redis")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install redis"):
        needs.need("redis")
