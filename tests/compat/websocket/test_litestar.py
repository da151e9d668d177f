"""Litestar's WebSockets: handlers, typed listeners, streams, guards, and its channels."""

from __future__ import annotations

import msgspec
import pytest

from tests.compat.websocket.dialler import ending, hear, hear_json, say_json, vanish

SITE = "tests.compat.sites.litestar_websocket_site:app"
OPTIONS = {"lifespan": "on"}

pytestmark = pytest.mark.usefixtures("site")


def test_text(dial, site):
    """ASGI-74, ASGI-80."""
    client = dial("/echo", subprotocols=["a", "b"])
    assert client.subprotocol == "a"
    assert client.response.headers["x-answer"] == "yes"
    for text in ("Grüße", "x" * 300_000):
        client.send(text)
        assert hear(client) == text
    client.close()
    assert site.get("/ended").text == "echo"


def test_bytes(dial, site):
    client = dial("/bytes")
    client.send(b"\x00\xff")
    assert hear(client) == b"\x00\xff"
    client.close(4009, "bye")
    assert site.get("/ended").text == "bytes 4009"


def test_msgpack(dial):
    """ASGI-79."""
    client = dial("/msgpack")
    client.send(msgspec.msgpack.encode([1, "ä"]))
    assert msgspec.msgpack.decode(hear(client)) == {"got": [1, "ä"]}
    assert ending(client) == (4008, "enough")


def test_typed_listener(dial):
    client = dial("/listener")
    say_json(client, {"name": "tea", "count": 2})
    assert hear_json(client) == {"name": "TEA", "count": 3}


def test_stream(dial):
    client = dial("/stream")
    assert [hear_json(client)["number"] for _ in range(1000)] == list(range(1000))
    assert ending(client)[0] == 1000


@pytest.mark.parametrize("how", ["closes", "vanishes"])
def test_endless_stream_ends_with_its_client(dial, site, how):
    """ASGI-80, ASGI-82: Litestar listens for the disconnect while it sends."""
    client = dial("/endless")
    assert hear(client) == "tick"
    client.close() if how == "closes" else vanish(client)
    assert site.get("/ended").text == "endless"


def test_guard(dial):
    """ASGI-75."""
    assert hear(dial("/guarded?key=right")) == "let in"
    assert dial.refusal("/guarded?key=wrong").status_code == 403


def test_exception_with_a_code(dial):
    """ASGI-79."""
    assert ending(dial("/broken")) == (4010, "no longer")


def test_channels(dial, site):
    """What one request publishes reaches all who have subscribed."""
    clients = [dial("/news") for _ in range(3)]
    site.get("/publish/tea")
    assert [hear_json(client) for client in clients] == [{"text": "tea"}] * 3


def test_route_that_is_not_there(dial):
    """ASGI-75."""
    assert dial.refusal("/missing").status_code == 403
