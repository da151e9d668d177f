"""`log_level="trace"`: every scope and message of a real server, and nothing that they carried."""

from __future__ import annotations

import logging
import re

import pytest

from tests.apps import echo
from tests.asgi.exchange import request


@pytest.fixture(autouse=True)
def _same_level_afterwards():
    logger = logging.getLogger("uvicorn.asgi")
    before = logger.level
    yield
    logger.setLevel(before)


def traced(server):
    return server.logs.messages(logger="uvicorn.asgi")


def test_exchange_is_told(stage_with):
    """U5.4: the lifespan's call has number 1."""
    server = stage_with(echo, log_level="trace", interface="asgi3")
    peer = server.connect(request("/x", b"cookie: secret", method=b"POST", data=b"secret"))
    assert peer.read_response().body == b"secret"
    server.logs.wait("[2] Completed")
    lines = traced(server)
    assert lines[0].startswith("ASGI [1] Started scope={'type': 'lifespan', ")
    prefix = re.escape(f"127.0.0.1:{peer.port} - ASGI [2] ")
    wanted = [
        r"Started scope=\{'type': 'http', .*'headers': '<\.\.\.>'.*\}",
        r"Receive \{'type': 'http\.request', 'body': '<6 bytes>', 'more_body': False\}",
        r"Send \{'type': 'http\.response\.start', 'status': 200, 'headers': '<\.\.\.>'\}",
        r"Send \{'type': 'http\.response\.body', 'body': '<6 bytes>', 'more_body': False\}",
        r"Completed",
    ]
    told = [line for line in lines if "[2]" in line]
    assert len(told) == len(wanted)
    for line, pattern in zip(told, wanted, strict=True):
        assert re.fullmatch(prefix + pattern, line)
    assert not any("secret" in line for line in lines)


def test_failure_is_told(stage_with):
    """U5.4, ASGI-8."""

    async def app(scope, receive, send):
        if scope["type"] == "http":
            raise LookupError("application's own")

    server = stage_with(app, log_level="trace")
    assert server.ask().status == 500
    server.logs.wait("[2] Raised exception")
    assert server.errors[0].startswith("Exception in ASGI application")


def test_messages_are_told_of_other_interfaces_as_well(stage_with):
    """U2.3, U5.4: as ASGI 3 sees them."""

    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"wsgi"]

    server = stage_with(app, log_level="trace", interface="wsgi")
    assert server.ask().body == b"wsgi"
    server.logs.wait("[2] Completed")
    assert "ASGI [1] Raised exception" in traced(server)


def test_nothing_is_told_at_debug(stage_with):
    """U5.4"""
    server = stage_with(echo, log_level="debug")
    server.ask()
    assert traced(server) == []
