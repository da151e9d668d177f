"""`http.response.body`: types, framing, and bodies that do not match their Content-Length.

ASGI-6, ASGI-46..48, ASGI-53, ASGI-55, ASGI-N11, FLT-C6, C7, C9, C19, O12, O15, O32.
"""

from __future__ import annotations

from array import array

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import answer, request

LONGER = "Response content longer than Content-Length"
SHORTER = "Response content shorter than Content-Length"


def length(size):
    return [(b"content-length", b"%d" % size)]


@pytest.mark.parametrize("data", [None, "text", 5, [b"a"], {}, object()])
def test_body_that_is_not_bytes_raises_type_error(stage, notes, data):
    """ASGI-6, ASGI-N11, FLT-C9: and the next, valid one is sent."""

    async def app(scope, receive, send):
        await send(start())
        for _ in range(2):
            try:
                await send({"type": "http.response.body", "body": data})
            except TypeError as error:
                notes(error)
            await send(body(b"a", more=True))
        await send(body(b"b"))

    assert stage(app).ask().body == b"aab"
    assert [type(error) for error in notes.rest()] == [TypeError] * 2


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_body_may_be_any_bytes_like(stage, kind, size):
    """ASGI-N11."""
    data = b"x" * size

    async def app(scope, receive, send):
        await send(start())
        await send(body(kind(data), more=True))
        await send(body(kind(data)))

    assert stage(app).ask().body == data * 2


def test_mutable_body_is_copied(stage):
    """ASGI-N11: what the application does with its buffer afterwards is not seen."""

    async def app(scope, receive, send):
        buffer = bytearray(b"before")
        await send(start())
        await send(body(buffer, more=True))
        buffer[:] = b"after!"
        view = bytearray(b"+view")
        await send(body(memoryview(view), more=True))
        view[:] = b"-----"
        await send(body(b"."))

    assert stage(app).ask().body == b"before+view."


@pytest.mark.parametrize(
    "view",
    [memoryview(b"abcdef")[::2], memoryview(b"abcdef")[::-1], memoryview(array("I", [1, 2]))],
    ids=["strided", "reversed", "wide items"],
)
def test_unusual_view_is_sent_whole_or_refused(stage, view):
    """ASGI-N11: its bytes are counted, not its items."""

    async def app(scope, receive, send):
        await send(start())
        try:
            await send(body(view))
        except (TypeError, ValueError, BufferError):
            await send(body(bytes(view)))

    assert stage(app).ask().body == view.tobytes()


def test_single_body_gets_a_content_length(stage):
    """ASGI-47, O15: computed when the first body message is the last."""

    async def app(scope, receive, send):
        await answer(send, b"hello")

    response = stage(app).ask()
    assert response.one("content-length") == "5"
    assert response.framing == "length"


def test_empty_body_gets_content_length_zero(stage):
    """ASGI-47, O15."""

    async def app(scope, receive, send):
        await answer(send, b"")

    assert stage(app).ask().one("content-length") == "0"


def test_several_bodies_are_chunked(stage):
    """ASGI-47: empty pieces in the middle do not end the response."""

    async def app(scope, receive, send):
        await send(start())
        for piece in (b"", b"a", b"", b"b", b""):
            await send(body(piece, more=True))
        await send(body(b"c"))

    response = stage(app).ask()
    assert (response.framing, response.body) == ("chunked", b"abc")


def test_several_bodies_with_content_length_are_not_chunked(stage):
    """ASGI-47."""

    async def app(scope, receive, send):
        await send(start(headers=length(3)))
        for piece in (b"a", b"", b"b"):
            await send(body(piece, more=True))
        await send(body(b"c"))

    response = stage(app).ask()
    assert (response.framing, response.body) == ("length", b"abc")


def test_http_1_0_body_without_length_ends_with_the_connection(stage):
    """ASGI-47: no chunks for HTTP/1.0."""

    async def app(scope, receive, send):
        await send(start())
        await send(body(b"a", more=True))
        await send(body(b"b"))

    response = stage(app).ask(version=b"1.0")
    assert (response.framing, response.body) == ("close", b"ab")


