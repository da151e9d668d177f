"""The application runs as an ordinary task of the server's loop (ASGI-12, ASGI-13)."""

from __future__ import annotations

import asyncio
import inspect
import sys

import anyio
import anyio.to_thread
import pytest
from asgiref.sync import async_to_sync, sync_to_async

from tests.apps import Gate, body, start
from tests.asgi.exchange import PATIENCE_SECONDS, answer, pause, request

DISCONNECT = {"type": "http.disconnect"}


def test_application_runs_in_a_task_of_the_servers_loop(stage, notes):
    """ASGI-12: the same one before and after it has waited."""

    async def app(scope, receive, send):
        first = asyncio.current_task()
        loop = asyncio.get_running_loop()
        notes(isinstance(first, asyncio.Task) and first in asyncio.all_tasks())
        await pause()
        await receive()
        notes(asyncio.current_task() is first and asyncio.get_running_loop() is loop)
        notes(loop)
        await answer(send)

    server = stage(app)
    server.ask()
    assert [notes.next(), notes.next()] == [True, True]
    assert notes.next() is server.serving.loop


def test_each_request_is_a_task_of_its_own(stage, notes):
    """ASGI-1, ASGI-12: also on one connection, and it is done when the call is over."""

    async def app(scope, receive, send):
        notes(asyncio.current_task())
        await answer(send)

    peer = stage(app).connect()
    for _ in range(3):
        peer.send(request())
        peer.read_response()
    tasks = [notes.next() for _ in range(3)]
    assert len({id(task) for task in tasks}) == 3
    assert all(task.done() for task in tasks[:-1])


def test_nothing_is_current_when_the_call_is_over(stage, notes):
    """ASGI-12: an eager step that ends leaves the loop as it was."""

    async def app(scope, receive, send):
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: notes(asyncio.current_task(loop)))
        await answer(send)

    stage(app).ask()
    assert notes.next() is None


def test_task_can_be_looked_at(stage, notes):
    """asyncio's debugging aids work on the task: repr, stack, coroutine, name."""

    async def app(scope, receive, send):
        task = asyncio.current_task()
        notes(repr(task))
        notes(task.get_name())
        notes(task.get_coro())
        notes(task.get_stack())
        await pause()
        notes(repr(task))
        await answer(send)

    stage(app).ask()
    assert notes.next().startswith("<Task ")
    assert isinstance(notes.next(), str)
    coroutine = notes.next()
    assert asyncio.iscoroutine(coroutine)
    assert isinstance(coroutine.__qualname__, str)
    assert isinstance(coroutine.__name__, str)
    assert isinstance(notes.next(), list)
    assert notes.next().startswith("<Task ")


def test_debug_mode_of_the_loop(stage_with, notes):
    """PYTHONASYNCIODEBUG formats coroutines and checks threads; slow ones are named in the log."""

    async def app(scope, receive, send):
        loop = asyncio.get_running_loop()
        if scope["type"] == "lifespan":
            loop.set_debug(True)
            loop.slow_callback_duration = 0
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            loop.set_debug(False)
            await send({"type": "lifespan.shutdown.complete"})
            return
        await pause()
        await receive()
        await answer(send, b"debugged")

    server = stage_with(app)
    for _ in range(3):
        assert server.ask().body == b"debugged"
    assert server.errors == []


def test_awaitables_pass_for_coroutines(stage, notes):
    """asgiref, and create_task below 3.12, look before they leap."""

    async def app(scope, receive, send):
        for awaitable in (receive(), send(start())):
            notes(asyncio.iscoroutine(awaitable) and inspect.isawaitable(awaitable))
            awaitable.close()
        check = inspect if sys.version_info >= (3, 12) else asyncio
        notes(check.iscoroutinefunction(receive) and check.iscoroutinefunction(send))

    stage(app).connect(request())
    assert [notes.next() for _ in range(3)] == [True] * 3


def test_asgiref_outside_of_sync_to_async_gets_a_clear_error(stage, notes):
    """FLT-C25: there async_to_sync runs a loop of its own, in a thread of its own."""

    async def app(scope, receive, send):
        def synchronous():
            try:
                async_to_sync(receive)()
            except RuntimeError as error:
                notes(error)

        await asyncio.get_running_loop().run_in_executor(None, synchronous)
        await answer(send, b"fine")

    assert stage(app).ask(method=b"POST", data=b"data").body == b"fine"
    assert isinstance(notes.next(), RuntimeError)


def test_threads_can_hand_awaitables_to_the_loop(stage):
    """run_coroutine_threadsafe(send(..), loop): called in a thread, awaited on the loop's own."""

    async def app(scope, receive, send):
        loop = asyncio.get_running_loop()

        def wait(awaitable):
            return asyncio.run_coroutine_threadsafe(awaitable, loop).result(PATIENCE_SECONDS)

        def synchronous():
            message = wait(receive())
            wait(send(start()))
            wait(send(body(b"sync ", more=True)))
            wait(send(body(message["body"])))

        await loop.run_in_executor(None, synchronous)

    assert stage(app).ask(method=b"POST", data=b"data").body == b"sync data"


