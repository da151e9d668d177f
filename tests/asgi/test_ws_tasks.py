"""Several tasks on one session, and the task that the application runs as.

ASGI-12, ASGI-13, FLT-C25; one receives while others send.
"""

from __future__ import annotations

import asyncio
import contextvars

import anyio
import pytest
from asgiref.sync import async_to_sync, sync_to_async

from tests.apps import Gate
from tests.asgi.exchange import PATIENCE_SECONDS, pause
from tests.clients.websocket import dial
from tests.websocket_apps import LOST, binary, echo, opened, payload, refused_by, text
from tests.websocket_apps import shared_server as shared_server


def test_session_runs_in_one_task_of_the_servers_loop(stage, notes):
    """ASGI-12: the same one before and after it has waited, by a message or otherwise."""

    async def app(scope, receive, send):
        first, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert first in asyncio.all_tasks()
        await opened(receive, send)
        for _ in range(3):
            await receive()
            notes(asyncio.current_task() is first and asyncio.get_running_loop() is loop)
            await pause()
            notes(asyncio.current_task() is first)
        notes(loop)

    server = stage(app)
    with dial(server.serving.address) as peer:
        for _ in range(3):
            peer.send_text("a")
            assert [notes.next(), notes.next()] == [True, True]
    assert notes.next() is server.serving.loop


def test_context_of_a_session_is_its_own(stage, notes):
    """U6.7: what one session sets is seen by none beside it, and stays while it waits."""
    variable = contextvars.ContextVar("variable", default="unset")

    async def app(scope, receive, send):
        notes(variable.get())
        variable.set(scope["path"])
        await opened(receive, send)
        while (await receive())["type"] == "websocket.receive":
            notes(variable.get())

    address = stage(app).serving.address
    with dial(address, b"/a") as first, dial(address, b"/b") as second:
        assert [notes.next(), notes.next()] == ["unset", "unset"]
        for _ in range(2):
            for peer, path in ((first, "/a"), (second, "/b")):
                peer.send_text("?")
                assert notes.next() == path


def test_one_task_receives_while_another_sends(stage):
    """Both at full speed, each direction in order."""
    count = 500

    async def app(scope, receive, send):
        await opened(receive, send)

        async def produce():
            for index in range(count):
                await send(text(str(index)))
                if index % 50 == 0:
                    await pause()

        producing = asyncio.create_task(produce())
        seen = [int(payload(await receive())) for _ in range(count)]
        await producing
        await send(text("in order" if seen == list(range(count)) else "not in order"))

    with dial(stage(app).serving.address) as peer:
        for index in range(count):
            peer.send_text(str(index))
        assert [peer.read_message() for _ in range(count)] == [str(i) for i in range(count)]
        assert peer.read_message() == "in order"


def test_background_task_sends_while_the_application_waits(stage):
    """The bytes leave though nothing is received, and the waiting is not disturbed."""

    async def app(scope, receive, send):
        await opened(receive, send)

        async def tell():
            for index in range(3):
                await pause(0.01)
                await send(text(f"news {index}"))

        telling = asyncio.create_task(tell())
        message = await receive()
        await telling
        await send(text("got " + payload(message)))

    with dial(stage(app).serving.address) as peer:
        assert [peer.read_message() for _ in range(3)] == [f"news {index}" for index in range(3)]
        peer.send_text("a")
        assert peer.read_message() == "got a"


def test_broadcast_from_one_session_to_others(stage):
    """A send on another session's behalf, from this one's task."""
    rooms = []

    async def app(scope, receive, send):
        rooms.append(send)
        await opened(receive, send)
        while (message := await receive())["type"] == "websocket.receive":
            for one in rooms:
                await one(text(payload(message)))
        rooms.remove(send)

    address = stage(app).serving.address
    with dial(address) as a, dial(address) as b, dial(address) as c:
        for index, peer in enumerate((a, b, c)):
            peer.send_text(f"hello {index}")
            assert [one.read_message() for one in (a, b, c)] == [f"hello {index}"] * 3


def test_sends_of_many_tasks_are_whole(stage):
    """Messages of tasks that send at once never mix, large ones among them."""

    async def app(scope, receive, send):
        await opened(receive, send)
        sizes = (10, 70_000, 200_000, 3)
        await asyncio.gather(
            *(
                asyncio.create_task(send(binary(b"%d" % i * size)))
                for size in sizes
                for i in range(8)
            )
        )

    with dial(stage(app).serving.address, SO_RCVBUF=65536) as peer:
        seen = [peer.read_message() for _ in range(32)]
        peer.expect_close(1000)
    assert all(len(set(one)) == 1 for one in seen)
    assert sorted(map(len, seen)) == sorted([10, 70_000, 200_000, 3] * 8)


