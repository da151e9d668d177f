"""What a WSGI application answers, on the wire: streams, failures, and clients that leave."""

from __future__ import annotations

import threading
from wsgiref.validate import validator

import pytest

from tests.asgi.exchange import request

PATIENCE = 10.0
PLAIN = [("Content-Type", "text/plain")]
LARGE = 30_000_000
LEAVING = pytest.mark.parametrize("how", ["close", "reset"])


def leave(peer, how):
    getattr(peer.socket if how == "close" else peer, how)()


@pytest.fixture
def wsgi(stage_with):
    """`wsgi(app, **options)`: a server that runs this WSGI application."""
    return lambda app, **options: stage_with(app, interface="wsgi", **options)


def answers(*blocks, status="200 OK", headers=PLAIN):
    def app(environ, start_response):
        start_response(status, list(headers))
        return list(blocks)

    return app


def test_small_answer_has_a_length(wsgi):
    """WSGI-6, O15."""
    response = wsgi(answers(b"small")).ask()
    assert response.body == b"small"
    assert response.one("content-length") == "5"
    assert response.one("transfer-encoding") is None


def test_validated_application(wsgi):
    """WSGI-5, WSGI-6: PEP 3333, as wsgiref checks it."""
    app = validator(answers(b"a", b"b"))
    # By itself it can be called without arguments, and would be taken for a factory.
    response = wsgi(lambda environ, start_response: app(environ, start_response)).ask()
    assert (response.chunks, response.one("content-type")) == ([b"a", b"b"], "text/plain")


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", "200 OK"), (b"GET", "304 Not Modified")])
def test_answer_without_a_body(wsgi, method, status):
    """ASGI-53."""
    fields = [("Content-Length", "5"), ("ETag", '"x"')]
    server = wsgi(answers(b"small", status=status, headers=fields))
    peer = server.connect(request(method=method))
    response = peer.read_response(method.decode())
    assert (response.status, response.body) == (int(status[:3]), b"")
    peer.send(request(method=method))
    assert peer.read_response(method.decode()).one("etag") == '"x"'


def test_empty_answer(wsgi):
    """WSGI-5."""
    response = wsgi(answers(status="404 Not Found")).ask()
    assert (response.status, response.one("content-length")) == (404, "0")


def test_block_is_seen_before_the_next_is_made(wsgi):
    """WSGI-6, ASGI-48."""
    seen = threading.Semaphore(0)

    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        for number in range(5):
            yield b"%d" % number
            assert seen.acquire(timeout=PATIENCE)

    peer = wsgi(app).connect(request())
    peer.read_head()
    for number in range(5):
        assert peer.read_chunk() == b"%d" % number
        seen.release()
    assert peer.read_chunk() == b""


def test_written_block_is_seen_before_the_call_returns_its_result(wsgi):
    """WSGI-6."""
    seen = threading.Event()

    def app(environ, start_response):
        write = start_response("200 OK", list(PLAIN))
        write(b"written")
        assert seen.wait(PATIENCE)
        return [b"returned"]

    peer = wsgi(app).connect(request())
    peer.read_head()
    assert peer.read_chunk() == b"written"
    seen.set()
    assert peer.read_chunk() == b"returned"
    assert peer.read_chunk() == b""


def test_large_stream_is_complete(wsgi):
    """WSGI-6, WSGI-7."""
    blocks = [bytes([number % 251]) * (number * 97 % 20_000) for number in range(500)]
    app = answers(*blocks)
    assert wsgi(lambda *args: iter(app(*args))).ask().body == b"".join(blocks)


def test_echo_reads_while_it_answers(wsgi):
    """WSGI-4, WSGI-6: both bodies are under way."""

    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        for line in environ["wsgi.input"]:
            yield line.upper()

    peer = wsgi(app).connect(b"POST / HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n")
    peer.send(b"4\r\none\n\r\n")
    peer.read_head()
    assert peer.read_chunk() == b"ONE\n"
    peer.send(b"4\r\ntwo\n\r\n")
    assert peer.read_chunk() == b"TWO\n"
    peer.send(b"0\r\n\r\n")
    assert peer.read_chunk() == b""


