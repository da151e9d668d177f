"""What the server logs about a connection: TRACE lines (U5.4), refused upgrades (U3.4)."""

from __future__ import annotations

import logging

import pytest

from tests.apps import echo
from tests.asgi.exchange import answer, request

TRACE = 5
UNSUPPORTED = "Unsupported upgrade request."
TURNED_OFF = "WebSockets are turned off, by --ws none or for a WSGI application."


async def ok(scope, receive, send):
    await answer(send)


def lines(server):
    """What was said about connections."""
    return [record for record in server.logs if "HTTP connection" in record.getMessage()]


def test_connection_is_traced_from_its_opening_to_its_end(stage_with):
    server = stage_with(ok, lifespan="off", log_level="trace")
    with server.connect() as peer:
        # Before it has sent a byte.
        server.logs.wait("HTTP connection made")
        peer.send(request())
        peer.read_response()
    server.logs.wait("HTTP connection lost")
    prefix = f"127.0.0.1:{peer.port} - "
    made, lost = lines(server)
    assert made.getMessage() == f"{prefix}HTTP connection made"
    assert lost.getMessage() == f"{prefix}HTTP connection lost"
    assert [(r.name, r.levelno, r.args) for r in (made, lost)] == [
        ("uvicorn.error", TRACE, (prefix,))
    ] * 2


def test_connection_over_a_unix_socket_is_traced_without_a_name(stage_with, tmp_path):
    server = stage_with(ok, lifespan="off", log_level="trace", uds=str(tmp_path / "s"))
    with server.connect():
        assert server.logs.wait("made").getMessage() == "HTTP connection made"
    assert server.logs.wait("lost").getMessage() == "HTTP connection lost"


def test_connection_is_not_traced_above_its_level(stage_with):
    """Nor is it remembered: the level is looked at when there is something to say."""
    server = stage_with(ok, lifespan="off", log_level="debug")
    peer = server.connect(request())
    peer.read_response()
    assert lines(server) == []
    logging.getLogger("uvicorn.error").setLevel(TRACE)
    peer.abandon()
    server.logs.wait("HTTP connection lost")
    assert len(lines(server)) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_filter_that_raises_at_a_trace_line_is_survived(stage_with):
    """Invariant 9."""

    class Broken(logging.Filter):
        def filter(self, record):
            if "HTTP connection" in str(record.msg):
                raise RuntimeError("broken filter")
            return True

    server = stage_with(ok, lifespan="off", log_level="trace")
    broken = Broken()
    logging.getLogger("uvicorn.error").addFilter(broken)
    try:
        assert server.ask().status == 200
        assert server.ask().status == 200
    finally:
        logging.getLogger("uvicorn.error").removeFilter(broken)


@pytest.mark.parametrize(
    ("fields", "warnings"),
    [
        ([b"Connection: Upgrade", b"Upgrade: h2c"], [UNSUPPORTED]),
        ([b"Connection: keep-alive, upgrade", b"Upgrade: TLS/1.0"], [UNSUPPORTED]),
        ([b"Connection: Upgrade", b"Upgrade: websocket"], [UNSUPPORTED, TURNED_OFF]),
        ([b"Connection: Upgrade", b"Upgrade: WebSocket"], [UNSUPPORTED, TURNED_OFF]),
        ([b"Upgrade: websocket"], []),
        ([b"Connection: Upgrade"], []),
        ([b"Connection: keep-alive"], []),
    ],
    ids=repr,
)
def test_upgrade_is_refused_with_a_warning_and_served(stage_with, fields, warnings):
    """As an ordinary request, whose body is kept."""
    server = stage_with(echo, lifespan="off", ws="none")
    response = server.ask("/", *fields, method=b"POST", data=b"kept")
    assert (response.status, response.body) == (200, b"kept")
    assert server.logs.problems == warnings
    assert all(r.levelno == logging.WARNING for r in server.logs if r.getMessage() in warnings)
