"""The future that a waiting `receive` yields to its task, used by hand: no callback is ever lost.

ASGI-12.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.asgi.exchange import answer, request


class Callback:
    """A callable whose comparison with others does as it is told."""

    def __init__(self, compare):
        self.compare = compare

    def __call__(self, future):
        """Hears of the end, and has nothing to do."""

    def __eq__(self, other):
        return self.compare(other)

    __hash__ = None


async def waiting_future(receive):
    """What a `receive` that has to wait would hand to a task."""
    await receive()
    waiting = receive().__await__()
    return waiting, next(waiting)


def plays(notes, act):
    """Lets `act(future, called)` at the future, then notes who is called when the client leaves."""

    async def app(scope, receive, send):
        if scope["path"] != "/":
            await answer(send)
            return
        waiting, future = await waiting_future(receive)
        called, is_over = [], asyncio.Event()
        future.add_done_callback(lambda _: called.append("first"))
        act(future, called)
        future.add_done_callback(lambda _: is_over.set())
        notes("at it")
        await is_over.wait()
        waiting.close()
        notes(called)

    return app


def leave(stage, app, notes):
    with stage(app).connect(request()):
        assert notes.next() == "at it"
    return notes.next()


def test_comparison_that_fails_loses_no_callback(stage, notes):
    def fail(other):
        raise ArithmeticError("on purpose")

    def act(future, called):
        future.add_done_callback(Callback(fail))
        future.add_done_callback(lambda _: called.append("last"))
        with pytest.raises(ArithmeticError, match="on purpose"):
            future.remove_done_callback(print)

    assert leave(stage, plays(notes, act), notes) == ["first", "last"]


def test_comparison_may_use_the_future(stage, notes):
    def act(future, called):
        def add(other):
            future.add_done_callback(lambda _: called.append("added meanwhile"))
            return False

        future.add_done_callback(Callback(add))
        assert future.remove_done_callback(print) == 0

    assert leave(stage, plays(notes, act), notes) == ["first", "added meanwhile"]


def test_every_equal_callback_is_removed(stage, notes):
    def act(future, called):
        for _ in range(2):
            future.add_done_callback(called.append)
        assert future.remove_done_callback(called.append) == 2
        assert future.remove_done_callback(called.append) == 0

    assert leave(stage, plays(notes, act), notes) == ["first"]
