"""Pings of the server: when they come, what answers them, and what happens without an answer.

ASGI-70, U4.5, U4.6, O16, FLT-F26. Seconds are short, and asserted with slack.
"""

from __future__ import annotations

import logging
import queue
import time

import pytest

from rsgi_bridge.exceptions import ClientDisconnected
from tests.apps import Gate
from tests.clients.websocket import WebSocket, dial, handshake
from tests.clients.websocket_frames import CONTINUATION, PING, PONG, TEXT, frame
from tests.websocket_apps import echo, opened, payload, refused_by, text

SHORT = 0.1  # seconds between pings, and that a pong may take
LONG = 30.0
TIMED_OUT = "keepalive ping timeout"


@pytest.fixture
def serve_with(serve):
    def start(app=echo, interval=SHORT, timeout=LONG, **options):
        return serve(
            app, lifespan="off", ws_ping_interval=interval, ws_ping_timeout=timeout, **options
        )

    return start


def answer_pings(peer, count: int) -> list[bytes]:
    payloads = []
    for _ in range(count):
        payloads.append(peer.read_ping())
        peer.send_frame(PONG, payloads[-1])
    return payloads


def test_pings_have_four_random_bytes(serve_with) -> None:
    """U4.6."""
    with dial(serve_with().address) as peer:
        payloads = answer_pings(peer, 5)
    assert {len(one) for one in payloads} == {4}
    assert len(set(payloads)) == 5


def test_first_ping_comes_an_interval_after_the_accept(serve_with) -> None:
    """U4.6: and each next one an interval later, the time of the answer included."""
    with dial(serve_with(interval=0.3).address) as peer:
        since = time.monotonic()
        answer_pings(peer, 1)
        first = time.monotonic() - since
        answer_pings(peer, 2)
        third = time.monotonic() - since
    assert 0.2 <= first <= 1.2
    assert 0.6 <= third <= 3


@pytest.mark.parametrize("interval", [None, 0, -1])
def test_pings_may_be_switched_off(serve_with, interval) -> None:
    """U4.6."""
    with dial(serve_with(interval=interval, timeout=SHORT).address) as peer:
        peer.expect_quiet(0.5)
        peer.send_text("a")
        assert peer.read_message() == "a"


