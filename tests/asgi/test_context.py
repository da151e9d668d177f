"""Context variables: every request starts from a fresh copy of the context in which serve() began.

As uvicorn: nothing leaks from one request into another, whoever's
call happened to poll the connection.
"""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from rsgi_bridge import Config, Server
from tests.apps import Gate, body, read_body, start
from tests.asgi.exchange import Notes, answer, pause, request
from tests.clients.raw import RawConnection
from tests.clients.serving import bound, new_loop

VARIABLE = contextvars.ContextVar("variable", default="default")


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after waiting"])
def test_nothing_leaks_into_the_next_request(stage, notes, waits):
    """On one connection, one after another."""

    async def app(scope, receive, send):
        notes(VARIABLE.get())
        VARIABLE.set(scope["path"])
        if waits:
            await pause()
        notes(VARIABLE.get())
        await answer(send)
        notes(VARIABLE.get())

    peer = stage(app).connect()
    for path in ("/1", "/2", "/3"):
        peer.send(request(path))
        peer.read_response()
        assert [notes.next() for _ in range(3)] == ["default", path, path]


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after waiting"])
def test_nothing_leaks_between_pipelined_requests(stage, notes, waits):
    """The first one's send polls the connection, and hyper finds the second one there.

    After waiting that is outside of a turn: the turn for the second is asked for in the first one's
    context.
    """

    async def app(scope, receive, send):
        notes(VARIABLE.get())
        VARIABLE.set(scope["path"])
        await send(start())
        await send(body(b"a", more=True))
        if waits:
            await pause()
        notes(VARIABLE.get())
        await send(body(b"b"))

    peer = stage(app).connect(b"".join(request(f"/{index}") for index in range(5)))
    for _ in range(5):
        assert peer.read_response().body == b"ab"
    assert notes.rest()[:10] == [said for index in range(5) for said in ("default", f"/{index}")]


def test_nothing_leaks_between_connections(stage, notes):
    """Many requests are open at once, each with its own value."""
    gate = Gate()

    async def app(scope, receive, send):
        before = VARIABLE.get()
        VARIABLE.set(scope["path"])
        data = await read_body(receive)
        await gate.wait()
        notes((before, VARIABLE.get(), data.decode()))
        await answer(send)

    server = stage(app)
    peers = [server.connect(request(f"/{i}", method=b"POST", data=b"/%d" % i)) for i in range(20)]
    gate.expect_reached()
    gate.open()
    for peer in peers:
        assert peer.read_response().status == 200
    for before, during, data in (notes.next() for _ in peers):
        assert before == "default"
        assert during == data


def test_waiting_receive_is_resumed_in_its_own_context(stage, notes):
    """The event arrives in somebody else's context, or in none."""

    async def app(scope, receive, send):
        VARIABLE.set(scope["path"])
        pieces = []
        more = True
        while more:
            message = await receive()
            pieces.append(VARIABLE.get())
            more = message["more_body"]
        notes((scope["path"], set(pieces)))
        await answer(send)

    server = stage(app)
    upload = b"POST /%d HTTP/1.1\r\nhost: t\r\ncontent-length: 4\r\n\r\n"
    peers = [server.connect(upload % index) for index in range(4)]
    for octet in (b"a", b"b", b"c", b"d"):
        for peer in peers:
            peer.send(octet)
    for peer in peers:
        assert peer.read_response().status == 200
    said = {notes.next()[0]: None for _ in peers}
    assert set(said) == {f"/{index}" for index in range(4)}


def test_child_tasks_inherit_the_requests_context(stage, notes):
    """As asyncio has it; and what a child sets stays with the child."""

    async def app(scope, receive, send):
        async def child():
            notes(VARIABLE.get())
            VARIABLE.set("child")
            await receive()

        VARIABLE.set("request")
        await asyncio.create_task(child())
        notes(VARIABLE.get())
        await answer(send)

    stage(app).ask()
    assert [notes.next(), notes.next()] == ["request", "request"]


def test_callbacks_run_in_the_requests_context(stage, notes):
    """Of the loop, and of tasks that wait in receive."""

    async def app(scope, receive, send):
        VARIABLE.set("request")
        await receive()
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: notes(VARIABLE.get()))
        listener = asyncio.ensure_future(receive())
        listener.add_done_callback(lambda _: notes(VARIABLE.get()))
        await pause()
        await answer(send)
        await listener

    stage(app).ask()
    assert [notes.next(), notes.next()] == ["request", "request"]


def test_token_can_be_reset_at_the_end_of_the_call(stage, notes):
    """A middleware's set, wait, reset must meet the same context."""

    async def app(scope, receive, send):
        token = VARIABLE.set("request")
        await pause()
        await receive()
        await answer(send)
        await receive()
        VARIABLE.reset(token)
        notes(VARIABLE.get())

    stage(app).ask()
    assert notes.next() == "default"


def test_lifespans_variables_are_not_seen_by_requests(stage_with, notes):
    """As uvicorn: the lifespan runs in a sibling task."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            VARIABLE.set("lifespan")
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            notes(VARIABLE.get())
            await send({"type": "lifespan.shutdown.complete"})
            return
        notes(VARIABLE.get())
        VARIABLE.set("request")
        await answer(send)

    server = stage_with(app)
    server.ask()
    assert notes.next() == "default"
    server.serving.stop()
    assert notes.next() == "lifespan"


@pytest.mark.parametrize(
    ("options", "seen"),
    [({}, "before serve"), ({"reset_contextvars": True}, "default")],
    ids=["copied", "reset"],
)
def test_variables_set_before_serve_are_visible_unless_they_are_reset(loop_name, options, seen):
    """U6.7: as uvicorn. Changes made later by whoever called serve() are never visible."""
    notes = Notes()
    listener = bound()
    address = listener.getsockname()

    async def app(scope, receive, send):
        notes(VARIABLE.get())
        VARIABLE.set("request")
        await answer(send)

    def ask_twice():
        for _ in range(2):
            with RawConnection(address) as peer:
                peer.send(request())
                assert peer.read_response().body == b"ok"

    async def main():
        VARIABLE.set("before serve")
        server = Server(Config(app, log_config=None, lifespan="off", **options))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        VARIABLE.set("after serve")
        # The listener is bound, and listens as soon as the server is ready.
        while not server.started:
            await pause(0.01)
        await asyncio.get_running_loop().run_in_executor(None, ask_twice)
        server.should_exit = True
        await serving

    loop = new_loop(loop_name)
    try:
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
        listener.close()
    assert notes.rest() == [seen] * 2


def test_reset_context_is_empty_and_each_requests_own(stage_with, notes):
    """U6.7."""

    async def app(scope, receive, send):
        notes(VARIABLE.get())
        VARIABLE.set(scope["path"])
        await pause()
        notes(VARIABLE.get())
        await answer(send)

    server = stage_with(app, lifespan="off", reset_contextvars=True)
    peer = server.connect()
    for path in ("/1", "/2"):
        peer.send(request(path))
        peer.read_response()
        assert [notes.next() for _ in range(2)] == ["default", path]
