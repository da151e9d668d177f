"""The lifespan scope as an application sees it, around real requests (ASGI-90..98, O29)."""

from __future__ import annotations

import asyncio
import socket

import pytest

from rsgi_bridge import Config, Server
from tests.apps import Gate
from tests.asgi.exchange import Notes, answer, request
from tests.clients.raw import RawConnection
from tests.clients.serving import bound, new_loop


def lives(notes, app=None):
    """An application that notes its lifespan."""

    async def wrapped(scope, receive, send):
        if scope["type"] != "lifespan":
            notes("request")
            await (app or ok)(scope, receive, send)
            return
        notes(dict(scope))
        notes(await receive())
        await send({"type": "lifespan.startup.complete"})
        notes(await receive())
        await send({"type": "lifespan.shutdown.complete"})

    return wrapped


async def ok(scope, receive, send):
    await answer(send)


def test_lifespan_scope_and_messages(stage_with, notes):
    """ASGI-91: exactly these keys and values."""
    server = stage_with(lives(notes), lifespan="on")
    assert notes.next() == {
        "type": "lifespan",
        "asgi": {"version": "3.0", "spec_version": "2.0"},
        "state": {},
    }
    assert notes.next() == {"type": "lifespan.startup"}
    server.serving.stop()
    assert notes.next() == {"type": "lifespan.shutdown"}


def test_lifespan_runs_in_the_loop_of_the_requests(stage_with, notes):
    """ASGI-90."""

    async def app(scope, receive, send):
        notes(asyncio.get_running_loop())
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await answer(send)

    stage_with(app, lifespan="on").ask()
    assert notes.next() is notes.next()


def test_no_request_runs_before_startup_is_complete(loop_name):
    """ASGI-93: the kernel may queue the connection; the application does not see it."""
    notes, listener = Notes(), bound()
    address = listener.getsockname()

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            probe = socket.socket()
            probe.setblocking(False)
            notes(probe.connect_ex(address) != 0)
            await asyncio.get_running_loop().run_in_executor(None, notes, "starting")
            notes("started")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            probe.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        notes("request")
        await answer(send)

    def ask():
        with RawConnection(address) as peer:
            peer.send(request())
            assert peer.read_response().status == 200

    async def main():
        server = Server(Config(app, log_config=None, lifespan="on"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        loop = asyncio.get_running_loop()
        while not server.started:
            await asyncio.wait({serving}, timeout=0.01)
        await loop.run_in_executor(None, ask)
        server.should_exit = True
        await serving

    loop = new_loop(loop_name)
    try:
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
        listener.close()
    assert notes.rest()[1:] == ["starting", "started", "request"]


@pytest.mark.parametrize("where", ["scope", "startup"])
def test_application_without_lifespan_is_served(stage_with, where):
    """ASGI-92: mode auto; said in uvicorn's words, with no traceback."""

    async def app(scope, receive, send):
        if scope["type"] != "http":
            if where == "startup":
                await receive()
            raise NotImplementedError(scope["type"])
        await answer(send)

    server = stage_with(app, lifespan="auto")
    assert server.ask().status == 200
    assert "ASGI 'lifespan' protocol appears unsupported." in server.logs.messages()
    assert server.errors == []


def test_application_that_returns_from_lifespan_is_served(stage_with):
    """ASGI-92, ASGI-98."""

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await answer(send)

    server = stage_with(app, lifespan="auto")
    assert server.ask().status == 200
    assert server.errors == []


def test_lifespan_off_is_never_called(stage_with, notes):
    """ASGI-90."""
    server = stage_with(lives(notes), lifespan="off")
    assert server.ask().status == 200
    server.serving.stop()
    assert notes.rest() == ["request"]


def test_return_after_startup_is_tolerated(stage_with):
    """ASGI-98: no shutdown event then, and no complaint."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            return
        await answer(send)

    server = stage_with(app, lifespan="on")
    assert server.ask().status == 200
    server.serving.stop()
    assert server.errors == []


def test_shutdown_comes_after_the_last_request_has_ended(stage_with, notes):
    """ASGI-95: the request in flight is finished first."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await answer(send, b"finished")
        notes("end of request")

    server = stage_with(lives(notes, app), lifespan="on")
    peer = server.connect(request())
    gate.expect_reached()
    server.serving.begin_stop()
    server.logs.wait("Shutting down")
    gate.open()
    response = peer.read_response()
    assert response.body == b"finished"
    assert response.closes
    server.serving.stop()
    assert notes.rest()[2:] == ["request", "end of request", {"type": "lifespan.shutdown"}]


@pytest.mark.parametrize("failure", ["failed", "raises"])
def test_failed_shutdown_is_logged_and_the_server_ends(stage_with, failure):
    """ASGI-96, ASGI-98, O23."""

    async def app(scope, receive, send):
        if scope["type"] != "lifespan":
            await answer(send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if failure == "raises":
            raise LookupError("in shutdown")
        await send({"type": "lifespan.shutdown.failed", "message": "no more"})

    server = stage_with(app, lifespan="on")
    server.serving.stop()
    errors = server.errors
    assert "Application shutdown failed. Exiting." in errors
    if failure == "failed":
        assert "no more" in errors
    else:
        assert any(message.startswith("Exception in 'lifespan' protocol") for message in errors)
