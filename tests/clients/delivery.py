"""Sends the bytes of a raw case whole, byte by byte, or cut in two at every offset (FLT-A5).

A probe on a connection of its own tells that the server has read what was sent before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from tests.clients.raw import RawConnection
from tests.clients.response import Cut, WireError
from tests.clients.verdict import Case, judge

DELIVERIES = ("whole", "bytewise", "cut")
SMALL = 640  # bytes up to which every offset is tried; beyond, the ends and a sample
BATCH = 64  # connections open at once


class Bench:
    """Tries raw cases on one server whose application is a `Recorder`."""

    def __init__(self, address: Any, recorder: Any) -> None:
        self.address = address
        self.recorder = recorder
        self._probe = RawConnection(address)

    def close(self) -> None:
        self._probe.abandon()

    def try_case(self, case: Case, delivery: str) -> None:
        {"whole": self.try_whole, "bytewise": self.try_bytewise, "cut": self.try_cut}[delivery](
            case
        )

    def connect(self) -> RawConnection:
        connection = RawConnection(self.address)
        self.recorder.take(connection.port)  # what a failed case may have left under this port
        return connection

    def try_whole(self, case: Case) -> None:
        with self.connect() as connection:
            connection.send(case.bytes)
            judge(case, connection, self.recorder.take)

    def try_bytewise(self, case: Case) -> None:
        with self.connect() as connection:
            for piece in pieces(case.bytes):
                connection.send(piece)
                if connection.ending is not None or connection.unsent:
                    break
                self.settle()
            judge(case, connection, self.recorder.take)

    def try_cut(self, case: Case) -> None:
        raw = case.bytes
        offsets = cut_offsets(raw)
        for batch in (offsets[i : i + BATCH] for i in range(0, len(offsets), BATCH)):
            with ExitStack() as closing:
                connections = []
                for offset in batch:
                    connection = self.connect()
                    closing.callback(connection.abandon)
                    connection.send(raw[:offset])
                    connections.append((offset, connection))
                self.settle()
                for offset, connection in connections:
                    connection.send(raw[offset:])
                for offset, connection in connections:
                    self.judge_cut(case, connection, offset)

    def judge_cut(self, case: Case, connection: RawConnection, offset: int) -> None:
        try:
            judge(case, connection, self.recorder.take)
        except WireError as error:
            before, after = case.bytes[:offset][-40:], case.bytes[offset:][:40]
            raise WireError(f"cut {before!r} | {after!r}: {error}") from error

    def settle(self) -> None:
        """Returns when the server has read everything that was sent before this call."""
        try:
            self._ask_probe()
        except Cut:  # idle for longer than the server keeps a connection
            self._probe.abandon()
            self._probe = RawConnection(self.address)
            self._ask_probe()

    def _ask_probe(self) -> None:
        self._probe.send(b"GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n")
        self._probe.read_response()


def pieces(raw: bytes) -> Iterator[bytes]:
    """Single bytes; of a long case, single bytes at both ends and larger pieces between."""
    if len(raw) <= SMALL:
        yield from (raw[i : i + 1] for i in range(len(raw)))
        return
    edge = 100
    step = max(len(raw) // 100, 1)
    yield from pieces(raw[:edge])
    for i in range(edge, len(raw) - edge, step):
        yield raw[i : min(i + step, len(raw) - edge)]
    yield from pieces(raw[-edge:])


def cut_offsets(raw: bytes) -> list[int]:
    if len(raw) <= SMALL:
        return list(range(1, len(raw)))
    step = len(raw) // 16
    return [*range(1, 40), *range(40, len(raw) - 40, step), *range(len(raw) - 40, len(raw))]
