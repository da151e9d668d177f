"""When messages reach the application: at once, in the same turn, and never lost.

ASGI-5, ASGI-12, FLT-C10, FLT-C22, the design's rules on awaitables.
"""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from tests.apps import Gate
from tests.asgi.exchange import pause
from tests.clients.websocket import dial
from tests.clients.websocket_frames import TEXT, frame
from tests.websocket_apps import LOST, close, opened, payload, received, text
from tests.websocket_apps import shared_server as shared_server


class Ticks:
    """Counts the iterations of the running loop."""

    def __init__(self):
        self.count = 0
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_soon(self._tick)

    def _tick(self):
        self.count += 1
        self._handle = self._loop.call_soon(self._tick)

    def stop(self):
        self._handle.cancel()


def burst(count):
    return b"".join(frame(TEXT, b"%d" % index) for index in range(count))


def test_messages_of_one_read_take_no_iteration_each(stage, notes):
    """The application is busy elsewhere while they come."""
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()
        ticks = Ticks()
        messages = [payload(await receive()) for _ in range(20)]
        ticks.stop()
        notes((messages, ticks.count))

    with dial(stage(app).serving.address) as peer:
        gate.expect_reached()
        peer.send(burst(20) + frame(9, b"seen"))
        assert peer.read_pong() == b"seen"
        gate.open()
        messages, iterations = notes.next()
    assert messages == [str(index) for index in range(20)]
    assert iterations == 0


def test_messages_behind_the_one_that_was_waited_for(stage, notes):
    """The first resumes the application, which then finds the others."""

    async def app(scope, receive, send):
        await opened(receive, send)
        notes("waits")
        messages = [payload(await receive())]
        ticks = Ticks()
        messages += [payload(await receive()) for _ in range(19)]
        ticks.stop()
        notes((messages, ticks.count))

    with dial(stage(app).serving.address) as peer:
        assert notes.next() == "waits"
        peer.send(burst(20))
        messages, iterations = notes.next()
    assert messages == [str(index) for index in range(20)]
    assert iterations == 0


def test_waiting_receive_is_resumed_in_the_turn_that_reads(stage, notes):
    """Not one iteration later, as a future would be.

    While the loop is held up, the message comes, and a chain of callbacks begins. Its first is
    ready together with the socket; its second is ready with what the turn asks to be called soon.
    """
    held, sent = threading.Event(), threading.Event()
    order = []

    async def app(scope, receive, send):
        loop = asyncio.get_running_loop()

        def hold():
            held.set()
            sent.wait(10)
            loop.call_soon(first)

        def first():
            order.append("first")
            loop.call_soon(second)

        def second():
            order.append("second")

        await opened(receive, send)
        # Later than this step, so that `receive` waits by then.
        loop.call_later(0.01, hold)
        await receive()
        order.append("resumed")
        await pause(0.01)
        notes(list(order))

    with dial(stage(app).serving.address) as peer:
        assert held.wait(10)
        peer.send_text("a")
        sent.set()
        assert sorted(notes.next()) == ["first", "resumed", "second"]
    assert order.index("resumed") < order.index("second")


def test_send_with_room_takes_no_iteration(stage, notes):
    """`send` does not suspend: not on its own, not as the last of a session."""

    async def app(scope, receive, send):
        await opened(receive, send)
        ticks = Ticks()
        for index in range(50):
            await send(text(str(index)))
        await send(close())
        ticks.stop()
        notes(ticks.count)

    with dial(stage(app).serving.address) as peer:
        assert [peer.read_message() for _ in range(50)] == [str(index) for index in range(50)]
        peer.expect_close(1000)
    assert notes.next() == 0


def test_message_is_on_its_way_when_send_returns(stage):
    """ASGI-48: while the application holds the loop."""
    seen = threading.Event()

    async def app(scope, receive, send):
        await opened(receive, send)
        await pause()
        await send(text("now"))
        seen.wait(10)

    with dial(stage(app).serving.address) as peer:
        assert peer.read_message() == "now"
        seen.set()
        peer.expect_close(1000)


# --- Cancelled and repeated receives ---


