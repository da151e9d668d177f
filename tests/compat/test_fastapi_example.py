"""examples/fastapi_app.py does what its routes say (and FastAPI with it)."""

from __future__ import annotations

import json
import logging

import pytest

from examples.fastapi_app import app
from tests.asgi.exchange import request
from tests.clients.raw import RawConnection

HELLO = {"author": "ada", "text": "hello"}


@pytest.fixture
def client(client_of):
    return client_of(app, lifespan="on")


def read_event(lines):
    """The fields of the next server-sent event, comments left out."""
    event = {}
    for line in lines:
        if line == "" and event:
            return event
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value
    raise AssertionError("the stream ended")


def test_hello(client):
    response = client.get("/")
    assert response.json() == {"hello": "world"}
    assert response.headers["content-type"] == "application/json"


def test_path_and_query_parameters(client):
    assert client.get("/items/7?colour=green").json() == {"item_id": 7, "colour": "green"}
    assert client.get("/items/7").json() == {"item_id": 7, "colour": None}
    assert client.get("/items/seven").status_code == 422


def test_blocking_endpoint(client):
    assert client.get("/thread").json() == {"ran": "in a thread"}


def test_post_is_validated(client):
    posted = client.post("/messages", json=HELLO)
    assert (posted.status_code, posted.json()) == (201, {**HELLO, "id": 1})
    assert client.post("/messages", json={"author": "ada"}).status_code == 422
    assert client.post("/messages", content=b"{not json").status_code == 422


def test_upload(client):
    """Larger than the spool that python-multipart keeps in memory."""
    data = b"x" * 3_000_000
    response = client.post("/upload", files={"file": ("f.bin", data, "application/x-test")})
    assert response.json() == {"name": "f.bin", "type": "application/x-test", "size": len(data)}


def test_board_starts_empty_with_each_server(client):
    """The lifespan's state belongs to the server that ran it."""
    assert client.get("/messages").json() == []


def test_long_polling_answers_when_there_is_news(client):
    """The head of the poll's answer comes only with the answer."""
    with RawConnection(client.serving.address) as peer:
        peer.send(request("/messages?after=0&wait=30"))
        assert peer.is_quiet_for(0.1)
        client.post("/messages", json=HELLO)
        assert json.loads(peer.read_response().body) == [{**HELLO, "id": 1}]


def test_long_polling_gives_up(client):
    assert client.get("/messages?after=0&wait=0.05").json() == []


def test_server_sent_events_arrive_one_by_one(client):
    """ASGI-48: each event is seen before the next one is posted."""
    client.post("/messages", json=HELLO)
    with client.stream("GET", "/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        for number in (1, 2, 3):
            event = read_event(lines)
            assert event["id"] == str(number)
            assert json.loads(event["data"])["id"] == number
            client.post("/messages", json=HELLO)
    assert client.get("/").status_code == 200
    assert client.serving.logs.messages(logging.ERROR) == []


def test_server_sent_events_can_be_resumed(client):
    for _ in range(3):
        client.post("/messages", json=HELLO)
    with client.stream("GET", "/events?after=2") as response:
        assert read_event(response.iter_lines())["id"] == "3"


def test_documentation_pages(client):
    """FastAPI's own pages."""
    assert client.get("/docs").status_code == 200
    assert "/upload" in client.get("/openapi.json").json()["paths"]
