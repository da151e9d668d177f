"""Sends the bytes of a frame case whole, byte by byte, or cut in two at every offset (FLT-A5).

As `delivery` does for requests; each delivery is a session of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from tests.clients.delivery import BATCH, Bench, cut_offsets, pieces
from tests.clients.websocket import WebSocket, dial


class FrameBench:
    """Opens sessions on one server, and knows when it has read what was sent."""

    def __init__(self, address: Any) -> None:
        self.address = address
        self._bench = Bench(address, None)

    def close(self) -> None:
        self._bench.close()

    def settle(self) -> None:
        """Returns when the server has read everything that was sent before this call."""
        self._bench.settle()

    def deliver(self, raw: bytes, delivery: str, **options: Any) -> Iterator[WebSocket]:
        """Sessions on which the bytes have been sent; judge each before the next is taken."""
        if delivery == "cut" and len(raw) > 1:
            yield from self._cut(raw, **options)
            return
        with dial(self.address, **options) as peer:
            if delivery == "bytewise":
                self._send_bytewise(peer, raw)
            else:
                peer.send(raw)
            yield peer

    def _send_bytewise(self, peer: WebSocket, raw: bytes) -> None:
        for piece in pieces(raw):
            peer.send(piece)
            if peer.ending is not None or peer.unsent:
                return
            self.settle()

    def _cut(self, raw: bytes, **options: Any) -> Iterator[WebSocket]:
        offsets = cut_offsets(raw)
        for batch in (offsets[i : i + BATCH] for i in range(0, len(offsets), BATCH)):
            with ExitStack() as closing:
                peers = []
                for offset in batch:
                    peer = dial(self.address, **options)
                    closing.callback(peer.abandon)
                    peer.send(raw[:offset])
                    peers.append((offset, peer))
                self.settle()
                for offset, peer in peers:
                    peer.send(raw[offset:])
                for _, peer in peers:
                    yield peer