async def timed_out(awaitable, seconds=0.02):
    try:
        await asyncio.wait_for(awaitable, seconds)
    except asyncio.TimeoutError:
        return True
    return False


def test_wait_for_gives_up_and_the_next_receive_gets_the_message(stage, notes):
    async def app(scope, receive, send):
        await opened(receive, send)
        notes([await timed_out(receive()) for _ in range(3)])
        notes(await receive())

    with dial(stage(app).serving.address) as peer:
        assert notes.next() == [True] * 3
        peer.send_text("data")
        assert notes.next() == received("data")


def test_wait_for_of_a_message_that_is_there(stage, notes):
    async def app(scope, receive, send):
        notes(await asyncio.wait_for(receive(), 5))
        await send({"type": "websocket.accept"})
        for _ in range(3):
            notes(payload(await asyncio.wait_for(receive(), 5)))

    with dial(stage(app).serving.address) as peer:
        peer.send(burst(3))
        assert notes.next() == {"type": "websocket.connect"}
        assert [notes.next() for _ in range(3)] == ["0", "1", "2"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with 3.11")
def test_asyncio_timeout_around_receive(stage, notes):
    async def app(scope, receive, send):
        await opened(receive, send)
        try:
            async with asyncio.timeout(0.02):
                await receive()
        except TimeoutError:
            notes(asyncio.current_task().cancelling())
        notes(payload(await receive()))

    with dial(stage(app).serving.address) as peer:
        assert notes.next() == 0
        peer.send_text("a")
        assert notes.next() == "a"


def test_no_message_is_lost_between_timeouts_and_arrivals(stage, notes):
    """Cancellations and arrivals race for many rounds; each message is seen once, in order."""

    async def app(scope, receive, send):
        await opened(receive, send)
        seen = []
        while len(seen) < 300:
            try:
                seen.append(int(payload(await asyncio.wait_for(receive(), 0.0005))))
            except asyncio.TimeoutError:
                continue
        notes(seen)

    with dial(stage(app).serving.address) as peer:
        for index in range(300):
            peer.send_text(str(index))
        assert notes.next() == list(range(300))


def test_cancel_in_the_same_iteration_as_the_message_loses_nothing(stage, notes):
    """The waiter is woken by a message, then cancelled before it runs."""

    async def app(scope, receive, send):
        await opened(receive, send)
        notes("waiting")
        seen = []
        while len(seen) < 200:
            waiting = asyncio.create_task(receive())
            await pause()
            waiting.cancel()
            try:
                message = await waiting
            except asyncio.CancelledError:
                message = await receive()
            seen.append(int(payload(message)))
        notes(seen)

    with dial(stage(app).serving.address) as peer:
        assert notes.next() == "waiting"
        for index in range(200):
            peer.send_text(str(index))
        assert notes.next() == list(range(200))


def test_unused_receive_takes_nothing(stage, notes):
    """A call that nobody awaits has no message of its own."""

    async def app(scope, receive, send):
        await opened(receive, send)
        for _ in range(3):
            receive().close()
        first = payload(await receive())
        receive().close()
        notes((first, payload(await receive())))

    with dial(stage(app).serving.address) as peer:
        peer.send(burst(2))
        assert notes.next() == ("0", "1")


def test_receive_after_the_end_never_waits(stage, notes):
    """uvicorn's third call hangs; ours gives the same end again, at once."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await receive()
        ticks = Ticks()
        ends = [await receive() for _ in range(10)]
        ticks.stop()
        notes((ends, ticks.count))

    with dial(stage(app).serving.address) as peer:
        peer.reset()
        assert notes.next() == ([LOST] * 10, 0)


def test_receive_before_the_accept_waits_for_the_end(stage, notes):
    """ASGI-73: a second call gets no message before the session is open."""

    async def app(scope, receive, send):
        await receive()
        notes(await timed_out(receive(), 0.05))
        await send({"type": "websocket.accept"})
        notes(payload(await receive()))

    with dial(stage(app).serving.address) as peer:
        peer.send_text("a")
        assert notes.next() is True
        assert notes.next() == "a"
