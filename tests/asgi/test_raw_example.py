"""examples/raw.py says what it is given, answers in JSON, and leaves unknown scopes alone."""

from __future__ import annotations

import asyncio
import json

import pytest

from examples.raw import app, printable
from tests.asgi.exchange import request


@pytest.fixture
def server(stage_with):
    return stage_with(app, lifespan="on")


def test_raw_example_answers_json(server):
    """ASGI-40..44, ASGI-91."""
    response = server.ask("/caf%C3%A9?colour=green", method=b"POST", data=b"some text")
    assert response.one("content-type") == "application/json"
    assert json.loads(response.body) == {
        "greeting": "hello",
        "method": "POST",
        "path": "/café",
        "query": "colour=green",
        "body": "some text",
    }
    assert server.errors == []


def test_raw_example_prints_every_scope_as_json(capsys, stage_with):
    """ASGI-2: bytes are decoded, nothing else changes."""
    stage_with(app, lifespan="on").ask("/path", b"x-latin: \xe9")
    printed = capsys.readouterr().out.replace("}\n{", "}\0{").split("\0")
    lifespan, http = (json.loads(document) for document in printed)
    assert lifespan["type"] == "lifespan"
    assert http["type"] == "http"
    assert http["raw_path"] == "/path"
    assert ["x-latin", "é"] in http["headers"]
    assert http["state"] == {"greeting": "hello"}


def test_raw_example_survives_a_leaving_client(server):
    """FLT-B4."""
    peer = server.connect(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 9\r\n\r\nhalf")
    peer.reset()
    assert server.connect(request()).read_response().status == 200
    assert server.errors == []


def test_raw_example_returns_from_scopes_it_does_not_know():
    """ASGI-92: without touching receive or send."""
    assert (
        asyncio.run(app({"type": "webtransport", "asgi": {"version": "3.0"}}, None, None)) is None
    )


def test_printable_keeps_what_json_knows():
    value = {"a": [b"\xff", ("b", 1.5, None, True)], "o": object}
    assert printable(value) == {"a": ["ÿ", ["b", 1.5, None, True]], "o": repr(object)}
