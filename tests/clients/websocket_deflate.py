"""The client's half of permessage-deflate (RFC 7692), as the server's answer settles it."""

from __future__ import annotations

import re
import zlib

from tests.clients.response import WireError

NAME = "permessage-deflate"
TAIL = b"\x00\x00\xff\xff"  # left out at the end of a message (7.2.1)
BITS = ("server_max_window_bits", "client_max_window_bits")
FLAGS = ("server_no_context_takeover", "client_no_context_takeover")


def parse_answer(field: str) -> dict[str, int | bool]:
    """The parameters of a server's `Sec-WebSocket-Extensions`, which may break no rule (7.1)."""
    name, *rest = (part.strip() for part in field.split(";"))
    if name != NAME:
        raise WireError(f"not the extension that was offered: {field!r}")
    settled: dict[str, int | bool] = {}
    for parameter in rest:
        key, _, value = parameter.partition("=")
        if key in settled:
            raise WireError(f"{key} twice: {field!r}")
        if key in FLAGS and not value and "=" not in parameter:
            settled[key] = True
        elif key in BITS and re.fullmatch("[89]|1[0-5]", value):
            settled[key] = int(value)
        else:
            raise WireError(f"not a parameter of an answer: {parameter!r}")
    return settled


class Deflate:
    """Compresses and decompresses the messages of one session."""

    def __init__(self, settled: dict[str, int | bool]) -> None:
        self.settled = settled
        self._server_bits = int(settled.get("server_max_window_bits", 15))
        self._client_bits = int(settled.get("client_max_window_bits", 15))
        self._new_compressor()
        self._new_decompressor()

    def compress(self, data: bytes) -> bytes:
        packed = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        if self.settled.get("client_no_context_takeover"):
            self._new_compressor()
        return packed.removesuffix(TAIL)

    def decompress(self, payload: bytes) -> bytes:
        data = self._decompressor.decompress(payload + TAIL)
        if self._decompressor.unused_data or self._decompressor.unconsumed_tail:
            raise WireError("bytes after the end of the deflate stream")
        if self.settled.get("server_no_context_takeover"):
            self._new_decompressor()
        return data

    def _new_compressor(self) -> None:
        # zlib cannot keep a raw stream to the smallest window; what refers to nothing does.
        strategy = zlib.Z_DEFAULT_STRATEGY if self._client_bits > 8 else zlib.Z_HUFFMAN_ONLY
        bits = max(self._client_bits, 9)
        self._compressor = zlib.compressobj(9, zlib.DEFLATED, -bits, strategy=strategy)

    def _new_decompressor(self) -> None:
        self._decompressor = zlib.decompressobj(-self._server_bits)
