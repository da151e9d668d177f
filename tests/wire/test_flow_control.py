"""Back-pressure both ways, in bounded memory: FLT-B10, B11, ASGI-42, and the write timeout (O6).

The listener's and the client's socket buffers are made small, so that what is taken beyond them is
what the server holds.
"""

from __future__ import annotations

import queue
import sys
import threading
import time

import pytest

from tests.apps import PLAIN, Gate, answers, body, read_body, start
from tests.clients.serving import bound

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SMALL = 65536  # bytes of a socket buffer; the kernel doubles it
PIECE = 65536
BOUND = 2_000_000  # bytes that both kernels and the server may hold together
PATIENCE = 0.3  # seconds without progress that mean a standstill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="buffer sizes are Linux's")


@pytest.fixture
def narrow(wire_with):
    def start_narrow(**options):
        return wire_with(listener=bound(SO_RCVBUF=SMALL, SO_SNDBUF=SMALL), **options)

    return start_narrow


class Progress:
    """Counts bytes in the application, and tells a test when they stand still."""

    def __init__(self) -> None:
        self._steps: queue.Queue[int] = queue.Queue()
        self.total = 0

    def add(self, count: int) -> None:
        self._steps.put(count)

    def at_standstill(self) -> int:
        while True:
            try:
                self.total += self._steps.get(timeout=PATIENCE)
            except queue.Empty:
                return self.total


