"""Quart's WebSockets: accepted by itself or by the first send, broadcasts, denials, sessions."""

from __future__ import annotations

import json

import pytest

from tests.compat.websocket.dialler import ending, hear, hear_json, say_json, vanish

SITE = "tests.compat.sites.quart_websocket_site:app"
OPTIONS = {"lifespan": "on"}

pytestmark = pytest.mark.usefixtures("site")


def test_echo(dial, site):
    """ASGI-73: Quart receives in one task and answers in another."""
    client = dial("/echo")
    for message in ("Grüße", b"\x00\xff", "x" * 300_000):
        client.send(message)
        assert hear(client) == message
    client.close()
    assert site.get("/ended").text == "echo"


def test_json(dial):
    client = dial("/json")
    say_json(client, [1, "ä"])
    assert hear_json(client) == {"got": [1, "ä"]}


def test_accept_with_subprotocol_and_field(dial):
    """ASGI-74, ASGI-79."""
    client = dial("/choose?a=1&a=2", subprotocols=["x", "y"])
    assert client.subprotocol == "x"
    assert client.response.headers["x-answer"] == "yes"
    assert hear_json(client) == {"path": "/choose", "a": ["1", "2"]}
    assert ending(client) == (4011, "that is all")


def test_broadcast(dial, site):
    """ASGI-81: also when one of them vanishes."""
    clients = [dial("/broadcast") for _ in range(3)]
    clients[0].send("hello")
    assert [hear(client) for client in clients] == ["hello"] * 3
    vanish(clients.pop())
    assert site.get("/ended").text == "2 left"
    clients[1].send("still")
    assert [hear(client) for client in clients] == ["still"] * 2
    for client, left in zip(clients, ("1 left", "0 left"), strict=True):
        client.close()
        assert site.get("/ended").text == left


def test_session(dial, site):
    site.cookies.clear()
    site.post("/visits")
    cookie = {"cookie": f"session={site.cookies['session']}"}
    assert hear_json(dial("/session", additional_headers=cookie)) == 1
    site.cookies.clear()


def test_denial(dial):
    """ASGI-110: Quart answers with its own pages wherever the server can."""
    forbidden = dial.refusal("/forbidden")
    assert forbidden.status_code == 403
    assert b"Forbidden" in forbidden.body
    said_no = dial.refusal("/said-no")
    assert (said_no.status_code, said_no.headers["www-authenticate"]) == (401, "Bearer")
    assert json.loads(said_no.body) == {"why": "no token"}
    assert dial.refusal("/missing").status_code == 404
