"""What a WSGI application sees of a request: its environ and its body, over a real connection."""

from __future__ import annotations

import contextvars
import threading
from wsgiref.validate import validator

import pytest

from tests.asgi.exchange import request

PATIENCE = 10.0
HEAD = b"POST / HTTP/1.1\r\nhost: t\r\n"


def answering(function, notes):
    """A WSGI application that notes `function(environ)` and answers `ok`."""

    @validator
    def app(environ, start_response):
        notes(function(environ))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    # A validator takes any number of arguments, and what can be called with none is a factory.
    return lambda environ, start_response: app(environ, start_response)


@pytest.fixture
def wsgi(stage_with):
    """`wsgi(app, **options)`: a server that runs this WSGI application."""
    return lambda app, **options: stage_with(app, interface="wsgi", **options)


def test_environ_is_that_of_the_request(wsgi, notes):
    """U2.5, ASGI-120, WSGI-1, WSGI-2."""
    server = wsgi(answering(dict, notes), root_path="/api")
    server.ask("/caf%C3%A9%20x?a=%20", b"Cookie: a=1", b"X-A: 1", b"x_a: 2", b"Cookie: b=2")
    environ = notes.next()
    assert environ["SCRIPT_NAME"] == "/api"
    assert environ["PATH_INFO"] == "/caf\xc3\xa9 x"
    assert environ["QUERY_STRING"] == "a=%20"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_X_A"] == "1"
    assert environ["SERVER_PORT"] == str(server.serving.port)
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.multithread"] is True


def test_environ_over_a_unix_socket(wsgi, notes, tmp_path):
    """WSGI-3."""
    wsgi(answering(dict, notes), uds=str(tmp_path / "s")).ask()
    environ = notes.next()
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", "80")
    assert environ["REMOTE_ADDR"] == ""


def test_application_runs_in_a_thread_with_the_servers_context(stage_with, notes):
    """WSGI-11, U6.7."""
    name = contextvars.ContextVar("name", default="none")

    def thread(environ):
        return threading.current_thread().name.rstrip("0123456789"), name.get()

    stage_with(answering(thread, notes), interface="wsgi").ask()
    assert notes.next() == ("rsgi-wsgi-", "none")


@pytest.mark.parametrize("size", [0, 1, 65536, 1_000_000])
def test_body_is_complete(wsgi, notes, size):
    """WSGI-4."""
    data = b"0123456789" * (size // 10) + b"x" * (size % 10)
    server = wsgi(answering(lambda environ: environ["wsgi.input"].read(size + 1), notes))
    server.ask(method=b"POST", data=data)
    assert notes.next() == data


def test_chunked_body_is_read_to_its_end(wsgi, notes):
    """WSGI-4: there is no CONTENT_LENGTH to go by."""
    server = wsgi(
        answering(
            lambda environ: (environ.get("CONTENT_LENGTH"), list(environ["wsgi.input"])), notes
        )
    )
    peer = server.connect(HEAD + b"transfer-encoding: chunked\r\n\r\n")
    peer.send(b"3\r\na\nb\r\n1\r\n\n\r\n2\r\ncd\r\n0\r\n\r\n")
    assert peer.read_response().body == b"ok"
    assert notes.next() == (None, [b"a\n", b"b\n", b"cd"])


def test_body_is_read_while_it_arrives(wsgi, notes):
    """WSGI-4, ASGI-40."""

    def halves(environ):
        notes(environ["wsgi.input"].read(4))
        return environ["wsgi.input"].read(4)

    peer = wsgi(answering(halves, notes)).connect(HEAD + b"content-length: 8\r\n\r\nhalf")
    assert notes.next() == b"half"
    peer.send(b"rest")
    assert notes.next() == b"rest"
    assert peer.read_response().body == b"ok"


def test_unread_body_is_not_received(wsgi, notes):
    """WSGI-4, ASGI-42: nobody reads, so the client has to wait."""
    release = threading.Event()
    server = wsgi(answering(lambda _: release.wait(PATIENCE), notes))
    peer = server.connect(HEAD + b"content-length: 100000000\r\n\r\n", SO_SNDBUF=65536)
    try:
        taken = peer.send_what_fits(b"x" * 100_000_000)
    finally:
        release.set()
    # The buffers of two kernels, and what the server holds.
    assert taken < 30_000_000
    assert notes.next() is True


def test_body_is_invited_by_the_first_read(wsgi, notes):
    """WSGI-4, ASGI-43."""
    server = wsgi(answering(lambda environ: environ["wsgi.input"].read(9), notes))
    peer = server.connect(HEAD + b"expect: 100-continue\r\ncontent-length: 4\r\n\r\n")
    assert peer.read_line() == b"HTTP/1.1 100 Continue"
    assert peer.read_line() == b""
    peer.send(b"body")
    assert peer.read_response().body == b"ok"
    assert notes.next() == b"body"


def test_refused_body_is_not_invited(wsgi, notes):
    """WSGI-4, ASGI-43."""
    server = wsgi(answering(lambda environ: None, notes))
    peer = server.connect(HEAD + b"expect: 100-continue\r\ncontent-length: 4\r\n\r\n")
    assert peer.read_response().interim == []


@pytest.mark.parametrize("how", ["close", "reset"])
def test_client_that_leaves_is_an_error_in_read(wsgi, notes, how):
    """WSGI-4, WSGI-10, FLT-B4: and no fault of the application's."""

    def app(environ, start_response):
        notes(environ["wsgi.input"].read(4))
        try:
            environ["wsgi.input"].read()
        except OSError as exc:
            notes(str(exc))
            raise
        notes("complete")

    server = wsgi(app)
    peer = server.connect(HEAD + b"content-length: 100\r\n\r\nhalf")
    assert notes.next() == b"half"
    getattr(peer.socket if how == "close" else peer, how)()
    assert notes.next() == "The client has left."
    server.connect(request()).abandon()
    assert server.errors == []


def test_requests_run_side_by_side(wsgi, notes):
    """WSGI-11."""
    all_there = threading.Barrier(3, timeout=PATIENCE)
    server = wsgi(answering(lambda _: all_there.wait() >= 0, notes))
    peers = [server.connect(request()) for _ in range(3)]
    assert [peer.read_response().body for peer in peers] == [b"ok"] * 3


def test_connection_is_kept(wsgi, notes):
    server = wsgi(answering(lambda environ: environ["wsgi.input"].read(9), notes))
    peer = server.connect()
    for number in range(20):
        peer.send(request(method=b"POST", data=b"%d" % number))
        assert peer.read_response().body == b"ok"
        assert notes.next() == b"%d" % number


def test_pipelined_requests_are_answered_in_order(wsgi, notes):
    server = wsgi(answering(lambda environ: environ["PATH_INFO"], notes))
    peer = server.connect(b"".join(request(f"/{number}") for number in range(5)))
    for number in range(5):
        assert peer.read_response().status == 200
        assert notes.next() == f"/{number}"