def download(progress: Progress, size: int, done: threading.Event, **start_options):
    async def app(scope, receive, send):
        await send(start(200, PLAIN, **start_options))
        for _ in range(size // PIECE):
            await send(body(b"x" * PIECE, more=True))
            progress.add(PIECE)
        await send(body())
        done.set()

    return app


def test_client_that_does_not_read_suspends_send(narrow) -> None:
    """FLT-B10: bounded, and complete once the client reads."""
    wire, progress, done = narrow(), Progress(), threading.Event()
    size = 256 * PIECE
    wire.run(download(progress, size, done))
    connection = wire.connect(SO_RCVBUF=SMALL)
    connection.send(GET)
    assert progress.at_standstill() <= BOUND
    assert not done.is_set()
    assert len(connection.read_response().body) == size
    assert done.wait(5)


def test_single_huge_body_is_sent_whole(narrow) -> None:
    """A single message of any size is accepted."""
    wire = narrow()
    wire.run(answers(b"x" * 30_000_000))
    connection = wire.connect(SO_RCVBUF=SMALL, timeout=20)
    connection.send(GET)
    assert len(connection.read_response().body) == 30_000_000
    connection.send(GET)
    assert len(connection.read_response().body) == 30_000_000


def test_client_that_does_not_read_keeps_nobody_waiting(narrow) -> None:
    wire, progress, done = narrow(), Progress(), threading.Event()
    wire.run(download(progress, 256 * PIECE, done))
    stuck = [wire.connect(SO_RCVBUF=SMALL) for _ in range(10)]
    for connection in stuck:
        connection.send(GET)
    assert progress.at_standstill() <= 10 * BOUND
    wire.run(answers(b"ok"))
    other = wire.connect()
    other.send(GET)
    assert other.read_response().body == b"ok"
    for connection in stuck:
        connection.reset()
    assert done.wait(5)


def test_leaving_frees_a_suspended_send(narrow) -> None:
    """FLT-B3, O1: the suspended `send` returns, and so do all later ones."""
    wire, progress, done = narrow(), Progress(), threading.Event()
    wire.run(download(progress, 256 * PIECE, done))
    connection = wire.connect(SO_RCVBUF=SMALL)
    connection.send(GET)
    assert progress.at_standstill() <= BOUND
    connection.reset()
    assert done.wait(5)
    assert wire.logs.problems == []


def test_client_that_reads_nothing_is_cut_at_the_write_timeout(narrow) -> None:
    """O6: reset, and the application gets `http.disconnect`."""
    wire, told = narrow(timeout_write=0.5), threading.Event()

    async def app(scope, receive, send):
        await send(start(200, PLAIN))
        for _ in range(256):
            await send(body(b"x" * PIECE, more=True))
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        told.set()

    wire.run(app)
    connection = wire.connect(SO_RCVBUF=SMALL)
    since = time.monotonic()
    connection.send(GET)
    assert told.wait(10)
    assert 0.45 <= time.monotonic() - since <= 4
    connection.read_to_end()
    assert connection.ending == "reset"
    assert wire.logs.problems == []


def test_client_that_reads_slowly_is_not_cut(narrow) -> None:
    """O6: progress restarts the write timeout."""
    wire, progress, done = narrow(timeout_write=0.5), Progress(), threading.Event()
    size = 24 * PIECE
    wire.run(download(progress, size, done))
    connection = wire.connect(SO_RCVBUF=SMALL)
    connection.send(GET)
    got, pace = 0, threading.Event()
    connection.read_head()
    for _ in range(6):  # more than two timeouts in all
        pace.wait(0.2)
        got += len(connection.read_chunk())
    while chunk := connection.read_chunk():
        got += len(chunk)
    assert got == size


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_upload_to_an_application_that_does_not_receive_stops(narrow, framing) -> None:
    """FLT-B11, ASGI-42: the socket is not read, and nothing is lost."""
    wire, gate, got = narrow(), Gate(), []
    size = 128 * PIECE

    async def app(scope, receive, send):
        await gate.wait()
        got.append(await read_body(receive))
        await answers(b"all")(scope, receive, send)

    payload = bytes(range(256)) * (size // 256)
    wire.run(app)
    connection = wire.connect(SO_SNDBUF=SMALL, timeout=20)
    if framing == "length":
        head, data = b"Content-Length: %d" % size, payload
    else:
        head, data = b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (size, payload)
    connection.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n")
    taken = connection.send_what_fits(data, PATIENCE)
    assert taken <= BOUND
    gate.open()
    connection.send(data[taken:])
    assert connection.read_response().body == b"all"
    assert got == [payload]


def test_upload_is_read_no_faster_than_it_is_received(narrow) -> None:
    """FLT-B11: one `receive`, and the rest stays where it is."""
    wire, gate, pieces = narrow(), Gate(), []

    async def app(scope, receive, send):
        pieces.append(len((await receive())["body"]))
        await gate.wait()
        await answers(b"enough", 413)(scope, receive, send)

    wire.run(app)
    connection = wire.connect(SO_SNDBUF=SMALL)
    connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n")
    taken = connection.send_what_fits(b"x" * 50_000_000, PATIENCE)
    assert taken <= BOUND
    assert pieces[0] <= 1_000_000
    gate.open()
    assert connection.read_response().status == 413


def test_pipelined_requests_behind_a_slow_answer_stop_being_read(narrow) -> None:
    """FLT-B18: parsed ahead only so far."""
    wire, gate, calls = narrow(), Gate(), []

    async def app(scope, receive, send):
        calls.append(scope["path"])
        await gate.wait()
        await answers(b"x")(scope, receive, send)

    wire.run(app)
    connection = wire.connect(SO_SNDBUF=SMALL)
    taken = connection.send_what_fits(GET * 200_000, PATIENCE)
    assert taken <= BOUND
    gate.expect_reached()
    assert calls == ["/"]
    gate.open()
    for _ in range(100):
        assert connection.read_response().body == b"x"


def test_echo_of_a_large_body_in_both_directions_at_once(narrow) -> None:
    wire = narrow()

    async def app(scope, receive, send):
        await send(start(200, PLAIN))
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await send(body(message["body"], more=more))

    size = 4_000_000
    wire.run(app)
    connection = wire.connect(SO_SNDBUF=SMALL, SO_RCVBUF=SMALL, timeout=20)
    connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
    connection.send(b"x" * size)
    assert len(connection.read_response().body) == size
