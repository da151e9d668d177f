"""What the ASGI tests say to a server and how applications tell the test what they saw.

Builds requests, holds one server with one application in it. Knows nothing of single rules.
"""

from __future__ import annotations

import asyncio
import logging
import queue

from tests.apps import body, start
from tests.clients.raw import RawConnection

PATIENCE_SECONDS = 10.0


def request(target="/", *fields, method=b"GET", data=None, version=b"1.1"):
    """The bytes of one well-formed request, with a content-length if there is a body."""
    lines = [b"%s %s HTTP/%s" % (method, target.encode("ascii"), version), b"host: test", *fields]
    if data is not None:
        lines.append(b"content-length: %d" % len(data))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (data or b"")


async def answer(send, data=b"ok", status=200, headers=()):
    """A whole response in two messages."""
    await send(start(status, headers))
    await send(body(data))


async def fill_up(send, limit=64):
    """Send megabytes to a client that does not read, until a send waits: the task that does."""
    for _ in range(limit):
        sending = asyncio.create_task(send(body(b"x" * 1_000_000, more=True)))
        await asyncio.wait({sending}, timeout=0.3)
        if not sending.done():
            return sending
    raise AssertionError(f"{limit} MB were taken without waiting")


async def pause(seconds=0.0):
    """Give the loop a turn, or so much time; may be cancelled."""
    loop = asyncio.get_running_loop()
    passed = loop.create_future()
    # A cancelled future is told so before its owner can cancel the timer.
    timer = loop.call_later(seconds, lambda: passed.done() or passed.set_result(None))
    try:
        await passed
    finally:
        timer.cancel()


class Notes:
    """What an application wants the test to see: thread-safe, in order."""

    def __init__(self):
        self._items = queue.Queue()

    def __call__(self, item):
        self._items.put(item)

    def next(self):
        """The next thing that it noted; fails when nothing comes."""
        return self._items.get(timeout=PATIENCE_SECONDS)

    def rest(self):
        """Everything that is there and nobody has read."""
        items = []
        while not self._items.empty():
            items.append(self._items.get_nowait())
        return items


def notes_scopes(notes):
    """An application that notes every scope and answers."""

    async def app(scope, receive, send):
        notes(scope)
        await answer(send)

    return app


class Stage:
    """A running server, its log, and connections to it."""

    def __init__(self, serving):
        self.serving = serving
        self.logs = serving.logs
        self._connections = []

    @property
    def errors(self):
        """What the server has logged at ERROR, in any of its loggers and asyncio's."""
        return self.logs.messages(logging.ERROR)

    @property
    def access(self):
        """The access records."""
        return [record for record in self.logs if record.name == "uvicorn.access"]

    def connect(self, *requests, **options):
        """A new connection, on which these requests have been sent."""
        connection = RawConnection(self.serving.address, **options)
        self._connections.append(connection)
        for one in requests:
            connection.send(one)
        return connection

    def ask(self, target="/", *fields, method=b"GET", data=None, version=b"1.1"):
        """One request on a connection of its own, and its response."""
        with RawConnection(self.serving.address) as connection:
            connection.send(request(target, *fields, method=method, data=data, version=version))
            return connection.read_response(method.decode())

    def close_connections(self):
        for connection in self._connections:
            connection.abandon()
        self._connections.clear()
