"""Whatever the application returns when called, the server drives it (ASGI-1, design rule "tasks").

Any awaitable is accepted; what is none, or misbehaves, is the application's error.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import types

import pytest

from tests.apps import body, start
from tests.asgi.exchange import answer, pause, request
from tests.clients.serving import new_loop

EXCEPTION = "Exception in ASGI application"


async def plain(scope, receive, send):
    await pause()
    await answer(send, (await receive())["body"] + b"!")


class Awaitable:
    """An object with __await__ and nothing else."""

    def __init__(self, coroutine):
        self.coroutine = coroutine

    def __await__(self):
        return self.coroutine.__await__()


class GeneratorAwaitable:
    """Its __await__ is a generator of its own."""

    def __init__(self, coroutine):
        self.coroutine = coroutine

    def __await__(self):
        yield
        return (yield from self.coroutine.__await__())


class AsyncCall:
    async def __call__(self, scope, receive, send):
        await plain(scope, receive, send)

    async def method(self, scope, receive, send):
        await plain(scope, receive, send)

    @classmethod
    async def class_method(cls, scope, receive, send):
        await plain(scope, receive, send)

    @staticmethod
    async def static_method(scope, receive, send):
        await plain(scope, receive, send)


class SyncCall:
    def __call__(self, scope, receive, send):
        return plain(scope, receive, send)


async def with_more_arguments(extra, scope, receive, send):
    await plain(scope, receive, send)


@types.coroutine
def generator_based(scope, receive, send):
    yield
    yield from plain(scope, receive, send).__await__()


CALLABLES = {
    "coroutine function": plain,
    "sync function": lambda scope, receive, send: plain(scope, receive, send),
    "partial": functools.partial(with_more_arguments, "extra"),
    "partial of partial": functools.partial(functools.partial(with_more_arguments, "extra")),
    "callable object": AsyncCall(),
    "sync callable object": SyncCall(),
    "bound method": AsyncCall().method,
    "class method": AsyncCall.class_method,
    "static method": AsyncCall.static_method,
    "generator based": generator_based,
    "task": lambda *call: asyncio.ensure_future(plain(*call)),
    "__await__": lambda *call: Awaitable(plain(*call)),
    "__await__ of a generator": lambda *call: GeneratorAwaitable(plain(*call)),
    "nested": lambda *call: Awaitable(Awaitable(GeneratorAwaitable(plain(*call)))),
    "wait_for": lambda *call: Awaitable(asyncio.wait_for(plain(*call), 5)),
}


@pytest.mark.parametrize("name", CALLABLES)
def test_awaitable_is_driven(stage, name):
    """As an inner call, below an application that is a plain coroutine function."""

    async def app(scope, receive, send):
        await CALLABLES[name](scope, receive, send)

    assert stage(app).ask(method=b"POST", data=b"hello").body == b"hello!"


@pytest.mark.parametrize("name", CALLABLES)
def test_callable_is_served(stage_with, name):
    """As the application itself. (uvicorn takes some of these for ASGI 2.)"""
    server = stage_with(CALLABLES[name], lifespan="off", interface="asgi3")
    for _ in range(2):
        assert server.ask(method=b"POST", data=b"hello").body == b"hello!"
    assert server.errors == []


def test_future_that_is_done_is_served(stage_with):
    """A response that was begun and finished before the call returned."""

    def app(scope, receive, send):
        done = asyncio.get_running_loop().create_future()
        writing = asyncio.ensure_future(answer(send, b"early"))
        writing.add_done_callback(lambda _: done.set_result(None))
        return done

    assert stage_with(app, lifespan="off", interface="asgi3").ask().body == b"early"


@pytest.mark.parametrize("value", [None, 5, "text", object(), [1]])
def test_call_that_returns_no_awaitable_is_a_500(stage_with, value):
    """FLT-C1: a TypeError of the application."""

    def app(scope, receive, send):
        return value

    server = stage_with(app, lifespan="off", interface="asgi3")
    assert server.ask().status == 500
    server.logs.wait(EXCEPTION)
    assert server.ask().status == 500


def test_call_that_raises_is_a_500(stage_with):
    """FLT-C1: before there is any awaitable."""

    def app(scope, receive, send):
        raise LookupError("at the call")

    server = stage_with(app, lifespan="off", interface="asgi3")
    assert server.ask().status == 500
    assert server.logs.wait(EXCEPTION).exc_info[0] is LookupError


class YieldsGarbage:
    def __init__(self, garbage):
        self.garbage = garbage

    def __await__(self):
        yield self.garbage


@pytest.mark.parametrize("garbage", [5, "text", object(), ()])
def test_awaitable_that_yields_garbage_is_a_500(stage, garbage):
    """FLT-C1: asyncio's "Task got bad yield" comes out as the application's exception."""

    async def app(scope, receive, send):
        await YieldsGarbage(garbage)

    server = stage(app)
    assert server.ask().status == 500
    assert server.logs.wait(EXCEPTION).exc_info[0] is RuntimeError


def test_future_of_another_loop_is_a_500(stage):
    """FLT-C25: asyncio refuses it in words of its own."""
    other = asyncio.SelectorEventLoop()

    async def app(scope, receive, send):
        await other.create_future()

    server = stage(app)
    try:
        assert server.ask().status == 500
        assert server.logs.wait(EXCEPTION).exc_info[0] is RuntimeError
    finally:
        other.close()


def test_application_that_waits_for_itself_is_a_500(stage):
    """FLT-C1: "Task cannot await on itself"."""

    async def app(scope, receive, send):
        await asyncio.current_task()

    server = stage(app)
    assert server.ask().status == 500
    assert server.logs.wait(EXCEPTION).exc_info[0] is RuntimeError


def with_task_factory(factory, app):
    """The application, which sets the loop's task factory when the server starts."""

    async def wrapped(scope, receive, send):
        if scope["type"] == "lifespan":
            loop = asyncio.get_running_loop()
            await receive()
            loop.set_task_factory(factory)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            loop.set_task_factory(None)
            await send({"type": "lifespan.shutdown.complete"})
            return
        await app(scope, receive, send)

    return wrapped


