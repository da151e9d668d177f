"""systemd.py: what a service manager is told, and that nobody waits for it."""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import closing, suppress

import pytest

from rsgi_bridge.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request):
    """The manager's socket, and what stands in `NOTIFY_SOCKET`."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        name = f"rsgi-{os.getpid()}"
        address = "\0" + name if request.param == "abstract" else f"{directory}/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(address)
            sock.setblocking(False)
            yield sock, address.replace("\0", "@")


def heard(sock):
    """Every message so far."""
    messages = []
    while True:
        try:
            messages.append(sock.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_ready_and_stopping_are_told(manager):
    sock, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready("rsgi running on http://127.0.0.1:8000")
    notifier.stopping()
    assert heard(sock) == [
        f"READY=1\nSTATUS=rsgi running on http://127.0.0.1:8000\nMAINPID={os.getpid()}",
        "STOPPING=1\nSTATUS=Shutting down",
    ]


def test_path_of_a_socket_cannot_add_an_assignment(manager):
    sock, address = manager
    Notifier({"NOTIFY_SOCKET": address}).ready("a\nSTOPPING=1\udcff")
    (message,) = sock.recv(4096).split(b"\nMAINPID")[:1]
    assert message == b"READY=1\nSTATUS=a STOPPING=1\xff"


def test_watchdog_is_fed_twice_in_each_interval(manager):
    sock, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "10000000"})
    for now in (100.0, 100.1, 104.9, 105.0, 105.1, 110.0):
        notifier.alive(now)
    assert heard(sock) == ["WATCHDOG=1"] * 3


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getppid())},
    ],
)
def test_watchdog_that_is_not_ours_is_not_fed(manager, environment):
    sock, address = manager
    Notifier({"NOTIFY_SOCKET": address, **environment}).alive(100.0)
    assert heard(sock) == []


def test_watchdog_that_is_ours_by_name_is_fed(manager):
    sock, address = manager
    mine = {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid())}
    Notifier({"NOTIFY_SOCKET": address, **mine}).alive(100.0)
    assert heard(sock) == ["WATCHDOG=1"]


@pytest.mark.parametrize("address", ["", "/no/such/socket", "vsock:2:9999", "@nobody", "x" * 200])
def test_manager_that_does_not_listen_harms_nobody(address):
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000"})
    notifier.ready("")
    notifier.alive(100.0)
    notifier.stopping()


def test_manager_whose_queue_is_full_delays_nobody_for_long(manager, monkeypatch):
    monkeypatch.setattr("rsgi_bridge.systemd.PATIENCE", 0.01)
    sock, address = manager
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as flood:
        flood.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                flood.sendto(b"x", sock.getsockname())
        Notifier({"NOTIFY_SOCKET": address}).ready("")
    assert set(heard(sock)) == {"x"}
