"""`WebSocket`: a client that does exactly what a test says, over one raw connection.

The handshake's bytes and every frame are the test's own; what the server answers is read strictly,
each call with a deadline. `dial` opens a session the usual way.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable
from typing import Any

from tests.clients.raw import EOF, RESET, RawConnection
from tests.clients.response import Response, WireError
from tests.clients.websocket_deflate import NAME, Deflate, parse_answer
from tests.clients.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    RSV1,
    TEXT,
    Frame,
    close_payload,
    fragments,
    frame,
    read_frame,
)

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # the one of RFC 6455 1.3
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
USUAL = (
    (b"Host", b"test"),
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", KEY),
)


def handshake(
    target: bytes | str = b"/",
    *fields: bytes,
    method: bytes = b"GET",
    version: bytes = b"1.1",
    without: Iterable[bytes] = (),
) -> bytes:
    """A handshake's bytes: the usual fields `without` some (lower-case), then further lines.

    A further line that repeats a usual field's name takes its place.
    """
    given = {line.split(b":")[0].strip().lower() for line in fields}
    left_out = given | set(without)
    usual = [b"%s: %s" % pair for pair in USUAL if pair[0].lower() not in left_out]
    target = target if isinstance(target, bytes) else target.encode("ascii")
    lines = [b"%s %s HTTP/%s" % (method, target, version), *usual, *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def accept_of(key: bytes = KEY) -> str:
    """RFC 6455 4.2.2, step 5."""
    return base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()


def check_accepted(response: Response) -> None:
    """A 101 that a client must take (RFC 6455 4.1)."""
    if response.status != 101:
        raise WireError(f"not opened: {response.status} {response.fields} {response.body!r}")
    if response.interim:
        raise WireError(f"interim responses: {response.interim}")
    if (response.one("upgrade") or "").lower() != "websocket":
        raise WireError(f"upgrade: {response.every('upgrade')}")
    if (response.one("connection") or "").lower() != "upgrade":
        raise WireError(f"connection: {response.every('connection')}")
    if response.one("sec-websocket-accept") != accept_of():
        raise WireError(f"sec-websocket-accept: {response.one('sec-websocket-accept')}")


class WebSocket(RawConnection):
    """A connection that becomes a session when the server has accepted.

    Attributes:
        response: the server's answer to the handshake, once it has been read.
        deflate: what was settled on permessage-deflate, or None.
    """

    response: Response
    deflate: Deflate | None = None

    def __enter__(self) -> WebSocket:
        return self

    def read_accepted(self) -> WebSocket:
        """Reads the 101, which must be faultless."""
        self.response = self.read_head()
        check_accepted(self.response)
        if (extensions := self.response.one("sec-websocket-extensions")) is not None:
            self.deflate = Deflate(parse_answer(extensions))
        return self

    # --- writing ---

    def send_frame(self, opcode: int, payload: bytes = b"", **bits: Any) -> None:
        """One frame; the bits are those of `frame`."""
        self.send(frame(opcode, payload, **bits))

    def send_text(self, text: str) -> None:
        self.send_frame(TEXT, text.encode())

    def send_bytes(self, data: bytes) -> None:
        self.send_frame(BINARY, data)

    def send_fragments(self, opcode: int, *pieces: bytes) -> None:
        self.send(b"".join(fragments(opcode, *pieces)))

    def send_deflated(self, opcode: int, data: bytes) -> None:
        """One message, compressed as was settled."""
        if self.deflate is None:
            raise WireError("no permessage-deflate here")
        self.send_frame(opcode, self.deflate.compress(data), rsv=RSV1)

    def send_close(self, code: int | None = None, reason: bytes = b"") -> None:
        self.send_frame(CLOSE, close_payload(code, reason))

    # --- reading ---

    def read_frame(self) -> Frame:
        """The next frame of any kind."""
        return read_frame(self)

    def read_message(self) -> str | bytes:
        """The next message, whole; nothing else may come before its end."""
        first = read_frame(self)
        if first.opcode not in (TEXT, BINARY):
            raise WireError(f"not a message: {first}")
        if first.rsv not in (0, RSV1) or (first.rsv and self.deflate is None):
            raise WireError(f"reserved bits {first.rsv}")
        payload, last = first.payload, first
        while not last.fin:
            last = read_frame(self)
            if last.opcode != CONTINUATION or last.rsv:
                raise WireError(f"not a continuation: {last}")
            payload += last.payload
        if first.rsv and self.deflate is not None:
            payload = self.deflate.decompress(payload)
        return payload.decode() if first.opcode == TEXT else payload

    def read_pong(self) -> bytes:
        return self._read_control(PONG)

    def read_ping(self) -> bytes:
        return self._read_control(PING)

    def read_close(self) -> tuple[int | None, str]:
        """Code and reason of the Close frame that must come next."""
        payload = self._read_control(CLOSE)
        if not payload:
            return None, ""
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def expect_close(self, code: int | None, reason: str | None = None) -> str:
        """A Close frame with this code (and reason), and the end of the connection after it.

        The Close is answered, unless it was an answer itself. How TCP ends is not judged: an end
        with bytes unread on the server's side is a reset, and nobody's fault.
        """
        got = self.read_close()
        if got[0] != code or reason not in (None, got[1]):
            raise WireError(f"closed with {got}, not {(code, reason)}")
        if self.ending is None:
            self.send_close(code if code != 1005 else None)
        rest = self.read_to_end()
        if rest:
            raise WireError(f"more bytes after the Close: {rest[:200]!r}")
        if self.ending not in (EOF, RESET):
            raise WireError("the connection did not end")
        return got[1]

    def expect_closed_by_server(self, code: int, reason: str | None = None) -> str:
        """The server fails the session: Close and the end, without waiting for an answer."""
        got = self.read_close()
        if got[0] != code or reason not in (None, got[1]):
            raise WireError(f"closed with {got}, not {(code, reason)}")
        if rest := self.read_to_end():
            raise WireError(f"more bytes after the Close: {rest[:200]!r}")
        return got[1]

    def _read_control(self, opcode: int) -> bytes:
        got = read_frame(self)
        if got.opcode != opcode:
            raise WireError(f"not a control frame {opcode:#x}: {got}")
        return got.payload


def dial(address: Any, target: bytes | str = b"/", *fields: bytes, **options: Any) -> WebSocket:
    """A session that the server has accepted; options are those of `RawConnection`."""
    peer = WebSocket(address, **options)
    try:
        peer.send(handshake(target, *fields))
        return peer.read_accepted()
    except BaseException:
        peer.abandon()
        raise


def dial_deflated(address: Any, offer: str = NAME, **options: Any) -> WebSocket:
    """As `dial`, with permessage-deflate, which the server must have taken."""
    peer = dial(address, b"/", b"Sec-WebSocket-Extensions: " + offer.encode(), **options)
    if peer.deflate is None:
        peer.abandon()
        raise WireError(f"not taken: {offer!r}")
    return peer
