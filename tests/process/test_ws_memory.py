"""What sessions cost a server in memory, and what hostile peers cannot make them cost.

FLT-F20..F24, FLT-B10, FLT-B11, FLT-B13. A process of its own, whose highest resident size the
kernel keeps. Bounds are a few times what is expected: they tell a limit from none.
"""

from __future__ import annotations

import sys
import zlib
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.websocket import dial, dial_deflated
from tests.clients.websocket_frames import BINARY, CONTINUATION, PING, RSV1, TEXT, frame
from tests.process.command import server_arguments

MIB = 1 << 20
PATIENCE = 0.5  # seconds without progress that mean a standstill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Served:
    """A server process, and how its memory has grown since it was warm."""

    def __init__(self, server) -> None:
        self.address = ("127.0.0.1", server.port)
        self._status = Path(f"/proc/{server.pid}/status")
        with dial_deflated(self.address) as peer:
            peer.send_deflated(TEXT, b"warm " * 1000)
            peer.read_message()
        self.start = self.resident("VmRSS")

    def resident(self, field: str) -> int:
        """VmRSS is now, VmHWM the highest ever."""
        for line in self._status.read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")

    def peak(self) -> int:
        return self.resident("VmHWM") - self.start

    def assert_serves(self) -> None:
        with dial(self.address, timeout=20) as peer:
            peer.send_text("alive")
            assert peer.read_message() == "alive"


@pytest.fixture
def served(command):
    """`served(*options)`: memory does not depend on the loop, asyncio's will do."""

    def start(*options):
        options = ("--ws-ping-interval", "0", *options)
        return Served(command(server_arguments("served_ws:app", "--loop", "asyncio", *options)))

    return start


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    data = b"".join(packer.compress(bytes(65536)) for _ in range(size // 65536))
    return (data + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.mark.parametrize("claims", [16 * MIB, 1 << 30, 1 << 62])
def test_claims_cost_nothing(served, claims):
    # FLT-F20: a hundred peers that announce a large frame and send a little of it.
    server = served()
    with ExitStack() as peers:
        for _ in range(100):
            peer = peers.enter_context(dial(server.address))
            peer.send(frame(BINARY, b"x" * 1000, claims=claims))
            if claims > 16 * MIB:
                peer.expect_closed_by_server(1009)
        server.assert_serves()
    assert server.peak() < 16 * MIB


def test_bomb_costs_no_more_than_the_limit(served):
    # FLT-F24: 256 MiB in 256 KiB; the limit is 16 MiB.
    server = served()
    for _ in range(3):
        with dial_deflated(server.address, "permessage-deflate; client_max_window_bits") as peer:
            peer.send_frame(BINARY, bomb(256 * MIB), rsv=RSV1)
            peer.expect_closed_by_server(1009)
    assert server.peak() < 64 * MIB
    server.assert_serves()


def test_compressed_messages_that_wait_are_counted_as_they_are(served):
    # FLT-F24: half a kilobyte each on the wire, half a megabyte each in the queue.
    server = served("--ws-max-size", str(MIB), "--ws-max-queue", "100000")
    with dial_deflated(server.address) as peer:
        peer.send(frame(TEXT, b"x"))
        peer.read_message()
    with dial(server.address, b"/deaf", b"Sec-WebSocket-Extensions: permessage-deflate") as peer:
        assert peer.deflate is not None
        raw = b"".join(
            frame(BINARY, peer.deflate.compress(bytes(500_000)), rsv=RSV1) for _ in range(600)
        )
        peer.send_what_fits(raw, PATIENCE)
        server.assert_serves()
        assert server.peak() < 32 * MIB


@pytest.mark.parametrize("data", [b"", b"x"], ids=["empty", "one byte"])
def test_endless_fragments_cost_little(served, data):
    # FLT-F21, CVE-2026-48779: a million of them, and no end.
    server = served()
    batch = frame(CONTINUATION, data, fin=False) * 10_000
    with dial(server.address, timeout=20) as peer:
        peer.send_frame(BINARY, data, fin=False)
        for _ in range(100):
            peer.send(batch)
            if peer.ending is not None:
                break
        server.assert_serves()
    assert server.peak() < 24 * MIB


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_messages_that_nobody_receives_cost_little(served, size):
    # FLT-B11, FLT-F21
    server = served()
    with dial(server.address, b"/deaf") as peer:
        raw = (
            frame(TEXT, b"x" * size) * 1_000_000 if size < 10 else frame(TEXT, b"x" * size) * 60_000
        )
        peer.send_what_fits(raw, PATIENCE)
        server.assert_serves()
    assert server.peak() < 24 * MIB


def test_pings_whose_pongs_are_not_read_cost_little(served):
    # FLT-F23: half a million.
    server = served()
    batch = frame(PING, b"p" * 125) * 5000
    with dial(server.address, timeout=20) as peer:
        for _ in range(100):
            if peer.send_what_fits(batch, PATIENCE) < len(batch):
                break
        server.assert_serves()
    assert server.peak() < 24 * MIB


def test_peers_that_do_not_read_cost_little(served):
    # FLT-B10, FLT-F22: twenty of them, each owed without end.
    server = served()
    with ExitStack() as peers:
        for _ in range(20):
            peers.enter_context(dial(server.address, b"/flood"))
        for _ in range(5):
            server.assert_serves()
    assert server.peak() < 20 * MIB


def test_echoes_that_nobody_reads_cost_little(served):
    # FLT-F22
    server = served()
    with dial(server.address) as peer:
        peer.send_what_fits(frame(BINARY, bytes(65536)) * 1500, PATIENCE)
        server.assert_serves()
    assert server.peak() < 24 * MIB


def test_idle_sessions_are_cheap_and_give_back(served):
    # FLT-B13: an application waits in `receive` in each; after messages as well as before.
    server = served()
    count = 600  # of descriptors below 1024, which is all that `select` takes
    with ExitStack() as peers:
        opened = [peers.enter_context(dial(server.address, timeout=20)) for _ in range(count)]
        each = (server.resident("VmRSS") - server.start) / count
        assert each < 24 * 1024
        for peer in opened:
            peer.send_text("x" * 10_000)
        for peer in opened:
            assert len(peer.read_message()) == 10_000
        opened[0].expect_quiet(2)  # long enough to be idle
        again = (server.resident("VmRSS") - server.start) / count
        assert again < 32 * 1024
    server.assert_serves()


def test_many_messages_leave_no_growth(served):
    # After the first thousands, further ones cost nothing.
    server = served()
    batch = frame(TEXT, b"x" * 100) * 1000
    sizes = []
    with dial(server.address, b"/count", timeout=20) as peer:
        for _ in range(3):
            for _ in range(10):
                peer.send(batch)
                for _ in range(1000):
                    assert peer.read_message() == "100"
            sizes.append(server.resident("VmRSS"))
    assert sizes[-1] - sizes[0] < 2 * MIB
