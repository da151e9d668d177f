"""permessage-deflate is negotiated by RFC 7692 7.1: the first offer that can be taken is.

U4.6, FLT-F17. What an answer may say is checked by the client's `parse_answer`.
"""

from __future__ import annotations

import pytest

from tests.clients.serving import Serving
from tests.clients.websocket import WebSocket, dial, handshake
from tests.clients.websocket_frames import RSV1, TEXT
from tests.websocket_apps import echo

DEFLATE = "permessage-deflate"
CLIENT_BITS, SERVER_BITS = "client_max_window_bits", "server_max_window_bits"
CLIENT_FRESH, SERVER_FRESH = "client_no_context_takeover", "server_no_context_takeover"

TAKEN = {
    "plain": [DEFLATE],
    "client bits": [f"{DEFLATE}; {CLIENT_BITS}"],
    "client bits 8": [f"{DEFLATE}; {CLIENT_BITS}=8"],
    "client bits 15": [f"{DEFLATE}; {CLIENT_BITS}=15"],
    "server bits 9": [f"{DEFLATE}; {SERVER_BITS}=9"],
    "server bits 10": [f"{DEFLATE}; {SERVER_BITS}=10"],
    "server bits 15": [f"{DEFLATE}; {SERVER_BITS}=15"],
    "quoted": [f'{DEFLATE}; {SERVER_BITS}="10"'],
    "no blanks": [f"{DEFLATE};{SERVER_BITS}=10;{CLIENT_BITS}"],
    "blanks": [f" {DEFLATE} ; {SERVER_BITS}=10 ; {CLIENT_BITS} "],
    "both fresh": [f"{DEFLATE}; {CLIENT_FRESH}; {SERVER_FRESH}"],
    "everything": [
        f"{DEFLATE}; {SERVER_FRESH}; {CLIENT_FRESH}; {SERVER_BITS}=12; {CLIENT_BITS}=12"
    ],
    "chromium": [f"{DEFLATE}; {CLIENT_BITS}"],
    "firefox": [DEFLATE],
    "behind an unknown one": [f"x-custom; a=b, {DEFLATE}"],
    "on a line of its own": ["x-custom", DEFLATE],
    "second offer": [f"{DEFLATE}; {SERVER_BITS}=16, {DEFLATE}"],
    "second line": [f"{DEFLATE}; unknown", f"{DEFLATE}; {CLIENT_BITS}"],
    "fallback": [f"{DEFLATE}; {SERVER_BITS}=10; {CLIENT_BITS}, {DEFLATE}"],
    "quoted before": [f'x-custom; a="b", {DEFLATE}'],
}

# Declined offers: RFC 7692 7.1 and 5.1. The session opens without the extension.
PASSED_OVER = {
    "none": [],
    "unknown": ["x-custom"],
    "its forerunner": ["x-webkit-deflate-frame", "permessage-compress; method=deflate"],
    "a longer name": [f"{DEFLATE}2"],
    "unknown parameter": [f"{DEFLATE}; unknown"],
    "unknown parameter with value": [f"{DEFLATE}; level=9"],
    "server bits without value": [f"{DEFLATE}; {SERVER_BITS}"],
    "server bits 7": [f"{DEFLATE}; {SERVER_BITS}=7"],
    "server bits 16": [f"{DEFLATE}; {SERVER_BITS}=16"],
    "server bits 010": [f"{DEFLATE}; {SERVER_BITS}=010"],
    "server bits +9": [f"{DEFLATE}; {SERVER_BITS}=+9"],
    "server bits 0": [f"{DEFLATE}; {SERVER_BITS}=0"],
    "server bits a": [f"{DEFLATE}; {SERVER_BITS}=a"],
    "client bits 7": [f"{DEFLATE}; {CLIENT_BITS}=7"],
    "client bits 16": [f"{DEFLATE}; {CLIENT_BITS}=16"],
    "client bits 99999999999999999999": [f"{DEFLATE}; {CLIENT_BITS}=99999999999999999999"],
    "flag with value": [f"{DEFLATE}; {SERVER_FRESH}=1"],
    "other flag with value": [f"{DEFLATE}; {CLIENT_FRESH}=true"],
    "server bits twice": [f"{DEFLATE}; {SERVER_BITS}=10; {SERVER_BITS}=10"],
    "flag twice": [f"{DEFLATE}; {SERVER_FRESH}; {SERVER_FRESH}"],
}

GARBAGE = ["", ",", ";", ";;;", "=", "(", "a b", "\xff", f"{DEFLATE};"]
GARBAGE += [
    f'x; a="b, c; d", {DEFLATE}',
    f'{DEFLATE}; {SERVER_BITS}="10',
    f"{DEFLATE} {DEFLATE}",
    f"{DEFLATE}; ;",
]


@pytest.fixture(scope="module")
def address():
    """Negotiation does not depend on the event loop: one server for the module."""
    with Serving(echo, lifespan="off") as serving:
        yield serving.address


def offering(address, lines):
    """A session for which these lines were offered."""
    fields = [b"Sec-WebSocket-Extensions: " + line.encode("latin-1") for line in lines]
    return dial(address, b"/", *fields)