class Stream:
    """An endless WSGI answer."""

    def __init__(self, size=10_000):
        self.is_going = threading.Event()
        self.is_closed = threading.Event()
        self._made = 0
        self._is_large = threading.Event()
        self._block = b"x" * size

    def __call__(self, environ, start_response):
        start_response("200 OK", list(PLAIN))
        return self

    def __iter__(self):
        while True:
            self._made += len(self._block)
            if self._made > LARGE:
                self._is_large.set()
            self.is_going.set()
            yield self._block

    def close(self):
        self.is_closed.set()

    def becomes_large(self, seconds):
        """Whether it makes more within so long than anybody should hold."""
        return self._is_large.wait(seconds)


def test_slow_reader_holds_the_application_back(wsgi):
    """WSGI-7: then it leaves, and the answer is over (WSGI-8, WSGI-10)."""
    stream = Stream()
    server = wsgi(stream)
    peer = server.connect(request(), SO_RCVBUF=65536)
    assert stream.is_going.wait(PATIENCE)
    # Nobody reads: whatever it makes, two kernels and the server hold little of it.
    assert not stream.becomes_large(0.5)
    peer.reset()
    assert stream.is_closed.wait(PATIENCE)
    assert server.errors == []


@LEAVING
def test_leaving_client_ends_a_stream(wsgi, how):
    """WSGI-8, WSGI-10."""
    stream = Stream()
    server = wsgi(stream)
    peer = server.connect(request())
    peer.read_head()
    peer.read_chunk()
    leave(peer, how)
    assert stream.is_closed.wait(PATIENCE)
    assert server.errors == []


@LEAVING
def test_leaving_client_ends_a_slow_stream(wsgi, how):
    """WSGI-8, WSGI-10: one that has nothing to wait for but itself."""
    go_on = threading.Semaphore(0)

    class Slow(Stream):
        def __iter__(self):
            for block in super().__iter__():
                yield block
                assert go_on.acquire(timeout=PATIENCE)

    stream = Slow(size=10)
    server = wsgi(stream)
    peer = server.connect(request())
    peer.read_head()
    peer.read_chunk()
    leave(peer, how)
    # Each time one more block, for as long as somebody may not have noticed.
    assert any(go_on.release() or stream.is_closed.wait(0.01) for _ in range(1000))
    assert server.errors == []


def test_half_closed_client_gets_a_whole_answer(wsgi):
    """WSGI-10, O14."""
    release = threading.Event()

    def app(environ, start_response):
        environ["wsgi.input"].read()
        assert release.wait(PATIENCE)
        start_response("200 OK", list(PLAIN))
        yield b"whole"

    peer = wsgi(app).connect(request(method=b"POST", data=b"x"))
    peer.half_close()
    release.set()
    assert peer.read_response().body == b"whole"


def fails():
    raise LookupError("application's own")


def test_exception_before_the_head(wsgi):
    """WSGI-9, ASGI-8: a 500, and the traceback leads into the application."""
    server = wsgi(lambda environ, start_response: fails())
    assert server.ask().status == 500
    record = server.logs.wait("Exception in ASGI application")
    trace = record.exc_info[2]
    while trace.tb_next is not None:
        trace = trace.tb_next
    assert trace.tb_frame.f_code is fails.__code__


def test_exception_after_the_head(wsgi):
    """WSGI-9, ASGI-8: a cut, never an end."""

    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        yield b"half"
        fails()

    server = wsgi(app)
    assert server.connect(request()).read_cut_response().body == b"half"
    server.logs.wait("Exception in ASGI application")


def test_error_page_replaces_the_head(wsgi):
    """WSGI-5."""

    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        try:
            fails()
        except LookupError as exc:
            start_response("503 Later", list(PLAIN), (type(exc), exc, exc.__traceback__))
        return [b"sorry"]

    server = wsgi(app)
    response = server.ask()
    assert (response.status, response.phrase, response.body) == (
        503,
        "Service Unavailable",
        b"sorry",
    )
    assert server.errors == []


def test_field_that_the_server_refuses(wsgi):
    """WSGI-9, O9."""
    server = wsgi(answers(b"x", headers=[("X", "a\r\nForged: b")]))
    assert server.ask().status == 500
    server.logs.wait("Exception in ASGI application")


def test_body_that_is_too_long(wsgi):
    """WSGI-9, O32."""
    server = wsgi(answers(b"too", b" long", headers=[("Content-Length", "3")]))
    response = server.connect(request()).read_head()
    assert response.one("content-length") == "3"
    server.logs.wait("Exception in ASGI application")