def test_no_ping_before_the_accept(serve_with) -> None:
    """U4.6: the timer starts there."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await echo(scope, receive, send)

    with WebSocket(serve_with(app, interval=0.05).address) as peer:
        peer.send(handshake())
        peer.expect_quiet(0.3)
        gate.open()
        peer.read_accepted()
        answer_pings(peer, 2)


def test_peer_that_does_not_answer_is_closed(serve_with) -> None:
    """U4.5, O16, FLT-F26: 1011 for it, 1005 for the application, a line at trace for us."""
    seen = queue.Queue()

    async def app(scope, receive, send):
        await opened(receive, send)
        seen.put(await receive())
        seen.put(await refused_by(send, text("late")))

    server = serve_with(app, interval=SHORT, timeout=0.2)
    with dial(server.address) as peer:
        since = time.monotonic()
        peer.read_ping()
        peer.expect_closed_by_server(1011, TIMED_OUT)
        assert 0.25 <= time.monotonic() - since <= 3
    message = seen.get(timeout=5)
    assert (message["type"], message["code"]) == ("websocket.disconnect", 1005)
    assert not message.get("reason")
    assert type(seen.get(timeout=5)) is ClientDisconnected
    assert server.logs.problems == []


def test_peer_that_answers_stays(serve_with) -> None:
    """FLT-F26: for many rounds, while messages go both ways."""
    with dial(serve_with(interval=0.05, timeout=2).address) as peer:
        for index in range(10):
            answer_pings(peer, 1)
            peer.send_text(str(index))
            while (one := peer.read_frame()).opcode == PING:
                peer.send_frame(PONG, one.payload)
            assert one.payload == b"%d" % index


@pytest.mark.parametrize(
    "traffic",
    [
        frame(PONG),
        frame(PONG, b"\0\0\0\0\0"),
        frame(TEXT, b"a"),
        frame(PING, b"mine"),
        frame(TEXT, fin=False),
    ],
    ids=["empty pong", "other pong", "message", "ping", "fragment"],
)
def test_only_the_matching_pong_counts(serve_with, traffic) -> None:
    """U4.6: nothing else that the peer says is a sign of life."""

    async def app(scope, receive, send):
        await opened(receive, send)
        while (await receive())["type"] == "websocket.receive":
            pass

    with dial(serve_with(app, interval=SHORT, timeout=0.3).address) as peer:
        peer.read_ping()
        peer.send(traffic)
        while (one := peer.read_frame()).opcode == PONG:
            pass
        assert one.payload == b"\x03\xf3" + TIMED_OUT.encode()
        assert peer.read_to_end() == b""


def test_pong_of_an_earlier_ping_does_not_count(serve_with) -> None:
    """U4.6."""
    with dial(serve_with(interval=SHORT, timeout=0.3).address) as peer:
        (first,) = answer_pings(peer, 1)
        assert peer.read_ping() != first
        peer.send_frame(PONG, first)
        peer.expect_closed_by_server(1011, TIMED_OUT)


def test_wrong_pong_before_the_right_one_does_no_harm(serve_with) -> None:
    with dial(serve_with(interval=SHORT, timeout=1).address) as peer:
        for _ in range(3):
            one = peer.read_ping()
            peer.send_frame(PONG, b"wrong")
            peer.send_frame(PONG, one)


def test_pings_without_a_deadline(serve_with) -> None:
    """U4.6: `ws_ping_timeout` None: they come, and nobody need answer."""
    with dial(serve_with(interval=0.05, timeout=None).address) as peer:
        for _ in range(4):
            peer.read_ping()
        peer.send_text("a")
        while (one := peer.read_frame()).opcode == PING:
            pass
        assert one.payload == b"a"


@pytest.mark.parametrize("answers", [True, False])
def test_pings_do_not_depend_on_receiving(serve_with, answers) -> None:
    """ASGI-70: sent, answered and timed out while the application waits elsewhere."""
    gate, seen = Gate(), queue.Queue()

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()
        seen.put(await receive())
        seen.put(await receive())

    with dial(serve_with(app, interval=0.05, timeout=0.3).address) as peer:
        peer.send_text("waits")
        if answers:
            answer_pings(peer, 10)
        else:
            peer.read_ping()
            peer.expect_closed_by_server(1011, TIMED_OUT)
        gate.open()
        assert payload(seen.get(timeout=5)) == "waits"
        if not answers:
            assert seen.get(timeout=5)["code"] == 1005


def test_socket_that_is_not_read_has_no_deadline(serve_with) -> None:
    """U4.6: a pong behind messages that nobody receives cannot be seen; the time-out waits."""
    gate, seen = Gate(), queue.Queue()

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()
        for _ in range(40):
            seen.put(payload(await receive()))
        await receive()

    server = serve_with(app, interval=SHORT, timeout=0.3, ws_max_queue=2)
    with dial(server.address) as peer:
        peer.send(b"".join(frame(TEXT, b"%d" % i) for i in range(40)))
        pinged = []
        deadline = time.monotonic() + 1.2
        while time.monotonic() < deadline:
            if not peer.is_quiet_for(0.05):
                pinged.append(peer.read_ping())
                peer.send_frame(PONG, pinged[-1])
        gate.open()
        assert [seen.get(timeout=5) for _ in range(40)] == [str(i) for i in range(40)]
        answer_pings(peer, 2)


def test_ping_comes_between_fragments_of_the_peer(serve_with) -> None:
    """RFC 6455 5.4: and its pong may."""
    with dial(serve_with(interval=0.05).address) as peer:
        peer.send_frame(TEXT, b"one ", fin=False)
        answer_pings(peer, 3)
        peer.send_frame(CONTINUATION, b"message")
        while (one := peer.read_frame()).opcode == PING:
            peer.send_frame(PONG, one.payload)
        assert one.payload == b"one message"


def test_no_ping_after_a_close(serve_with) -> None:
    """RFC 6455 5.5.1."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await send({"type": "websocket.close", "code": 4000})
        await receive()

    with dial(serve_with(app, interval=0.05, timeout=0.05).address) as peer:
        assert peer.read_close() == (4000, "")
        peer.expect_quiet(0.3)
        peer.send_close(4000)
        peer.expect_end()


def test_timeout_is_traced(serve_with) -> None:
    """U5.4: in uvicorn's words."""
    logger = logging.getLogger("uvicorn.error")
    level = logger.level
    try:
        server = serve_with(interval=0.05, timeout=0.05, log_level="trace")
        with dial(server.address) as peer:
            peer.read_ping()
            peer.expect_closed_by_server(1011, TIMED_OUT)
            record = server.logs.wait("WebSocket keepalive ping timeout")
        assert record.levelno == 5
        assert record.getMessage().startswith(f"127.0.0.1:{peer.port} - ")
    finally:
        logger.setLevel(level)
        logging.getLogger("uvicorn.asgi").setLevel(level)
