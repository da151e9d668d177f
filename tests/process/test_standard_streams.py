"""A server whose standard streams are closed, or take nothing more."""

from __future__ import annotations

import shlex
import signal
import socket
import subprocess

import pytest

from tests.process.command import PATIENCE, server_arguments
from tests.process.peer import answer, request


@pytest.fixture
def start(command, directory):
    """Starts the server on a Unix socket, by a shell that redirects or closes streams before."""

    def start(redirections, *options):
        path = str(directory / "server.sock")
        arguments = server_arguments("served:app", "--uds", path, *options)
        # The kernel's word that it serves, since no stream may be left to read it from.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
            notices.bind(str(directory / "notices"))
            notices.settimeout(PATIENCE)
            server = command(
                ["sh", "-c", f"exec {shlex.join(arguments)} {redirections}"],
                # Buffered, as streams are: what is unwritten at the end is written then.
                {"NOTIFY_SOCKET": str(directory / "notices"), "PYTHONUNBUFFERED": ""},
            )
            assert notices.recv(4096).startswith(b"READY=1")
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE)
        peer.connect(path)
        return server, peer

    return start


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_end_it(start, closed, loop_name):
    # U1.3: uvicorn does not start without stdout, and libuv aborts when it closes a low descriptor.
    server, peer = start(closed, "--loop", loop_name)
    with peer:
        request(peer, more="connection: close\r\n")
        assert answer(peer)[2] == b"served"
    assert server.stop() == 0


def test_no_socket_takes_the_place_of_a_closed_stream(start, loop_name):
    # U1.3: what the C library or a child writes there must not reach a peer.
    server, peer = start("<&- >&- 2>&-", "--loop", loop_name)
    with peer:
        shown = subprocess.run(
            ["readlink", *(f"/proc/{server.pid}/fd/{number}" for number in range(3))],
            capture_output=True,
            text=True,
            check=True,
        )
    assert shown.stdout.split() == ["/dev/null"] * 3
    assert server.stop() == 0


def test_access_log_that_cannot_be_written_loses_no_request(start):
    # U5.2: the disk is full. The standard library tells of each failure on stderr.
    server, peer = start(">/dev/full")
    with peer:
        for _ in range(3):
            request(peer)
            assert answer(peer)[2] == b"served"
    server.err.wait("No space left on device", times=3)
    server.send_signal(signal.SIGINT)
    server.err.wait("Cannot write to <stdout>")
    assert server.wait() == 0