def skip_unless_loop_takes(factory, loop_name):
    """uvloop 0.23 passes an argument that the factory of some CPython versions does not know."""
    loop, probe = new_loop(loop_name), pause()
    try:
        loop.set_task_factory(factory)
        loop.run_until_complete(probe)
    except TypeError as error:
        pytest.skip(f"{loop_name} cannot use this task factory: {error}")
    finally:
        probe.close()
        loop.close()


class OwnTask(asyncio.Task):
    """What a task factory makes."""


def test_task_factory_of_the_loop_makes_the_task(stage_with, notes):
    """Instrumentation such as tracers count on it."""

    def factory(loop, coroutine, **options):
        return OwnTask(coroutine, loop=loop, **options)

    async def app(scope, receive, send):
        notes(type(asyncio.current_task()))
        await pause()
        await receive()
        await send(start())
        await send(body(b"own"))

    server = stage_with(with_task_factory(factory, app), lifespan="on")
    peer = server.connect(request(), request())
    for _ in range(2):
        assert peer.read_response().body == b"own"
        assert notes.next() is OwnTask
    server.close_connections()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after waiting"])
def test_eager_task_factory(stage_with, notes, loop_name, waits):
    """asyncio.eager_task_factory: first steps nest, and nothing else changes."""

    async def app(scope, receive, send):
        task = asyncio.current_task()
        if waits:
            await pause()
        message = await asyncio.create_task(receive())
        await asyncio.create_task(send(start()))
        notes(asyncio.current_task() is task)
        await send(body(message["body"]))

    factory = asyncio.eager_task_factory
    skip_unless_loop_takes(factory, loop_name)
    server = stage_with(with_task_factory(factory, app), lifespan="on")
    peer = server.connect()
    for data in (b"one", b"two"):
        peer.send(request(method=b"POST", data=data))
        assert peer.read_response().body == data
        assert notes.next() is True
    server.close_connections()