def talk(peer) -> None:
    """A few messages each way, compressed where that was settled."""
    for data in ("hello " * 100, "hello " * 100, "x", "", "\u20ac" * 1000):
        if peer.deflate is not None:
            peer.send_deflated(TEXT, data.encode())
            assert peer.read_message() == data
        peer.send_text(data)
        assert peer.read_message() == data


@pytest.mark.parametrize("lines", TAKEN.values(), ids=TAKEN)
def test_offer_is_taken(address, lines) -> None:
    with offering(address, lines) as peer:
        assert peer.deflate is not None
        settled = peer.deflate.settled
        offer = ",".join(lines).lower()
        assert CLIENT_BITS not in settled or CLIENT_BITS in offer
        talk(peer)


@pytest.mark.parametrize("lines", PASSED_OVER.values(), ids=PASSED_OVER)
def test_offer_is_passed_over(address, lines) -> None:
    with offering(address, lines) as peer:
        assert peer.deflate is None
        talk(peer)


@pytest.mark.parametrize("line", GARBAGE, ids=repr)
def test_garbage_is_ignored_or_refused(address, line) -> None:
    """FLT-F17: nothing between; and what is taken works."""
    with WebSocket(address) as peer:
        field = b"Sec-WebSocket-Extensions: " + line.encode("latin-1")
        peer.send(handshake(b"/", field))
        if peer.read_line().startswith(b"HTTP/1.1 400 "):
            return
    with offering(address, [line]) as peer:
        talk(peer)


@pytest.mark.parametrize(
    ("offer", "most"),
    [
        (f"{SERVER_BITS}=9", 9),
        (f"{SERVER_BITS}=10", 10),
        (f"{SERVER_BITS}=12", 12),
        (f"{SERVER_BITS}=15", 15),
    ],
)
def test_server_keeps_to_the_window_that_it_was_asked_for(address, offer, most) -> None:
    """RFC 7692 7.1.2.1: and says so. A window too large for the client breaks its inflater."""
    with offering(address, [f"{DEFLATE}; {offer}"]) as peer:
        assert peer.deflate is not None
        assert int(peer.deflate.settled[SERVER_BITS]) <= most
        block = bytes(range(256)).decode("latin-1") * 4
        data = (block + "y" * 4000) * 12  # what repeats is farther away than a small window
        for _ in range(3):
            peer.send_text(data)
            assert peer.read_message() == data


def test_smallest_window(address) -> None:
    """RFC 7692 7.1.2.1: zlib cannot write it; whoever takes the offer must keep to it."""
    with offering(address, [f"{DEFLATE}; {SERVER_BITS}=8"]) as peer:
        if peer.deflate is not None:
            assert peer.deflate.settled[SERVER_BITS] == 8
        for index in range(3):
            data = f"{index} " + "".join(chr(33 + i * i % 90) for i in range(3000))
            peer.send_text(data)
            assert peer.read_message() == data


@pytest.mark.parametrize("bits", range(8, 16))
def test_client_keeps_to_the_window_that_it_named(address, bits) -> None:
    """RFC 7692 7.1.2.2: the answer may say less than the offer, never more."""
    with offering(address, [f"{DEFLATE}; {CLIENT_BITS}={bits}"]) as peer:
        assert peer.deflate is not None
        assert int(peer.deflate.settled.get(CLIENT_BITS, bits)) <= bits
        talk(peer)


def test_client_that_named_no_window_may_use_the_largest(address) -> None:
    """RFC 7692 7.1.2.2: references 32 KiB back, across messages."""
    with offering(address, [DEFLATE]) as peer:
        assert peer.deflate is not None
        assert CLIENT_BITS not in peer.deflate.settled
        block = "".join(chr(33 + (i * i + i // 7) % 90) for i in range(30_000))
        for _ in range(3):
            peer.send_deflated(TEXT, block.encode())
            assert peer.read_message() == block


@pytest.mark.parametrize("asks", [SERVER_FRESH, f"{SERVER_FRESH}; {CLIENT_FRESH}"])
def test_server_that_is_asked_to_forget_says_that_it_does(address, asks) -> None:
    """RFC 7692 7.1.1.1: and then does: the client's inflater is new for each message."""
    with offering(address, [f"{DEFLATE}; {asks}"]) as peer:
        assert peer.deflate is not None
        assert peer.deflate.settled[SERVER_FRESH] is True
        talk(peer)


def test_nothing_is_offered_unasked(address) -> None:
    """RFC 6455 9.1."""
    with dial(address) as peer:
        assert peer.response.one("sec-websocket-extensions") is None


def test_compression_may_be_switched_off(serve) -> None:
    """U4.6: then RSV1 has no meaning."""
    server = serve(echo, lifespan="off", ws_per_message_deflate=False)
    with offering(server.address, [DEFLATE]) as peer:
        assert peer.deflate is None
        talk(peer)
        peer.send_frame(TEXT, b"x", rsv=RSV1)
        peer.expect_closed_by_server(1002)


def test_offer_is_among_the_scopes_headers(serve) -> None:
    """ASGI-72: nothing is taken out."""
    seen = []

    async def app(scope, receive, send):
        seen.extend(value for name, value in scope["headers"] if name.endswith(b"extensions"))
        await echo(scope, receive, send)

    with offering(serve(app, lifespan="off").address, ["x-a", DEFLATE]):
        assert seen == [b"x-a", DEFLATE.encode()]
