"""`send` and `receive` used from the wrong thread, at the wrong time, or too often at once.

ASGI-5, ASGI-9, FLT-C9, FLT-C25, design rule "threads": a clear error or a harmless answer, never a
crash, a hang or a byte in another response.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import answer, request

DISCONNECT = {"type": "http.disconnect"}


def in_thread(function):
    """What a function raises or returns in another thread."""
    outcome = []

    def run():
        try:
            outcome.append(function())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome[0]


def step(awaitable):
    """Take the first step of an awaitable by hand; close it afterwards."""
    try:
        return awaitable.__await__().send(None)
    finally:
        if hasattr(awaitable, "close"):
            awaitable.close()


@pytest.mark.parametrize("name", ["receive", "send"])
@pytest.mark.parametrize("how", ["by hand", "asyncio.run"])
def test_call_from_another_thread_raises_runtime_error(stage, notes, name, how):
    """FLT-C25: and the request is answered as if nothing had been."""

    async def app(scope, receive, send):
        def call():
            return receive() if name == "receive" else send(start(404))

        async def main():
            await call()

        notes(
            in_thread((lambda: step(call())) if how == "by hand" else lambda: asyncio.run(main()))
        )
        await receive()
        await answer(send, b"fine")

    response = stage(app).ask()
    assert (response.status, response.body) == (200, b"fine")
    assert isinstance(notes.next(), RuntimeError)


@pytest.mark.parametrize("name", ["receive", "send"])
def test_awaitable_stepped_in_another_thread_raises_runtime_error(stage, notes, name):
    """FLT-C25: made on the loop's thread, awaited elsewhere."""

    async def app(scope, receive, send):
        awaitable = receive() if name == "receive" else send(start(404))
        error = in_thread(lambda: step(awaitable))
        notes(error)
        await answer(send, b"fine")

    response = stage(app).ask()
    # A `send` may have done its work when it was called: then there is nothing left to misuse.
    assert response.status == 200 or name == "send"
    assert isinstance(notes.next(), (RuntimeError, StopIteration))


def test_objects_dropped_in_another_thread_do_no_harm(stage, notes):
    """FLT-C25: the garbage collector runs wherever it likes."""
    kept = []

    async def app(scope, receive, send):
        await receive()
        kept.append(
            [scope, receive, send, asyncio.ensure_future(receive()), asyncio.current_task()]
        )
        await answer(send)

    server = stage(app)
    peer = server.connect()
    for _ in range(20):
        peer.send(request())
        assert peer.read_response().status == 200
        in_thread(kept.clear)
    assert server.errors == []


def test_send_kept_after_the_request_ended_touches_no_other(stage, notes):
    """FLT-C9: the next request of the connection has a `send` of its own."""
    kept = []

    async def app(scope, receive, send):
        kept.append(send)
        if len(kept) == 2:
            for message in (start(404), body(b"stolen"), body(b"stolen", more=True)):
                try:
                    notes(await kept[0](message))
                except RuntimeError as error:
                    notes(str(error))
        await answer(send, b"mine")

    peer = stage(app).connect()
    for _ in range(2):
        peer.send(request())
        response = peer.read_response()
        assert (response.status, response.body) == (200, b"mine")
    said = notes.rest()
    expected = "Unexpected ASGI message '{}' sent, after response already completed."
    body_refused = expected.format("http.response.body")
    assert said == [expected.format("http.response.start"), body_refused, body_refused]


def test_receive_kept_after_the_request_ended_is_a_disconnect(stage, notes):
    """ASGI-52: it takes nothing from the next request of the connection."""
    kept = []

    async def app(scope, receive, send):
        kept.append(receive)
        if len(kept) == 2:
            notes(await kept[0]())
        notes(await receive())
        await answer(send)

    peer = stage(app).connect()
    for data in (b"one", b"two"):
        peer.send(request(method=b"POST", data=data))
        assert peer.read_response().status == 200
    assert notes.next()["body"] == b"one"
    assert notes.next() == DISCONNECT
    assert notes.next()["body"] == b"two"


