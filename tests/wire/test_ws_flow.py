"""Back-pressure both ways, in bounded memory: FLT-B10, FLT-B11, FLT-F22, FLT-F23, ASGI-42, U4.6.

As in `test_flow_control`: small socket buffers, so that what is taken beyond them is what the
server holds.
"""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
import time

import pytest

from rsgi_bridge.exceptions import ClientDisconnected
from tests.apps import Gate
from tests.clients.serving import bound
from tests.clients.websocket import dial
from tests.clients.websocket_frames import BINARY, PING, PONG, TEXT, fragments, frame
from tests.websocket_apps import LOST, binary, close, echo, opened, payload, text

SMALL = 65536  # bytes of a socket buffer; the kernel doubles it
PIECE = 65536
BOUND = 2_000_000  # bytes that both kernels and the server may hold together
PATIENCE = 0.3  # seconds without progress that mean a standstill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="buffer sizes are Linux's")


@pytest.fixture
def narrow(serve):
    """A server whose sockets hold little; no pings come between."""

    def start_narrow(app, **options):
        listener = bound(SO_RCVBUF=SMALL, SO_SNDBUF=SMALL)
        options = {"ws_ping_interval": None, **options}
        return serve(app, lifespan="off", listener=listener, **options)

    return start_narrow


class Progress:
    """Counts bytes in the application, and tells a test when they stand still."""

    def __init__(self):
        self._steps = queue.Queue()
        self.total = 0

    def add(self, count):
        self._steps.put(count)

    def at_standstill(self):
        while True:
            try:
                self.total += self._steps.get(timeout=PATIENCE)
            except queue.Empty:
                return self.total


