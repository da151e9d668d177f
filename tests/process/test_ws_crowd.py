"""Ten thousand WebSockets of one process: all of them are served, and none of them costs much.

FLT-B13, FLT-B14. The client is one thread with a poller of its own: ten thousand clients with a
thread or a task each would be what is measured.
"""

from __future__ import annotations

import resource
import selectors
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.clients.websocket import handshake
from tests.clients.websocket_frames import TEXT, frame
from tests.process.command import PATIENCE, server_arguments

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

CROWD = 10_000
AT_ONCE = 200  # connections that are being opened: the backlog is longer
DESCRIPTORS = CROWD + 500


def resident(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@pytest.fixture
def descriptors():
    """As many as the crowd needs; the server inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        pytest.skip(f"a process may open {hard} files here, and {DESCRIPTORS} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """Sockets that all say the same, and wait for the same."""

    def __init__(self, address):
        self._address = address
        self.peers = []

    def open(self):
        request = handshake()
        for _ in range(CROWD // AT_ONCE):
            fresh = [socket.create_connection(self._address, PATIENCE) for _ in range(AT_ONCE)]
            self.peers += fresh
            self.ask(request, b"\r\n\r\n", fresh)

    def ask(self, question, ending, peers=None):
        """Sends to each and reads until the answer ends so; how long the slowest took."""
        peers = self.peers if peers is None else peers
        waiting = {peer.fileno(): (peer, bytearray(), time.monotonic()) for peer in peers}
        with selectors.EpollSelector() as selector:
            for peer in peers:
                selector.register(peer, selectors.EVENT_READ)
                peer.sendall(question)
            slowest = 0.0
            while waiting:
                ready = selector.select(PATIENCE)
                assert ready, f"{len(waiting)} of {len(peers)} have no answer"
                for key, _ in ready:
                    peer, heard, since = waiting[key.fd]
                    piece = peer.recv(4096)
                    assert piece, "the server has closed a connection"
                    heard += piece
                    if heard.endswith(ending):
                        slowest = max(slowest, time.monotonic() - since)
                        selector.unregister(peer)
                        del waiting[key.fd]
        return slowest

    def close(self):
        for peer in self.peers:
            peer.close()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_ten_thousand_sessions(command, descriptors, loop):
    # The crowd answers no pings: on a slow machine it would be taken for gone.
    options = ("--loop", loop, "--ws-ping-interval", "0")
    server = command(server_arguments("served_ws:app", *options))
    crowd = Crowd(("127.0.0.1", server.port))
    try:
        before = resident(server.pid)
        crowd.open()
        for number in range(3):
            text = b"message %d" % number
            crowd.ask(frame(TEXT, text), text)
        cost = (resident(server.pid) - before) / CROWD
        assert cost < 24 * 1024, f"{cost / 1024:.1f} KiB for each session"
    finally:
        crowd.close()
