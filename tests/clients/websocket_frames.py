"""WebSocket frames as bytes (RFC 6455 5): written with any bits a test wants, read strictly.

Knows no sockets: reads from anything that has `read_exactly`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from tests.clients.response import WireError

CONTINUATION, TEXT, BINARY = 0x0, 0x1, 0x2
CLOSE, PING, PONG = 0x8, 0x9, 0xA
OPCODES = (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
MASK = b"\x37\xfa\x21\x3d"  # the one of the examples in RFC 6455 5.7
RSV1, RSV2, RSV3 = 4, 2, 1


@dataclass(frozen=True)
class Frame:
    """One frame from the server."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0


def masked(payload: bytes, mask: bytes = MASK) -> bytes:
    """The payload under a mask; twice is the payload again."""
    length = len(payload)
    key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(length, "big")


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    claims: int | None = None,
    width: int | None = None,
) -> bytes:
    """One frame of a client.

    Args:
        opcode: any number up to 15.
        payload: what follows the header, under the mask.
        fin: whether it is the last of its message.
        rsv: the three reserved bits, RSV1 is 4.
        mask: four bytes, or None for a frame that is not masked.
        claims: the length that the header names, where it is not the payload's.
        width: bits of the length, 7, 16 or 64; as few as possible unless told.
    """
    length = len(payload) if claims is None else claims
    if width is None:
        width = 7 if length < 126 else 16 if length < 1 << 16 else 64
    first = (fin << 7) | (rsv << 4) | opcode
    bit = 0 if mask is None else 0x80
    head = {
        7: lambda: struct.pack("!BB", first, bit | length),
        16: lambda: struct.pack("!BBH", first, bit | 126, length),
        64: lambda: struct.pack("!BBQ", first, bit | 127, length),
    }[width]()
    return head + payload if mask is None else head + mask + masked(payload, mask)


def close_payload(code: int | None = None, reason: bytes = b"") -> bytes:
    return b"" if code is None else struct.pack("!H", code) + reason


def fragments(opcode: int, *pieces: bytes, rsv: int = 0) -> list[bytes]:
    """The frames of one message in pieces; RSV bits belong to the first (RFC 7692 6.1)."""
    last = len(pieces) - 1
    return [
        frame(CONTINUATION if i else opcode, piece, fin=i == last, rsv=0 if i else rsv)
        for i, piece in enumerate(pieces)
    ]


def read_frame(source: Any) -> Frame:
    """The next frame of a server, which may break no rule."""
    first, second = source.read_exactly(2)
    opcode, fin, rsv = first & 0xF, bool(first & 0x80), (first >> 4) & 7
    if opcode not in OPCODES:
        raise WireError(f"reserved opcode {opcode}")
    if second & 0x80:
        raise WireError("a server's frame is masked")
    length = second
    if second == 126:
        (length,) = struct.unpack("!H", source.read_exactly(2))
    elif second == 127:
        (length,) = struct.unpack("!Q", source.read_exactly(8))
    if (second == 126 and length < 126) or (second == 127 and length < 1 << 16):
        raise WireError(f"length {length} in too many bytes")
    if opcode >= CLOSE and (length > 125 or not fin or rsv):
        raise WireError(f"a control frame with {length} bytes, fin {fin}, rsv {rsv}")
    return Frame(opcode, source.read_exactly(length), fin, rsv)