def gated(gate, count, done, seen):
    """Accepts, waits at the gate, and only then receives so many messages."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()
        for _ in range(count):
            seen.append(payload(await receive()))
        done.set()
        await receive()

    return app


# --- Nobody receives ---


@pytest.mark.parametrize("size", [1, 100, 10_000, 100_000])
def test_application_that_does_not_receive_stops_the_socket(narrow, size) -> None:
    """FLT-B11, ASGI-42, U4.6: at `ws_max_queue` messages; nothing of the rest is lost."""
    gate, done, seen = Gate(), threading.Event(), []
    count = (3_000_000 if size < 1000 else 12_000_000) // (size + 8)
    server = narrow(gated(gate, count, done, seen), ws_max_queue=8)
    raw = frame(BINARY, b"x" * size) * count
    with dial(server.address, SO_SNDBUF=SMALL, timeout=30) as peer:
        gate.expect_reached()
        taken = peer.send_what_fits(raw, PATIENCE)
        assert taken <= BOUND
        gate.open()
        peer.send(raw[taken:])
        assert done.wait(30)
    assert len(seen) == count
    assert set(map(len, seen)) == {size}


def test_messages_that_wait_are_bounded_by_their_size_as_well(narrow) -> None:
    """U4.6: `ws_max_size` bytes, though the queue has room for more messages."""
    gate, done, seen = Gate(), threading.Event(), []
    server = narrow(gated(gate, 100, done, seen), ws_max_queue=1000, ws_max_size=1_000_000)
    raw = frame(BINARY, bytes(300_000)) * 100
    with dial(server.address, SO_SNDBUF=SMALL, timeout=30) as peer:
        gate.expect_reached()
        taken = peer.send_what_fits(raw, PATIENCE)
        assert taken <= 2_000_000 + BOUND  # what waits, and one more message that is coming
        gate.open()
        peer.send(raw[taken:])
        assert done.wait(30)
    assert len(seen) == 100


def test_reading_goes_on_when_messages_are_received(narrow) -> None:
    """Message by message: a slow application slows its peer and loses nothing."""
    progress, done = Progress(), threading.Event()
    gate = Gate()
    count = 200

    async def app(scope, receive, send):
        await opened(receive, send)
        for _ in range(10):
            progress.add(len(payload(await receive())))
        await gate.wait()
        for _ in range(count - 10):
            progress.add(len(payload(await receive())))
        done.set()
        await receive()

    server = narrow(app, ws_max_queue=4)
    raw = frame(BINARY, bytes(50_000)) * count
    with dial(server.address, SO_SNDBUF=SMALL, timeout=30) as peer:
        taken = peer.send_what_fits(raw, PATIENCE)
        assert taken <= 10 * 50_000 + BOUND
        assert progress.at_standstill() == 10 * 50_000
        gate.open()
        peer.send(raw[taken:])
        assert done.wait(30)


def test_fragments_are_no_messages_that_wait(narrow) -> None:
    """A message of more fragments than `ws_max_queue` is read to its end."""
    gate, done, seen = Gate(), threading.Event(), []
    server = narrow(gated(gate, 1, done, seen), ws_max_queue=2)
    with dial(server.address) as peer:
        peer.send(b"".join(fragments(BINARY, *[b"x" * 100] * 200)) + frame(PING, b"end"))
        assert peer.read_pong() == b"end"
        gate.open()
        assert done.wait(5)
    assert seen == [b"x" * 20_000]


def test_peer_that_leaves_while_its_socket_is_not_read(narrow) -> None:
    """FLT-B2: the application gets what was whole, and then the end, whenever it looks."""
    gate, ended = Gate(), threading.Event()
    seen = []

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()
        while (message := await receive())["type"] == "websocket.receive":
            seen.append(payload(message))
        ended.set()

    server = narrow(app, ws_max_queue=4)
    with dial(server.address, SO_SNDBUF=SMALL) as peer:
        gate.expect_reached()
        peer.send_what_fits(frame(TEXT, b"x" * 1000) * 5000, PATIENCE)
        peer.reset()
    gate.open()
    assert ended.wait(10)
    assert set(seen) <= {"x" * 1000}


# --- The peer does not read ---


def download(progress, size, ended):
    async def app(scope, receive, send):
        await opened(receive, send)
        try:
            for _ in range(size // PIECE):
                await send(binary(b"x" * PIECE))
                progress.add(PIECE)
            await send(close())
        except ClientDisconnected:
            progress.add(0)
        ended.set()

    return app


def test_peer_that_does_not_read_suspends_send(narrow) -> None:
    """FLT-B10, FLT-F22: bounded, and complete once it reads."""
    progress, ended = Progress(), threading.Event()
    count = 200
    server = narrow(download(progress, count * PIECE, ended))
    with dial(server.address, SO_RCVBUF=SMALL, timeout=20) as peer:
        assert progress.at_standstill() <= BOUND
        assert not ended.is_set()
        assert [len(peer.read_message()) for _ in range(count)] == [PIECE] * count
        peer.expect_close(1000)
    assert ended.wait(5)


def test_echoes_that_nobody_reads_stop_the_peer(narrow) -> None:
    """FLT-F22: through the application, from one direction to the other; and back."""
    server = narrow(echo, ws_max_queue=4)
    count = 1000
    raw = frame(BINARY, b"x" * 20_000) * count
    with dial(server.address, SO_RCVBUF=SMALL, SO_SNDBUF=SMALL, timeout=30) as peer:
        taken = peer.send_what_fits(raw, PATIENCE)
        assert taken <= 2 * BOUND
        peer.send(raw[taken:])
        assert {peer.read_message() for _ in range(count)} == {b"x" * 20_000}


@pytest.mark.parametrize("how", ["fin", "rst", "close", "close, fin", "close, rst", "bad frame"])
def test_leaving_frees_a_suspended_send(narrow, how) -> None:
    """FLT-B3, ASGI-82: it raises within moments, and what comes after it ends as well."""
    progress, ended = Progress(), threading.Event()
    server = narrow(download(progress, 1000 * PIECE, ended))
    with dial(server.address, SO_RCVBUF=SMALL) as peer:
        assert progress.at_standstill() <= BOUND
        if "close" in how:
            peer.send_close(1000)
        elif how == "bad frame":
            peer.send_frame(3)
        if "fin" in how:
            peer.half_close()
        elif "rst" in how:
            peer.reset()
        assert ended.wait(5)
        if "rst" not in how:
            peer.read_to_end()
            assert peer.ending is not None
    assert server.logs.problems == []


@pytest.mark.parametrize("how", ["fin", "close", "bad frame"])
def test_peer_that_has_ended_and_reads_nothing_is_let_go(narrow, how) -> None:
    """O6: at the write timeout, whatever is unsent."""
    progress, ended = Progress(), threading.Event()
    server = narrow(download(progress, 1000 * PIECE, ended), timeout_write=1)
    with dial(server.address, SO_RCVBUF=SMALL) as peer:
        progress.at_standstill()
        if how == "fin":
            peer.half_close()
        elif how == "close":
            peer.send_close(1000)
        else:
            peer.send_frame(3)
        assert ended.wait(5)
        state, deadline = server.server.server_state, time.monotonic() + 5
        while len(state.connections):
            assert time.monotonic() < deadline


def test_peer_that_reads_nothing_is_cut_at_the_write_timeout(narrow) -> None:
    """O6: reset; `send` raises, and the application gets the end."""
    progress, ended, told = Progress(), threading.Event(), []

    async def app(scope, receive, send):
        await download(progress, 1000 * PIECE, ended)(scope, receive, send)
        told.append(await receive())

    server = narrow(app, timeout_write=0.5)
    since = time.monotonic()
    with dial(server.address, SO_RCVBUF=SMALL) as peer:
        assert ended.wait(10)
        assert 0.45 <= time.monotonic() - since <= 4
        peer.read_to_end()
        assert peer.ending == "reset"
    assert server.logs.problems == []
    server.stop()
    assert told == [LOST]


def test_waiting_sends_leave_the_receiving_alone(narrow) -> None:
    """While one task's `send` waits for room, another receives."""
    got, ready = queue.Queue(), threading.Event()

    async def app(scope, receive, send):
        await opened(receive, send)
        flooding = asyncio.create_task(send(binary(b"x" * 10_000_000)))
        ready.set()
        for _ in range(3):
            got.put(payload(await receive()))
        got.put(flooding.done())
        await flooding
        await send(text("after"))

    server = narrow(app)
    with dial(server.address, SO_RCVBUF=SMALL, timeout=20) as peer:
        assert ready.wait(5)
        for index in range(3):
            peer.send_text(str(index))
            assert got.get(timeout=5) == str(index)
        assert got.get(timeout=5) is False
        assert len(peer.read_message()) == 10_000_000
        assert peer.read_message() == "after"