def test_sync_code_under_asgiref_can_send(stage):
    """sync_to_async outside, async_to_sync inside: Channels' synchronous consumers do this.

    asgiref calls `send` in the thread, and awaits on the loop what that returned.
    """

    async def app(scope, receive, send):
        def synchronous():
            message = async_to_sync(receive)()
            async_to_sync(send)(start())
            async_to_sync(send)(body(b"sync " + message["body"]))

        await sync_to_async(synchronous)()

    assert stage(app).ask(method=b"POST", data=b"data").body == b"sync data"


def test_receive_and_send_as_tasks(stage, notes):
    """create_task and ensure_future of both."""

    async def app(scope, receive, send):
        notes(await asyncio.create_task(receive()))
        await asyncio.create_task(send(start()))
        await asyncio.ensure_future(send(body(b"a", more=True)))
        await asyncio.gather(*map(asyncio.create_task, (send(body(b"b", more=True)),)))
        await asyncio.create_task(send(body(b"c")))
        notes(await asyncio.create_task(receive()))

    assert stage(app).ask().body == b"abc"
    assert notes.next() == {"type": "http.request", "body": b"", "more_body": False}
    assert notes.next() == DISCONNECT


def test_gather_of_receive_and_send(stage, notes):
    """Both at once, while the body is still coming."""

    async def app(scope, receive, send):
        message, _ = await asyncio.gather(receive(), send(start()))
        notes(message)
        _, message = await asyncio.gather(send(body(b"a", more=True)), receive())
        notes(message)
        await send(body(b"b"))

    peer = stage(app).connect(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 2\r\n\r\n1")
    assert notes.next()["body"] == b"1"
    peer.send(b"2")
    assert notes.next()["body"] == b"2"
    assert peer.read_response().body == b"ab"


def test_anyio_listens_for_the_disconnect_in_a_task_group(stage, notes):
    """What Starlette's StreamingResponse does: a listener cancels the stream's scope."""

    async def app(scope, receive, send):
        async with anyio.create_task_group() as group:

            async def listen():
                while (await receive())["type"] != "http.disconnect":
                    pass
                notes("disconnect")
                group.cancel_scope.cancel()

            async def stream():
                await send(start())
                try:
                    while True:
                        await send(body(b"x", more=True))
                        await pause(0.01)
                except anyio.get_cancelled_exc_class():
                    notes("cancelled")
                    raise

            group.start_soon(listen)
            group.start_soon(stream)
        notes("left")

    peer = stage(app).connect(request())
    assert peer.read_head().status == 200
    assert peer.read_chunk() == b"x"
    peer.reset()
    assert [notes.next(), notes.next(), notes.next()] == ["disconnect", "cancelled", "left"]


def test_anyio_stops_listening_when_the_stream_is_over(stage, notes):
    """The other way round: the stream ends and the waiting receive is cancelled."""

    async def app(scope, receive, send):
        async with anyio.create_task_group() as group:

            async def listen():
                while (await receive())["type"] != "http.disconnect":
                    pass
                notes("disconnect")

            group.start_soon(listen)
            await send(start())
            await send(body(b"a", more=True))
            group.cancel_scope.cancel()
        await send(body(b"b"))
        notes("left")

    assert stage(app).ask().body == b"ab"
    assert notes.next() == "left"


def test_anyio_threads_and_scopes(stage, notes):
    """ASGI-13: to_thread, move_on_after and fail_after around receive()."""

    async def app(scope, receive, send):
        notes(await anyio.to_thread.run_sync(lambda: "from a thread"))
        await receive()
        with anyio.move_on_after(0.01) as moved:
            await receive()
        notes(moved.cancelled_caught)
        with pytest.raises(TimeoutError), anyio.fail_after(0.01):
            await receive()
        await answer(send, b"fine")

    assert stage(app).ask().body == b"fine"
    assert [notes.next(), notes.next()] == ["from a thread", True]


def test_child_tasks_outlive_the_call(stage, notes):
    """What the application leaves running goes on; nobody cancels it."""
    gate = Gate()
    children = []

    async def app(scope, receive, send):
        async def child():
            await gate.wait()
            notes("child")

        children.append(asyncio.create_task(child()))
        await answer(send)

    assert stage(app).ask().status == 200
    gate.open()
    assert notes.next() == "child"


def test_pipelined_requests_are_calls_of_their_own_in_order(stage, notes):
    """ASGI-20, FLT-B18: the second never starts inside the first one's send."""
    inside = []

    async def app(scope, receive, send):
        notes((scope["path"], list(inside), asyncio.current_task()))
        inside.append(scope["path"])
        await send(start())
        await send(body(scope["path"].encode()))
        inside.remove(scope["path"])

    peer = stage(app).connect(b"".join(request(f"/{index}") for index in range(10)))
    for index in range(10):
        assert peer.read_response().body == b"/%d" % index
    calls = [notes.next() for _ in range(10)]
    assert [path for path, _, _ in calls] == [f"/{index}" for index in range(10)]
    assert all(others == [] for _, others, _ in calls)
    assert len({id(task) for _, _, task in calls}) == 10