def test_kept_objects_outlive_the_connection(stage, notes):
    """ASGI-9: used by a background task long after the client has gone."""
    gate = Gate()
    background = []

    async def later(receive, send):
        await gate.wait()
        notes(await receive())
        for message in (start(), body(b"x")):
            try:
                notes(await send(message))
            except RuntimeError as error:
                notes(type(error))

    async def app(scope, receive, send):
        if scope["path"] == "/first":
            background.append(asyncio.create_task(later(receive, send)))
        await answer(send)

    server = stage(app)
    assert server.ask("/first").status == 200
    assert server.ask("/second").status == 200
    gate.open()
    assert notes.next() == DISCONNECT
    assert notes.next() in (None, RuntimeError)
    assert notes.next() in (None, RuntimeError)


def test_unawaited_send_and_receive_do_no_harm(stage, notes):
    """ASGI-5: a forgotten await costs the application its message, nobody else anything."""

    async def app(scope, receive, send):
        for awaitable in (receive(), send(start(404)), receive()):
            awaitable.close()
        notes((await receive())["body"])
        await answer(send, b"fine")

    response = stage(app).ask(method=b"POST", data=b"data")
    assert response.status in (200, 500)
    assert notes.next() == b"data"


def test_receive_made_first_and_awaited_later(stage, notes):
    """Data is taken when the awaitable is stepped, not when it is made."""

    async def app(scope, receive, send):
        kept = receive()
        notes((await receive())["body"])
        notes((await kept)["body"])
        await answer(send)

    peer = stage(app).connect(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 6\r\n\r\none")
    assert notes.next() == b"one"
    peer.send(b"two")
    assert notes.next() == b"two"
    assert peer.read_response().status == 200


def test_two_waiting_receives_both_end(stage, notes):
    """A second one at the same time gets the disconnect too, or a clear error; it never hangs."""

    async def app(scope, receive, send):
        await receive()
        tasks = [asyncio.create_task(receive()) for _ in range(3)]
        notes("waiting")
        notes(await asyncio.gather(*tasks, return_exceptions=True))

    peer = stage(app).connect(request())
    assert notes.next() == "waiting"
    peer.reset()
    outcomes = notes.next()
    assert DISCONNECT in outcomes
    assert all(one == DISCONNECT or isinstance(one, RuntimeError) for one in outcomes)


def test_two_receives_share_a_body_without_loss(stage, notes):
    """Each piece goes to exactly one of them."""

    async def app(scope, receive, send):
        pieces = []

        async def drain():
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                pieces.append(message["body"])
                if not message["more_body"]:
                    done.set_result(None)
                    return

        done = asyncio.get_running_loop().create_future()
        readers = [asyncio.create_task(drain()) for _ in range(2)]
        await done
        notes(sorted(b"".join(pieces)))
        await answer(send)
        await asyncio.gather(*readers, return_exceptions=True)

    peer = stage(app).connect(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n\r\n")
    for octet in range(100):
        peer.send(bytes([octet]))
    assert notes.next() == list(range(100))
    assert peer.read_response().status == 200


def test_concurrent_sends_keep_their_order(stage):
    """Also while the client is slow and they wait for room."""
    pieces = [bytes([65 + index]) * 300_000 for index in range(12)]

    async def app(scope, receive, send):
        await send(start())
        await asyncio.gather(*(send(body(piece, more=True)) for piece in pieces))
        await send(body())

    response = stage(app).connect(request(), SO_RCVBUF=65536).read_response()
    assert response.body == b"".join(pieces)


def test_whole_response_in_one_gather(stage):
    """Steps are taken in the order of the arguments."""

    async def app(scope, receive, send):
        await asyncio.gather(send(start()), send(body(b"a", more=True)), send(body(b"b")))

    assert stage(app).ask().body == b"ab"


def test_send_inside_receive_callbacks_is_allowed(stage, notes):
    """Re-entry: a callback of one awaitable uses the other."""

    async def app(scope, receive, send):
        await receive()
        listener = asyncio.ensure_future(receive())
        listener.add_done_callback(lambda done: notes(done.result()))
        await answer(send, b"ok")
        await listener

    assert stage(app).ask().body == b"ok"
    assert notes.next() == DISCONNECT
