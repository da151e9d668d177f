"""The closing handshake on the wire: RFC 6455 5.5.1, 7; ASGI-79, ASGI-83, U4.5, FLT-F19.

Close frames of a peer, good and bad; and peers that do not answer ours as they should.
"""

from __future__ import annotations

import time

import pytest

from tests.apps import Gate
from tests.clients.delivery import DELIVERIES
from tests.clients.serving import Serving
from tests.clients.websocket import dial
from tests.clients.websocket_delivery import FrameBench
from tests.clients.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    close_payload,
    frame,
)
from tests.websocket_apps import close, echo, opened

VALID = [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]
INVALID = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535]
BAD = {
    "one byte": (b"\x03", 1002),
    **{f"code {code}": (close_payload(code), 1002) for code in INVALID},
    "bad code with reason": (close_payload(1005, b"why"), 1002),
    "reason is not UTF-8": (close_payload(1000, b"\xff"), 1007),
    "reason is cut": (close_payload(1000, b"ab\xe2\x82"), 1007),
    "reason has a surrogate": (close_payload(1000, b"\xed\xa0\x80"), 1007),
}


@pytest.fixture(scope="module")
def bench():
    """Frames do not depend on the event loop: one server for the module."""
    with Serving(echo, lifespan="off") as serving:
        bench = FrameBench(serving.address)
        try:
            yield bench
        finally:
            bench.close()


@pytest.mark.parametrize("code", VALID)
@pytest.mark.parametrize("reason", [b"", b"why", "\u20ac".encode() * 41], ids=len)
def test_close_is_answered_with_itself(bench, code, reason) -> None:
    """U4.5: and TCP ends at once, by the server."""
    for peer in bench.deliver(frame(CLOSE, close_payload(code, reason)), "whole"):
        assert peer.read_close() == (code, reason.decode())
        peer.expect_end()


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_close_in_any_pieces(bench, delivery) -> None:
    """FLT-A5."""
    for raw, answer in (
        (frame(CLOSE, close_payload(1001, b"going")), (1001, "going")),
        (frame(CLOSE), (None, "")),
    ):
        for peer in bench.deliver(raw, delivery):
            assert peer.read_close() == answer
            peer.expect_end()


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("name", BAD)
def test_close_that_breaks_a_rule(bench, name, delivery) -> None:
    """RFC 6455 7.4: answered with what is wrong with it."""
    payload, code = BAD[name]
    for peer in bench.deliver(frame(CLOSE, payload), delivery):
        assert peer.read_close()[0] == code
        assert peer.read_to_end() == b""


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_close_between_fragments_is_a_close(bench, delivery) -> None:
    """RFC 6455 5.4: the message is never finished; uvicorn answers 1002 here."""
    raw = frame(TEXT, b"half", fin=False) + frame(CLOSE, close_payload(1000))
    raw += frame(CONTINUATION, b"late")
    for peer in bench.deliver(raw, delivery):
        assert peer.read_close() == (1000, "")
        assert peer.read_to_end() == b""


def test_ping_before_a_close_is_answered_before_it(bench) -> None:
    raw = frame(PING, b"p") + frame(CLOSE, close_payload(1000)) + frame(PING, b"late")
    for peer in bench.deliver(raw, "whole"):
        assert peer.read_pong() == b"p"
        assert peer.read_close() == (1000, "")
        assert peer.read_to_end() == b""


# --- Peers and our own Close ---


@pytest.fixture
def closing(serve):
    """A server whose application closes with 4000 at once, and waits at its gate."""
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        await send(close(code=4000))
        await gate.wait()

    yield serve(app, lifespan="off").address
    gate.open()


def test_answer_ends_the_connection(closing) -> None:
    """U4.5: at once, though the application goes on."""
    with dial(closing) as peer:
        assert peer.read_close() == (4000, "")
        peer.expect_quiet(0.1)
        peer.send_close(4000)
        peer.expect_end()


@pytest.mark.parametrize(
    "payload",
    [b"", close_payload(1000), close_payload(1005), b"\x03", close_payload(1000, b"\xff")],
)
def test_any_close_is_an_answer(closing, payload) -> None:
    """RFC 6455 7.1.1: whatever it says; nothing is said any more."""
    with dial(closing) as peer:
        assert peer.read_close() == (4000, "")
        peer.send_frame(CLOSE, payload)
        assert peer.read_to_end() == b""


def test_what_comes_after_our_close_is_read_and_thrown_away(closing) -> None:
    """U4.5: megabytes of it; then the answer ends the connection."""
    with dial(closing) as peer:
        assert peer.read_close() == (4000, "")
        for _ in range(40):
            peer.send_frame(BINARY, bytes(100_000))
        peer.send_close(4000)
        peer.expect_end()


def test_broken_frames_after_our_close_end_the_connection(closing) -> None:
    """FLT-A2: there is no second Close."""
    with dial(closing) as peer:
        assert peer.read_close() == (4000, "")
        peer.send_frame(3, b"x")
        assert peer.read_to_end() == b""


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_peer_that_leaves_without_an_answer(closing, how) -> None:
    with dial(closing) as peer:
        assert peer.read_close() == (4000, "")
        if how == "fin":
            peer.half_close()
            assert peer.read_to_end() == b""
        else:
            peer.reset()


@pytest.mark.slow
@pytest.mark.parametrize("talks", [False, True], ids=["silent", "talking"])
def test_peer_that_never_answers_is_left_after_ten_seconds(closing, talks) -> None:
    """U4.5: counted from our Close, whatever else the peer says."""
    with dial(closing, timeout=15) as peer:
        since = time.monotonic()
        assert peer.read_close() == (4000, "")
        if talks:
            while peer.is_quiet_for(0.5):
                peer.send_text("still here")
        assert peer.read_to_end() == b""
        assert 8 <= time.monotonic() - since <= 13


def test_peer_that_answers_but_does_not_end_tcp(bench) -> None:
    """U4.5: the server ends it; what still comes is nobody's."""
    for peer in bench.deliver(frame(CLOSE, close_payload(1000)), "whole"):
        assert peer.read_close() == (1000, "")
        assert peer.ended_without_more()