def test_receive_and_send_as_tasks(stage, notes):
    """create_task, gather and shield of both."""

    async def app(scope, receive, send):
        notes(await asyncio.create_task(receive()))
        await asyncio.create_task(send({"type": "websocket.accept"}))
        message, _ = await asyncio.gather(receive(), send(text("a")))
        notes(payload(message))
        await asyncio.shield(send(text("b")))
        await asyncio.wait_for(send(text("c")), 5)
        notes(await asyncio.ensure_future(receive()))

    with dial(stage(app).serving.address) as peer:
        assert notes.next() == {"type": "websocket.connect"}
        assert peer.read_message() == "a"
        peer.send_text("m")
        assert notes.next() == "m"
        assert [peer.read_message(), peer.read_message()] == ["b", "c"]
        peer.reset()
        assert notes.next() == LOST


def test_anyio_listener_and_stream_in_a_task_group(stage, notes):
    """ASGI-13: the listener that sees the end cancels the stream."""

    async def app(scope, receive, send):
        await opened(receive, send)
        async with anyio.create_task_group() as group:

            async def listen():
                while (await receive())["type"] != "websocket.disconnect":
                    pass
                group.cancel_scope.cancel()

            async def stream():
                try:
                    while True:
                        await send(text("x"))
                        await anyio.lowlevel.checkpoint()
                        await pause(0.005)
                except anyio.get_cancelled_exc_class():
                    notes("cancelled")
                    raise
                except OSError:
                    notes("cancelled")

            group.start_soon(listen)
            group.start_soon(stream)
        notes("left")

    with dial(stage(app).serving.address) as peer:
        assert peer.read_message() == "x"
        peer.send_close()
        assert [notes.next(), notes.next()] == ["cancelled", "left"]


def test_anyio_scopes_around_receive(stage, notes):
    """ASGI-13."""

    async def app(scope, receive, send):
        await opened(receive, send)
        with anyio.move_on_after(0.01) as moved:
            await receive()
        notes(moved.cancelled_caught)
        notes(payload(await receive()))

    with dial(stage(app).serving.address) as peer:
        assert notes.next() is True
        peer.send_text("a")
        assert notes.next() == "a"


def test_tasks_left_behind_may_go_on_sending(stage, notes):
    """U4.4: after the end of the call their sends are refused, and harm nobody."""
    gate = Gate()
    left = []

    async def app(scope, receive, send):
        await opened(receive, send)

        async def late():
            await gate.wait()
            notes(await refused_by(send, text("late")))

        left.append(asyncio.create_task(late()))

    server = stage(app)
    with dial(server.serving.address) as peer:
        peer.expect_close(1000)
    gate.open()
    assert isinstance(notes.next(), (RuntimeError, OSError))
    assert server.errors == []


# --- Threads ---


def test_send_and_receive_from_another_thread_raise(stage, notes):
    """FLT-C25: a clear error, and the session is none the worse."""

    async def app(scope, receive, send):
        await opened(receive, send)

        def elsewhere():
            for call in (lambda: send(text("no")), receive):
                awaitable = None
                try:
                    awaitable = call()
                    awaitable.send(None)
                except BaseException as error:
                    notes(type(error))
                finally:
                    if awaitable is not None:
                        awaitable.close()

        await asyncio.get_running_loop().run_in_executor(None, elsewhere)
        await send(text("fine"))

    with dial(stage(app).serving.address) as peer:
        assert peer.read_message() == "fine"
    assert [notes.next(), notes.next()] == [RuntimeError, RuntimeError]


def test_threads_can_hand_awaitables_to_the_loop(stage):
    """run_coroutine_threadsafe(send(..), loop): called in a thread, awaited on the loop's own."""

    async def app(scope, receive, send):
        await opened(receive, send)
        loop = asyncio.get_running_loop()

        def wait(awaitable):
            return asyncio.run_coroutine_threadsafe(awaitable, loop).result(PATIENCE_SECONDS)

        def synchronous():
            wait(send(text("sync " + payload(wait(receive())))))

        await loop.run_in_executor(None, synchronous)

    with dial(stage(app).serving.address) as peer:
        peer.send_text("data")
        assert peer.read_message() == "sync data"


def test_sync_code_under_asgiref_can_talk(stage):
    """Channels' synchronous consumers do this."""

    async def app(scope, receive, send):
        def synchronous():
            async_to_sync(receive)()
            async_to_sync(send)({"type": "websocket.accept"})
            async_to_sync(send)(text("sync " + payload(async_to_sync(receive)())))

        await sync_to_async(synchronous)()

    with dial(stage(app).serving.address) as peer:
        peer.send_text("data")
        assert peer.read_message() == "sync data"
        peer.expect_close(1000)


@pytest.mark.parametrize("count", [100])
def test_many_sessions_at_once(stage, count):
    address = stage(echo).serving.address
    peers = [dial(address) for _ in range(count)]
    try:
        for index, peer in enumerate(peers):
            peer.send_text(str(index))
        assert [peer.read_message() for peer in peers] == [str(index) for index in range(count)]
    finally:
        for peer in peers:
            peer.abandon()
