"""wsgi/exchange.py: the rules of PEP 3333, with a stand-in for the server."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from wsgiref.validate import validator

import pytest

from rsgi_bridge.wsgi.exchange import Exchange
from rsgi_bridge.wsgi.threads import Threads
from tests.unit.test_environ import scope_of

PLAIN = [("Content-Type", "text/plain")]


@pytest.fixture
def threads():
    pool = Threads(1, "test")
    yield pool
    pool.close()


@pytest.fixture
def call(threads):
    """`call(app, ...)`: what an application sends for one request; raises what it raised."""

    def play(app, *messages, fails_at=None, **scope):
        sent = []

        async def main():
            incoming = asyncio.Queue()
            for message in messages or [{"type": "http.request"}]:
                incoming.put_nowait(message)

            async def send(message):
                if fails_at is not None and len(sent) == fails_at:
                    raise LookupError("in send")
                sent.append(message)

            exchange = Exchange(app, scope_of(**scope), incoming.get)
            await exchange.run(threads, send)

        asyncio.run(main())
        return sent

    return play


def start(status=200, headers=((b"content-type", b"text/plain"),)):
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data=b"", more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


def answers(blocks, status="200 OK", headers=PLAIN):
    """A WSGI application that answers with these blocks."""

    def app(environ, start_response):
        start_response(status, list(headers))
        return blocks

    return app


@pytest.mark.parametrize("blocks", [[b"all"], (b"all",)])
def test_only_block_is_final(call, blocks):
    # WSGI-6, O15
    assert call(validator(answers(blocks)))[-1] == body()  # a validator is no list
    assert call(answers(blocks)) == [start(), body(b"all")]


@pytest.mark.parametrize("blocks", [[], [b""], iter([]), iter([b"", b""])])
def test_no_block_is_an_empty_body(call, blocks):
    # WSGI-5: then the head leaves at the end.
    assert call(answers(blocks)) == [start(), body()]


@pytest.mark.parametrize("kind", [list, iter])
def test_each_block_is_a_message(call, kind):
    # WSGI-6, ASGI-121: an empty one says nothing.
    blocks = kind([b"a", b"", b"b"])
    assert call(answers(blocks)) == [start(), body(b"a", more=True), body(b"b", more=True), body()]


def test_written_blocks_come_first(call):
    # WSGI-6
    def app(environ, start_response):
        write = start_response("200 OK", list(PLAIN))
        write(b"a")
        write(b"")
        return [b"b"]

    assert call(app) == [start(), body(b"a", more=True), body(b"b", more=False)]


def test_status_and_fields(call):
    # ASGI-121: names in lower case, order and repetitions kept, any latin-1.
    fields = [("Set-Cookie", "a=1"), ("X-Text", "caf\xe9"), ("Set-Cookie", "b=2")]
    (head, _) = call(answers([b"x"], "418 I'm a teapot", fields))
    assert head == start(
        418, [(b"set-cookie", b"a=1"), (b"x-text", b"caf\xe9"), (b"set-cookie", b"b=2")]
    )


def test_status_needs_no_phrase(call):
    assert call(answers([b"x"], "204"))[0]["status"] == 204


@pytest.mark.parametrize("status", ["", "OK", "20 OK", "2000 OK", "200OK", "-20 OK", "²00 OK"])
def test_malformed_status_is_raised(call, status):
    # WSGI-9
    with pytest.raises(ValueError, match="WSGI status"):
        call(answers([b"x"], status))


@pytest.mark.parametrize("fields", [[("X", "\u20ac")], [("X", 5)], [(b"x", b"y")], [("X",)]])
def test_malformed_field_is_raised(call, fields):
    # WSGI-9: in start_response, where the application can see which one it was.
    with pytest.raises((UnicodeEncodeError, AttributeError, ValueError)):
        call(answers([b"x"], headers=fields))


@pytest.mark.parametrize("block", ["text", "", 5, None, bytearray(b"x")])
def test_block_that_is_no_bytes_is_raised(call, block):
    # WSGI-9: a bytearray could be changed while it waits to be sent.
    with pytest.raises(TypeError, match="answers with bytes, not"):
        call(answers([block]))


@pytest.mark.parametrize("blocks", [None, 5])
def test_result_that_is_no_iterable_is_raised(call, blocks):
    with pytest.raises(TypeError):
        call(answers(blocks))


@pytest.mark.parametrize("blocks", [[], [b"x"], iter([b"x"])])
def test_answer_without_a_head_is_raised(call, blocks):
    # WSGI-5
    with pytest.raises(RuntimeError, match="did not call start_response"):
        call(lambda environ, start_response: blocks)


def test_head_may_come_as_late_as_the_first_block(call):
    # WSGI-5: PEP 3333 lets a generator call start_response.
    def app(environ, start_response):
        yield b""
        start_response("200 OK", list(PLAIN))
        yield b"x"

    assert call(app) == [start(), body(b"x", more=True), body()]


def test_second_head_is_raised(call):
    # WSGI-5
    def app(environ, start_response):
        start_response("200 OK", [])
        start_response("200 OK", [])

    with pytest.raises(RuntimeError, match="a second time"):
        call(app)


def with_error_page(written=b""):
    def app(environ, start_response):
        write = start_response("200 OK", list(PLAIN))
        if written:
            write(written)
        try:
            raise LookupError("first")
        except LookupError as exc:
            start_response("500 Oops", list(PLAIN), (type(exc), exc, exc.__traceback__))
        return [b"sorry"]

    return app


def test_head_is_replaced_before_it_has_left(call):
    # WSGI-5, ASGI-121
    assert call(with_error_page()) == [start(500), body(b"sorry")]


def test_head_that_has_left_is_not_replaced(call):
    # WSGI-5, ASGI-121: the application's own exception comes back to it.
    with pytest.raises(LookupError, match="first"):
        call(with_error_page(written=b"half"))


def test_first_head_may_have_exc_info(call):
    # WSGI-5: an error page is often made by somebody who cannot know.
    def app(environ, start_response):
        start_response("500 Oops", list(PLAIN), (LookupError, LookupError(), None))
        return [b"sorry"]

    assert call(app) == [start(500), body(b"sorry")]


@pytest.mark.parametrize("error", [LookupError, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("blocks", [0, 1])
def test_exception_is_raised_with_its_traceback(call, error, blocks):
    # WSGI-9
    def fails_here():
        raise error("application's own")

    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        for _ in range(blocks):
            yield b"x"
        fails_here()

    with pytest.raises(error, match="application's own") as caught:
        call(app)
    assert "fails_here" in [entry.name for entry in caught.traceback]


class Blocks:
    """An iterable that notes in which thread it was closed."""

    def __init__(self, *blocks):
        self.closed = []
        self._blocks = iter(blocks)

    def __iter__(self):
        return self

    def __next__(self):
        block = next(self._blocks)
        if isinstance(block, Exception):
            raise block
        return block

    def close(self):
        self.closed.append(threading.current_thread().name)


def test_close_is_called_at_the_end(call):
    # WSGI-8
    blocks = Blocks(b"x")
    assert call(answers(blocks))[-1] == body()
    assert blocks.closed == ["test-1"]


@pytest.mark.parametrize("block", [LookupError("in a block"), "text"])
def test_close_is_called_after_an_exception(call, block):
    # WSGI-8
    blocks = Blocks(b"x", block)
    with pytest.raises((LookupError, TypeError)):
        call(answers(blocks))
    assert len(blocks.closed) == 1


def test_exception_of_close_is_raised(call):
    # WSGI-8, WSGI-9
    class Failing(Blocks):
        def close(self):
            raise LookupError("in close")

    with pytest.raises(LookupError, match="in close"):
        call(answers(Failing(b"x")))


def test_error_of_send_is_raised_at_once_and_tells_the_thread(call, caplog):
    # WSGI-9: the server refuses a message; nobody waits for the application to find out.
    blocks = Blocks(*[b"x"] * 1000)
    with pytest.raises(LookupError, match="in send"):
        call(answers(blocks), fails_at=1)
    assert [record for record in caplog.records if record.name == "uvicorn.error"] == []


@pytest.mark.parametrize("count", [1, 2])
def test_client_that_left_is_no_error_of_the_application(call, count):
    # WSGI-10
    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        for _ in range(count):
            environ["wsgi.input"].read()

    assert call(app, {"type": "http.disconnect"}) == []


def test_whole_answer_goes_out_though_the_client_left(call):
    # WSGI-10, O14: it may have closed its sending side alone.
    def app(environ, start_response):
        with pytest.raises(OSError, match="has left"):
            environ["wsgi.input"].read()
        start_response("400 Bad Request", list(PLAIN))
        yield b"incomplete"

    sent = call(app, {"type": "http.disconnect"})
    assert sent == [start(400), body(b"incomplete", more=True), body()]


def test_stream_ends_when_the_client_leaves(call):
    # WSGI-8, WSGI-10
    def endless():
        while True:
            yield b"x" * 1000

    blocks = Blocks()
    blocks._blocks = endless()
    sent = call(answers(blocks), {"type": "http.request"}, {"type": "http.disconnect"})
    assert sent[0] == start()
    assert len(blocks.closed) == 1


def test_thread_sees_the_context_of_the_request(call):
    # WSGI-11
    name = contextvars.ContextVar("name", default="none")
    name.set("request's")
    seen = []

    def app(environ, start_response):
        seen.append(name.get())
        name.set("thread's")
        return answers([b"x"])(environ, start_response)

    call(app)
    assert seen == ["request's"]
    assert name.get() == "request's"
