"""What `receive` once got wrong: calls that were given up, and bodies that came before a FIN.

FLT-B4, FLT-B8, O6, O14. Each test is named after the fault that it keeps away.
"""

from __future__ import annotations

import asyncio
import gc
import sys

import pytest

from tests.apps import Gate, read_body
from tests.asgi.exchange import answer, pause, request

SHORT = 0.5  # seconds of the timeout under test
ROUNDS = 5000
# One object a round would be ROUNDS; what the interpreter and other threads keep is far less.
SLACK = 500


async def give_up_as_a_task(receive):
    """What `asyncio.wait_for` does."""
    waiting = asyncio.ensure_future(receive())
    await pause()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()


async def give_up_in_this_task(receive):
    """What Starlette's `is_disconnected` does: its scope cancels the task that is in it."""
    task = asyncio.current_task()
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await receive()
    if sys.version_info >= (3, 11):
        task.uncancel()


@pytest.mark.parametrize("give_up", [give_up_as_a_task, give_up_in_this_task])
@pytest.mark.parametrize("data", [None, b"0123456789"], ids=["no-body", "body-outstanding"])
def test_receive_calls_given_up_leave_nothing_while_the_request_lasts(stage, notes, give_up, data):
    """FLT-C23: each of them stayed with the exchange, woken by nobody, until its end."""

    async def app(scope, receive, send):
        if data is None:
            await receive()

        async def blocks_after(rounds):
            for _ in range(rounds):
                await give_up(receive)
            gc.collect()
            return sys.getallocatedblocks()

        before = await blocks_after(ROUNDS // 10)
        notes(await blocks_after(ROUNDS) - before)
        if data is not None:
            notes(await read_body(receive))
        await answer(send)

    peer = stage(app).connect(request(method=b"POST", data=data)[: -len(data or b"") or None])
    assert notes.next() < SLACK
    if data is not None:
        peer.send(data)
        assert notes.next() == data
    assert peer.read_response().status == 200


def test_receive_given_up_leaves_no_deadline_behind(stage_with, notes):
    """FLT-B8, O6: the application works, so the client has all the time until it waits again."""
    data = b"0123456789"

    async def app(scope, receive, send):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(receive(), 0.1)
        notes("given up")
        await pause(SHORT * 3)
        notes("receives")
        await answer(send, await read_body(receive) or b"nothing")

    stage = stage_with(app, timeout_request_body=SHORT, lifespan="off")
    peer = stage.connect(request(method=b"POST", data=data)[: -len(data)])
    assert notes.next() == "given up"
    peer.expect_quiet(SHORT * 1.5)
    peer.send(data[:5])
    assert notes.next() == "receives"
    peer.send(data[5:])
    response = peer.read_response()
    assert response.status == 200
    assert response.body == data


def test_receive_given_up_does_not_age_the_one_that_follows(stage_with, notes):
    """FLT-B8: a body that comes in the meantime is received, however late the application is."""
    data = b"0123456789"

    async def app(scope, receive, send):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(receive(), 0.1)
        notes("given up")
        await pause(SHORT * 2)
        await answer(send, await read_body(receive) or b"nothing")

    stage = stage_with(app, timeout_request_body=SHORT, lifespan="off")
    peer = stage.connect(request(method=b"POST", data=data)[: -len(data)])
    assert notes.next() == "given up"
    peer.send(data)
    response = peer.read_response()
    assert response.status == 200
    assert response.body == data


FRAMINGS = [
    pytest.param(request(method=b"POST", data=b"hello world"), id="length"),
    pytest.param(
        request("/", b"transfer-encoding: chunked", method=b"POST")
        + b"6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
        id="chunked",
    ),
]


@pytest.mark.parametrize("whole", FRAMINGS)
def test_body_that_came_before_a_half_close_is_received(stage, notes, whole):
    """FLT-B4, O14: a disconnect took the place of a body that was there whole."""
    gate = Gate()

    async def app(scope, receive, send):
        if scope["path"] == "/probe":
            await answer(send)
            return
        await gate.wait()
        await pause(0.1)  # by now the end is known, O14
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        messages.append(await receive())
        notes(messages)
        await answer(send, b"still heard")

    server = stage(app)
    peer = server.connect(whole)
    gate.expect_reached()
    peer.half_close()
    assert server.ask("/probe").status == 200
    gate.open()
    *parts, last = notes.next()
    assert [part["type"] for part in parts] == ["http.request"] * len(parts)
    assert b"".join(part["body"] for part in parts) == b"hello world"
    assert parts[-1]["more_body"] is False
    assert last == {"type": "http.disconnect"}
    assert peer.read_response().body == b"still heard"
