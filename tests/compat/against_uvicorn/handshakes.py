"""Handshakes and what peers say in a session: what is sent, by the name of the observation.

A script is a list of bytes that are sent and of deeds; what is read between them is the observer's.
"""

from __future__ import annotations

from enum import Enum

from tests.clients.websocket import KEY, handshake
from tests.clients.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    RSV1,
    TEXT,
    close_payload,
    fragments,
    frame,
)


class Deed(Enum):
    """What a peer does that is no sending."""

    HEAR = "read a frame"
    RESET = "reset the connection"
    END = "end its side of it"


Script = tuple["bytes | Deed", ...]


def shape(*fields: bytes, target: str = "/a%20b?c", **others) -> bytes:
    return handshake(target, *fields, **others)


PROTOCOL = b"Sec-WebSocket-Protocol: "
EXTENSIONS = b"Sec-WebSocket-Extensions: "

HANDSHAKES = {
    "usual": shape(),
    "target": shape(target="/%C3%A9/%2F/%zz?a=%20&b?c"),
    "absolute-target": shape(target="http://other.test/a?b"),
    "subprotocols": shape(PROTOCOL + b"chat, v2.chat ,x", PROTOCOL + b"late"),
    "subprotocols-empty": shape(PROTOCOL),
    "subprotocols-with-gaps": shape(PROTOCOL + b"a,,b,"),
    "fields": shape(b"X-A: 1", b"Cookie: a=1", b"X-UPPER: \xe9", b"Origin: http://test"),
    "fields-repeated": shape(b"X-A: 1", b"X-B: 2", b"x-a: 3"),
    "forwarded": shape(b"X-Forwarded-For: 9.9.9.9", b"X-Forwarded-Proto: https"),
    "forwarded-wss": shape(b"X-Forwarded-Proto: wss"),
    "upper-case": shape(b"Upgrade: WEBSOCKET", b"Connection: keep-alive, UPGRADE"),
    "upgrade-list": shape(b"Upgrade: h2c, websocket"),
    "version-1.0": shape(version=b"1.0"),
    "without-host": shape(without=[b"host"]),
    "without-connection": shape(without=[b"connection"]),
    "without-upgrade": shape(without=[b"upgrade"]),
    "other-upgrade": shape(b"Upgrade: h2c"),
    "post": shape(method=b"POST"),
    "head": shape(method=b"HEAD"),
    "without-key": shape(without=[b"sec-websocket-key"]),
    "key-short": shape(b"Sec-WebSocket-Key: c2hvcnQ="),
    "key-no-base64": shape(b"Sec-WebSocket-Key: " + b"!" * 24),
    "key-twice": shape(b"Sec-WebSocket-Key: " + KEY, b"Sec-WebSocket-Key: " + KEY),
    "without-version": shape(without=[b"sec-websocket-version"]),
    "version-8": shape(b"Sec-WebSocket-Version: 8"),
    "version-twice": shape(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 13"),
    "deflate": shape(EXTENSIONS + b"permessage-deflate"),
    "deflate-as-browsers": shape(EXTENSIONS + b"permessage-deflate; client_max_window_bits"),
    "deflate-server-10": shape(EXTENSIONS + b"permessage-deflate; server_max_window_bits=10"),
    "deflate-client-10": shape(EXTENSIONS + b"permessage-deflate; client_max_window_bits=10"),
    "deflate-forgetful": shape(
        EXTENSIONS + b"permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    ),
    "deflate-unknown-parameter": shape(EXTENSIONS + b"permessage-deflate; colour=red"),
    "deflate-second-offer": shape(
        EXTENSIONS + b"permessage-deflate; server_max_window_bits=7, permessage-deflate"
    ),
    "other-extension": shape(EXTENSIONS + b"x-webkit-deflate-frame"),
    "extension-garbage": shape(EXTENSIONS + b";;="),
}

SAID = frame(TEXT, b"hello")
BYE = frame(CLOSE, close_payload(1000, b"bye"))

# Case -> what the application does (conversations.py), further lines of the handshake, the script.
SCRIPTS: dict[str, tuple[str, tuple[bytes, ...], Script]] = {
    # What comes back.
    "echo-text": ("echo", (), (SAID, Deed.HEAR, BYE)),
    "echo-bytes": ("echo", (), (frame(BINARY, b"\x00\xff"), Deed.HEAR, BYE)),
    "echo-empty": ("echo", (), (frame(TEXT), frame(BINARY), Deed.HEAR, Deed.HEAR, BYE)),
    "echo-fragments": (
        "echo",
        (),
        (b"".join(fragments(TEXT, b"h\xc3", b"", b"\xa9")), Deed.HEAR, BYE),
    ),
    "ping": ("echo", (), (frame(PING, b"are you there"), Deed.HEAR, BYE)),
    "ping-between-fragments": (
        "echo",
        (),
        (
            frame(TEXT, b"a", fin=False) + frame(PING, b"?") + frame(CONTINUATION, b"b"),
            *(Deed.HEAR, Deed.HEAR, BYE),
        ),
    ),
    "several-in-one-write": ("echo", (), (SAID + SAID, Deed.HEAR, Deed.HEAR, BYE)),
    "subprotocol": ("subprotocol", (PROTOCOL + b"chat, other",), ()),
    "subprotocol-not-offered": ("subprotocol", (PROTOCOL + b"other",), ()),
    "subprotocol-unasked": ("subprotocol", (), ()),
    "long-text-deflated": ("long-text", (EXTENSIONS + b"permessage-deflate",), ()),
    "accept-first": ("accept-first", (), (SAID,)),
    # How a session ends, as the application sees it.
    "closed": ("listen", (), (BYE,)),
    "closed-4000": ("listen", (), (frame(CLOSE, close_payload(4000, "\xe9".encode())),)),
    "closed-without-code": ("listen", (), (frame(CLOSE),)),
    "closed-and-answered": ("answer-the-end", (), (BYE,)),
    "closed-after-messages": ("listen", (), (SAID + frame(BINARY, b"x") + BYE,)),
    "message-after-close": ("listen", (), (BYE + SAID,)),
    "lost": ("listen", (), (Deed.END,)),
    "lost-by-reset": ("listen", (), (Deed.RESET,)),
    "lost-after-a-message": ("listen", (), (SAID, Deed.END)),
    "lost-in-a-message": ("listen", (), (SAID[:-2], Deed.END)),
    "lost-and-let-out": ("lets-out-what-a-lost-peer-raises", (), (Deed.END,)),
    "closed-and-let-out": ("lets-out-what-a-lost-peer-raises", (), (BYE,)),
    # Peers that break the rules.
    "unmasked": ("listen", (), (frame(TEXT, b"hello", mask=None),)),
    "reserved-bit": ("listen", (), (frame(TEXT, b"hello", rsv=RSV1),)),
    "reserved-opcode": ("listen", (), (frame(3, b"hello"),)),
    "control-in-fragments": ("listen", (), (frame(PING, b"a", fin=False),)),
    "control-too-long": ("listen", (), (frame(PING, b"x" * 126),)),
    "continuation-of-nothing": ("listen", (), (frame(CONTINUATION, b"a"),)),
    "message-in-a-message": ("listen", (), (frame(TEXT, b"a", fin=False) + SAID,)),
    "length-too-wide": ("listen", (), (frame(TEXT, b"hello", width=64) + BYE,)),
    "length-beyond-63-bits": ("listen", (), (frame(BINARY, b"", claims=1 << 63, width=64),)),
    "close-of-one-byte": ("listen", (), (frame(CLOSE, b"\x03"),)),
    "close-1005": ("listen", (), (frame(CLOSE, close_payload(1005)),)),
    "close-999": ("listen", (), (frame(CLOSE, close_payload(999)),)),
    "close-5000": ("listen", (), (frame(CLOSE, close_payload(5000)),)),
    "close-1016": ("listen", (), (frame(CLOSE, close_payload(1016)),)),
    "close-reason-no-text": ("listen", (), (frame(CLOSE, close_payload(1000, b"\xff")),)),
    "no-text": ("listen", (), (frame(TEXT, b"\xff"),)),
    "no-text-in-fragments": ("listen", (), (b"".join(fragments(TEXT, b"\xc3", b"\x28")),)),
    "too-large": ("listen", (), (frame(TEXT, b"x" * 1001),)),
    "too-large-in-fragments": (
        "listen",
        (),
        (b"".join(fragments(TEXT, b"x" * 600, b"x" * 600)),),
    ),
    "too-large-claim": ("listen", (), (frame(BINARY, b"x", claims=1 << 30),)),
    "after-a-message": ("listen", (), (SAID + frame(3),)),
    "after-a-message-to-answer": ("echo", (), (SAID + frame(3),)),
}

# The first message stands in the segment of the handshake.
EARLY = handshake("/echo?early") + SAID
