"""wsgi/response_queue.py: messages from a thread to the loop, in order and bounded."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rsgi_bridge.wsgi.request_body import Abandoned, ClientLeft
from rsgi_bridge.wsgi.response_queue import HIGH_WATER, ResponseQueue

PATIENCE = 10.0


def body(size):
    return {"type": "http.response.body", "body": b"x" * size}


def run(main):
    return asyncio.run(asyncio.wait_for(main, PATIENCE))


def thread(function, *arguments):
    return asyncio.ensure_future(asyncio.to_thread(function, *arguments))


def test_messages_come_in_order_and_then_the_end():
    async def main():
        queue = ResponseQueue()
        messages = [body(size) for size in range(1000)]

        def fill():
            for message in messages:
                queue.put(message)
            assert queue.finish()

        filling = thread(fill)
        taken, finished = [], False
        while not finished:
            batch, finished = await queue.take()
            taken += batch
        await filling
        assert taken == messages

    run(main())


def test_messages_put_together_are_taken_together():
    """A head and its body leave in one write."""

    async def main():
        queue = ResponseQueue()
        head = {"type": "http.response.start"}
        await thread(queue.put, head, body(1))
        assert await queue.take() == ([head, body(1)], False)

    run(main())


def test_end_without_a_message():
    async def main():
        queue = ResponseQueue()
        assert await thread(queue.finish)
        assert await queue.take() == ([], True)

    run(main())


def test_room_is_a_matter_of_bytes():
    # WSGI-7
    async def main():
        queue = ResponseQueue()
        queue.put(body(HIGH_WATER - 1))
        await thread(queue.wait_for_room)
        queue.put(body(1))
        waiting = thread(queue.wait_for_room)
        (first, second), _ = await queue.take()
        assert not waiting.done()
        queue.sent(first)
        await waiting
        queue.sent(second)

    run(main())


def test_taken_is_not_sent():
    # WSGI-7: what a send still waits with counts as well.
    async def main():
        queue = ResponseQueue()
        queue.put(body(HIGH_WATER))
        await queue.take()
        entered = threading.Event()

        def wait():
            entered.set()
            queue.wait_for_room()

        waiting = thread(wait)
        await asyncio.to_thread(entered.wait, PATIENCE)
        assert not waiting.done()
        queue.sent(body(HIGH_WATER))
        await waiting

    run(main())


def test_final_message_needs_no_room():
    # A thread is free as soon as it has nothing more to make.
    async def main():
        queue = ResponseQueue()
        queue.put(body(HIGH_WATER))
        queue.put(body(0))
        assert queue.finish()

    run(main())


@pytest.mark.parametrize("size", [0, HIGH_WATER])
def test_stop_is_raised_where_more_is_made(size):
    # WSGI-10
    async def main():
        queue = ResponseQueue()
        queue.put(body(size))
        queue.stop(ClientLeft("left"))
        with pytest.raises(ClientLeft, match="left"):
            await thread(queue.wait_for_room)
        # The first reason stays.
        queue.stop(LookupError())
        with pytest.raises(ClientLeft):
            await thread(queue.wait_for_room)
        # Somebody is there all the same: what is final still goes out.
        assert queue.finish()

    run(main())


def test_stop_wakes_who_waits_for_room():
    # WSGI-10
    async def main():
        queue = ResponseQueue()
        queue.put(body(HIGH_WATER))
        waiting = thread(queue.wait_for_room)
        queue.stop(ClientLeft("left"))
        with pytest.raises(ClientLeft):
            await waiting

    run(main())


def test_abandoned_queue_says_that_nobody_listens():
    # WSGI-11
    async def main():
        queue = ResponseQueue()
        assert not queue.is_abandoned
        queue.abandon()
        assert queue.is_abandoned
        with pytest.raises(Abandoned):
            await thread(queue.wait_for_room)
        assert not queue.finish()

    run(main())


def test_closed_loop_abandons_the_queue():
    # WSGI-11
    async def make():
        return ResponseQueue()

    queue = asyncio.run(make())
    queue.put(body(1))
    with pytest.raises(Abandoned):
        queue.wait_for_room()
    assert not queue.finish()