def test_both_directions_at_once(narrow) -> None:
    """Large messages through small sockets: nobody waits for the other for ever."""
    server = narrow(echo)
    with dial(server.address, SO_SNDBUF=SMALL, SO_RCVBUF=SMALL, timeout=30) as peer:
        for size in (3_000_000, 1, 3_000_000):
            peer.send_bytes(b"x" * size)
            assert len(peer.read_message()) == size


def test_slow_peer_keeps_nobody_waiting(narrow) -> None:
    """FLT-B15."""
    progress, ended = Progress(), threading.Event()

    async def app(scope, receive, send):
        if scope["path"] == "/echo":
            await echo(scope, receive, send)
        else:
            await download(progress, 1000 * PIECE, ended)(scope, receive, send)

    server = narrow(app)
    stuck = [dial(server.address, SO_RCVBUF=SMALL) for _ in range(5)]
    assert progress.at_standstill() <= 5 * BOUND
    with dial(server.address, b"/echo") as peer:
        peer.send_text("a")
        assert peer.read_message() == "a"
    for one in stuck:
        one.abandon()
    assert ended.wait(5)


# --- Pings ---


def test_pings_are_answered_while_nobody_receives(narrow) -> None:
    """ASGI-70: messages wait, the session does not."""
    gate, done, seen = Gate(), threading.Event(), []
    server = narrow(gated(gate, 3, done, seen))
    with dial(server.address) as peer:
        gate.expect_reached()
        for index in range(3):
            peer.send_text(str(index))
            peer.send_frame(PING, b"%d" % index)
            assert peer.read_pong() == b"%d" % index
        gate.open()
        assert done.wait(5)
    assert seen == ["0", "1", "2"]


def test_flood_of_pings_whose_pongs_are_not_read(narrow) -> None:
    """FLT-F23: coalesced or held back, and the last one answered (RFC 6455 5.5.3)."""
    count = 200_000
    server = narrow(echo)
    raw = b"".join(frame(PING, b"%06d" % (i % 1000)) for i in range(1000))
    with dial(server.address, SO_RCVBUF=SMALL, SO_SNDBUF=SMALL, timeout=30) as peer:
        for _ in range(count // 1000):
            if peer.send_what_fits(raw, PATIENCE) < len(raw):
                break
        else:
            peer.send_frame(PING, b"the last")
            while (one := peer.read_frame()).payload != b"the last":
                assert one.opcode == PONG
            peer.send_text("a")
            assert peer.read_message() == "a"
