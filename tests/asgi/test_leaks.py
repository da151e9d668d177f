"""After a call is over, nothing of it is left: no task, no scope, no object of the server.

FLT-C23, FLT-B1..B3. Everything is counted inside the server's thread, after a full collection.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections import Counter

import pytest

from tests.apps import body, start
from tests.asgi.exchange import Stage, answer, pause, request
from tests.clients.raw import RawConnection
from tests.clients.serving import Serving

ROUNDS = 100
# Caches and free lists may hold a little more than before; one object a call would be ROUNDS.
SLACK = 20


class Probe:
    """Put into a scope, it dies with it."""


class Census:
    """An application under test, and two paths that look at what is left of its calls."""

    def __init__(self, app):
        self.app = app
        self.probes = weakref.WeakSet()

    async def __call__(self, scope, receive, send):
        if scope["path"] == "/census":
            for _ in range(3):
                await pause()
                gc.collect()
            counts = Counter(
                f"{type(one).__module__}.{type(one).__name__}" for one in gc.get_objects()
            )
            self.counts = counts
            self.tasks = len(asyncio.all_tasks())
            self.alive = len(self.probes)
            await answer(send)
            return
        probe = scope["probe"] = Probe()
        self.probes.add(probe)
        del probe
        await self.app(scope, receive, send)


def assert_nothing_is_left(server, census, rounds, monkeypatch, kept=0):
    """The first rounds warm caches up; after that, more rounds must not leave more."""
    # pytest keeps what reaches its handlers, and a traceback keeps its frames.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        monkeypatch.setattr(logging.getLogger(name), "propagate", False)

    def count():
        rounds()
        server.logs.clear()
        server.ask("/census")
        return census.counts

    before, tasks = count(), census.tasks
    after = count()
    # A leak leaks again; what else lives in this process (threads, pytest) may grow once.
    if grown := growth(before, after):
        again = growth(after, count())
        assert not {name: (grown[name], again[name]) for name in grown.keys() & again.keys()}
    assert census.tasks <= tasks
    # An open connection may hold on to the scope of its last request, as uvicorn's does.
    assert census.alive <= kept


def growth(before, after):
    """The kinds of objects of which there are clearly more."""
    return {
        name: after[name] - before[name] for name in after if after[name] - before[name] > SLACK
    }


@pytest.mark.parametrize(
    "kind", ["plain", "waits", "streams", "listens", "raises", "silent", "bad"]
)
def test_finished_requests_leave_nothing(stage, monkeypatch, kind):
    """FLT-C23: whatever the application did, cycles and tracebacks included."""

    async def app(scope, receive, send):
        cycle = [scope, receive, send]
        cycle.append(cycle)
        await receive()
        if kind == "waits":
            await pause()
        elif kind == "streams":
            await send(start())
            await send(body(b"a", more=True))
            await pause()
            await send(body(b"b"))
            return
        elif kind == "listens":
            listener = asyncio.ensure_future(receive())
            await answer(send)
            await listener
            return
        elif kind == "raises":
            raise ValueError
        elif kind == "silent":
            return
        elif kind == "bad":
            await send(start(1000))
        await answer(send)

    census = Census(app)
    server = stage(census)

    def rounds():
        for _ in range(ROUNDS):
            server.ask()

    assert_nothing_is_left(server, census, rounds, monkeypatch)


def test_keep_alive_requests_leave_nothing(stage, monkeypatch):
    """FLT-C23: on one connection that stays open while it is counted."""

    async def app(scope, receive, send):
        await answer(send)

    census = Census(app)
    server = stage(census)
    peer = server.connect()

    def rounds():
        for _ in range(ROUNDS):
            peer.send(request(method=b"POST", data=b"x" * 1000))
            assert peer.read_response().body == b"ok"

    assert_nothing_is_left(server, census, rounds, monkeypatch, kept=1)


@pytest.mark.parametrize("where", ["receive", "upload", "stream", "child"])
def test_disconnects_leave_nothing(stage, notes, monkeypatch, where):
    """FLT-C23: the client resets while the application waits or streams."""

    async def app(scope, receive, send):
        if where != "upload":
            await receive()
        if where == "stream":
            await send(start())
            await send(body(b"a", more=True))
        if where == "child":
            child = asyncio.create_task(receive())
            notes("here")
            await child
        else:
            notes("here")
        while (await receive())["type"] != "http.disconnect":
            pass
        await send(body(b"late", more=True) if where == "stream" else start())
        notes("gone")

    census = Census(app)
    server = stage(census)
    head = request()
    if where == "upload":
        head = b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n\r\nhalf"

    def rounds():
        for _ in range(ROUNDS // 2):
            with RawConnection(server.serving.address) as peer:
                peer.send(head)
                assert notes.next() == "here"
                peer.reset()
                assert notes.next() == "gone"

    assert_nothing_is_left(server, census, rounds, monkeypatch)


def test_cancelled_receives_leave_nothing(stage, monkeypatch):
    """FLT-C23: each timeout around receive() makes a waiter and drops it."""

    async def app(scope, receive, send):
        await receive()
        for _ in range(ROUNDS):
            listener = asyncio.ensure_future(receive())
            await pause()
            listener.cancel()
            await asyncio.wait({listener})
        await answer(send)

    census = Census(app)
    server = stage(census)
    assert_nothing_is_left(server, census, lambda: server.ask(), monkeypatch)


def test_scope_dies_as_soon_as_the_call_is_over(stage, notes):
    """FLT-C23: without a collection; a request that made no cycle leaves none."""
    probes = []

    async def app(scope, receive, send):
        if scope["path"] == "/first":
            probe = scope["probe"] = Probe()
            probes.append(weakref.ref(probe))
            del probe
            gc.disable()
            await receive()
            await pause()
            await answer(send)
            return
        notes(probes[0]() is None)
        gc.enable()
        await answer(send)

    server = stage(app)
    peer = server.connect(request("/first"))
    assert peer.read_response().status == 200
    peer.send(request("/second"))
    assert peer.read_response().status == 200
    assert notes.next()


def test_application_dies_with_the_server(loop_name):
    """FLT-C23: a stopped server gives everything back: its application, and every call."""

    class Application:
        async def __call__(self, scope, receive, send):
            await receive()
            await answer(send)

    app = Application()
    alive = weakref.ref(app)
    with Serving(app, loop_name=loop_name, lifespan="off") as serving:
        assert Stage(serving).ask().status == 200
    del serving, app
    gc.collect()
    assert alive() is None
