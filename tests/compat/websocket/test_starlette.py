"""Starlette's WebSockets: each way to receive, to end and to deny, below middleware and mounts."""

from __future__ import annotations

import json

import pytest

from tests.compat.websocket.dialler import ending, hear, hear_json, say_json, vanish

SITE = "tests.compat.sites.starlette_websocket_site:app"
OPTIONS = {"root_path": "/api", "lifespan": "on"}

pytestmark = pytest.mark.usefixtures("site")


def test_iter_text(dial):
    """ASGI-77, ASGI-78: empty text, text outside ASCII, a large one."""
    client = dial("/echo/text")
    for text in ("hello", "", "Grüße 🦀", "x" * 500_000):
        client.send(text)
        assert hear(client) == text


def test_iter_bytes(dial):
    """ASGI-77, ASGI-78."""
    client = dial("/echo/bytes")
    for data in (b"\x00\xff", b"", bytes(range(256)) * 2000):
        client.send(data)
        assert hear(client) == data


def test_iter_json(dial):
    """As text and as bytes."""
    client = dial("/echo/json")
    value = {"name": "Jürgen", "list": [1, None, True]}
    say_json(client, value)
    assert hear_json(client) == value
    assert json.loads(hear(client).decode()) == value


def test_many_messages_at_once_keep_their_order(dial):
    """ASGI-73: none is lost, none overtakes another."""
    client = dial("/echo/text")
    for number in range(500):
        client.send(str(number))
    assert [hear(client) for _ in range(500)] == [str(number) for number in range(500)]


def test_endpoint_class(dial, site):
    client = dial("/add")
    sums = []
    for number in (1, 10, 100):
        say_json(client, number)
        sums.append(hear_json(client))
    assert sums == [1, 11, 111]
    client.close(4000)
    assert site.get("/endings").json() == ["adder", 4000]


def test_endpoint_class_that_cannot_decode(dial, site):
    """ASGI-79: Starlette closes with 1003, and then raises."""
    client = dial("/add")
    client.send("{no json")
    assert ending(client) == (1003, "")
    assert site.get("/endings").json() == ["adder", 1011]


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1001, "away"), (3000, ""), (4999, "Tschüß 👋")]
)
def test_client_closes(dial, site, code, reason):
    """ASGI-80."""
    dial("/ending").close(code, reason)
    assert site.get("/endings").json() == [code, reason]


def test_client_vanishes(dial, site):
    """O16: 1005, as uvicorn has it, when no Close frame came."""
    client = dial("/ending")
    vanish(client)
    assert site.get("/endings").json() == [1005, ""]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/close/1000", (1000, "")),
        ("/close/1001?reason=away", (1001, "away")),
        ("/close/4321?reason=Tsch%C3%BC%C3%9F", (4321, "Tschüß")),
        ("/close/exception", (4003, "not for you")),
    ],
)
def test_application_closes(dial, path, expected):
    """ASGI-79."""
    assert ending(dial(path)) == expected


def test_application_that_ends_after_accepting(dial):
    """O17: 1000 when it returns, 1011 when it raises."""
    assert ending(dial("/close/return")) == (1000, "")
    assert ending(dial("/close/fault"))[0] == 1011


def test_denial_by_close(dial):
    """ASGI-75: 403 without a body, whatever the code."""
    for path in ("/deny/close", "/deny/websocket-exception", "/no-such-route"):
        response = dial.refusal(path)
        assert (response.status_code, response.body or b"") == (403, b"")


def test_denial_by_response(dial):
    """ASGI-110."""
    response = dial.refusal("/deny/response")
    assert response.status_code == 401
    assert json.loads(response.body) == {"why": "no token"}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["x-why"] == "none"


def test_denial_by_stream(dial):
    """ASGI-110: gathered, and sent as one body with its length."""
    response = dial.refusal("/deny/stream")
    expected = "".join(f"{number}," for number in range(100)).encode()
    assert (response.status_code, response.body) == (429, expected)
    assert response.headers["content-length"] == str(len(expected))


def test_denial_without_a_body(dial):
    """ASGI-110."""
    response = dial.refusal("/deny/empty")
    assert (response.status_code, response.body or b"") == (404, b"")


def test_denial_by_http_exception(dial):
    """ASGI-110: Starlette answers it as it would answer a request."""
    response = dial.refusal("/deny/http-exception")
    assert (response.status_code, response.body) == (418, b"short and stout")
    assert response.headers["x-spout"] == "yes"


def test_fault_before_accepting(dial, site):
    """ASGI-76: 500, and the server goes on."""
    response = dial.refusal("/deny/fault")
    assert (response.status_code, response.body) == (500, b"Internal Server Error")
    client = dial("/echo/text")
    client.send("still there")
    assert hear(client) == "still there"


def test_scope_below_mounts_and_middleware(dial, site):
    """ASGI-72, ASGI-28, ASGI-N12: path, query, repeated fields, cookies and the session."""
    site.cookies.clear()
    site.post("/sign-in", json={"name": "Ada"})
    fields = [("cookie", f"session={site.cookies['session']}; c=3"), ("x-tag", "1"), ("x-tag", "2")]
    client = dial(
        "/inner/scope/J%C3%BCrgen?a=1&b=&a=2",
        additional_headers=fields,
        origin="https://friend.test",
        subprotocols=["v2", "v1"],
    )
    seen = hear_json(client)
    site.cookies.clear()
    assert seen.pop("cookies")["c"] == "3"
    assert seen == {
        "url": f"{dial.url}/api/inner/scope/Jürgen?a=1&b=&a=2",
        "url_for": f"{dial.url}/api/inner/scope/x",
        "name": "Jürgen",
        "query": [["a", "1"], ["b", ""], ["a", "2"]],
        "session": {"name": "Ada"},
        "client": "127.0.0.1",
        "origin": "https://friend.test",
        "tags": ["1", "2"],
        "subprotocols": ["v2", "v1"],
    }


def test_accept_with_subprotocol_and_fields(dial):
    """ASGI-74: the fields stand in the handshake, repeated ones too."""
    client = dial("/choose", subprotocols=["v2", "v1"])
    assert client.subprotocol == "v1"
    assert client.response.headers["x-chosen"] == "yes"
    assert client.response.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert dial("/choose").subprotocol is None


def test_behind_a_proxy(dial):
    """U2.5: a trusted proxy's scheme and client are those of the WebSocket, too."""
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-for": "9.9.9.9"}
    seen = hear_json(dial("/inner/scope/x", additional_headers=forwarded))
    assert seen["url"].startswith("wss://")
    assert seen["client"] == "9.9.9.9"


def test_requests_and_connections_side_by_side(dial, site):
    """One does not disturb the other."""
    client = dial("/echo/text")
    for number in range(20):
        client.send(str(number))
        assert site.post("/sign-in", json={"name": "x"}).status_code == 204
        assert hear(client) == str(number)
    site.cookies.clear()