def test_each_body_is_sent_before_the_application_goes_on(stage):
    """ASGI-48: the client sees every piece while the application waits for its word."""
    gates = [Gate(), Gate()]

    async def app(scope, receive, send):
        await send(start())
        for gate in gates:
            await send(body(b"piece", more=True))
            await gate.wait()
        await send(body(b"last"))

    peer = stage(app).connect(request())
    assert peer.read_head().status == 200
    for gate in gates:
        assert peer.read_chunk() == b"piece"
        gate.open()
    assert peer.read_chunk() == b"last"


@pytest.mark.parametrize("pieces", [[b"123456"], [b"123", b"456"], [b"12345", b"6"]])
@pytest.mark.parametrize("ends", [True, False], ids=["last", "more to come"])
def test_body_longer_than_content_length_raises(stage, notes, pieces, ends):
    """ASGI-55, FLT-C7, O32: nothing of the offending message is written; the connection ends."""

    async def app(scope, receive, send):
        await send(start(headers=length(5)))
        for piece in pieces[:-1]:
            await send(body(piece, more=True))
        try:
            await send(body(pieces[-1], more=not ends))
        except RuntimeError as error:
            notes(str(error))
            raise

    server = stage(app)
    peer = server.connect(request(), request("/next"))
    raw = peer.read_to_end()
    assert notes.next() == LONGER
    assert b"6" not in raw.partition(b"\r\n\r\n")[2].replace(b"Internal Server Error", b"")
    assert raw.count(b"HTTP/1.1 ") == 1
    assert server.logs.wait("Exception in ASGI application").exc_info[0] is RuntimeError


@pytest.mark.parametrize("pieces", [[b""], [b"1234"], [b"12", b"34"], [b"1234", b""]])
def test_body_shorter_than_content_length_raises(stage, notes, pieces):
    """ASGI-55, FLT-C6: the client must not take it for whole, nor wait."""

    async def app(scope, receive, send):
        await send(start(headers=length(5)))
        for piece in pieces[:-1]:
            await send(body(piece, more=True))
        try:
            await send(body(pieces[-1]))
        except RuntimeError as error:
            notes(str(error))
            raise

    server = stage(app)
    peer = server.connect(request(), request("/next"))
    raw = peer.read_to_end()
    assert notes.next() == SHORTER
    assert raw.count(b"HTTP/1.1 ") == 1
    head, _, rest = raw.partition(b"\r\n\r\n")
    # With nothing on the wire yet, a clean 500 is as good as a cut response.
    assert head.startswith(b"HTTP/1.1 500 ") or (
        head.startswith(b"HTTP/1.1 200 ") and len(rest) < 5
    )


@pytest.mark.parametrize("status", [204, 304])
def test_body_of_a_status_without_body_is_dropped(stage, status):
    """ASGI-53, FLT-C19, O12: and the connection is usable."""

    async def app(scope, receive, send):
        await answer(send, b"dropped", status=status)

    server = stage(app)
    peer = server.connect(request())
    for _ in range(2):
        response = peer.read_response()
        assert response.status == status
        assert response.every("transfer-encoding") == []
        peer.send(request())
    assert server.errors == []


def test_304_keeps_its_content_length(stage):
    """ASGI-53: it tells the length of what was not sent."""

    async def app(scope, receive, send):
        await answer(send, b"", status=304, headers=length(1000))

    server = stage(app)
    peer = server.connect(request(), request())
    for _ in range(2):
        assert peer.read_response().one("content-length") == "1000"
    assert server.errors == []


@pytest.mark.parametrize("headers", [[], length(5), length(1000)], ids=["none", "true", "other"])
def test_head_gets_no_body_and_keeps_content_length(stage, headers):
    """ASGI-53, FLT-C19: a HEAD's length is not checked against what is not sent."""

    async def app(scope, receive, send):
        await answer(send, b"hello", headers=headers)

    server = stage(app)
    peer = server.connect()
    for _ in range(2):
        peer.send(request(method=b"HEAD"))
        response = peer.read_response("HEAD")
        assert response.status == 200
        if headers:
            assert response.one("content-length") == headers[0][1].decode()
    assert server.errors == []


def test_streamed_body_to_head_is_dropped(stage):
    """ASGI-53."""

    async def app(scope, receive, send):
        await send(start())
        await send(body(b"a", more=True))
        await send(body(b"b"))

    peer = stage(app).connect(request(method=b"HEAD"))
    assert peer.read_response("HEAD").status == 200
    peer.send(request())
    assert peer.read_response().body == b"ab"
