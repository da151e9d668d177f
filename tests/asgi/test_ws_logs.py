"""What the log says of a session, line by line; and what it never says.

U4.2, U4.3, U5.4, ASGI-9, FLT-D13: uvicorn's lines on `uvicorn.error`, none on `uvicorn.access`.
"""

from __future__ import annotations

import logging
import re

import pytest

from tests.clients.websocket import WebSocket, dial, handshake
from tests.websocket_apps import close, denial, denial_body, echo, opened, text

TRACE = 5


@pytest.fixture
def server_with(stage_with):
    return lambda app, **options: stage_with(app, lifespan="off", **options)


@pytest.fixture(autouse=True)
def _same_levels_afterwards():
    loggers = [logging.getLogger(name) for name in ("uvicorn.asgi", "uvicorn.error")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def lines(server):
    """What was said since the server was ready."""
    return server.logs.messages(logger="uvicorn.error")[1:]


def knock(server, target=b"/"):
    """A handshake that is not accepted; the status, and the port that it came from."""
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake(target))
        response = peer.read_response()
        peer.expect_end()
        return response.status, peer.port


def test_session_is_two_lines(server_with):
    """U4.2: accepted, and open; at INFO. As in uvicorn, its end is no line of its own."""
    server = server_with(echo)
    with dial(server.serving.address, b"/chat/%C3%A9%20x?room=1&b=%20") as peer:
        record = server.logs.wait("connection open")
        assert (record.name, record.levelno) == ("uvicorn.error", logging.INFO)
        peer.send_close(4000)
        peer.expect_close(4000)
    server.serving.stop()
    assert lines(server)[:3] == [
        f'127.0.0.1:{peer.port} - "WebSocket /chat/%C3%A9%20x?room=1&b=%20" [accepted]',
        "connection open",
        "Shutting down",
    ]
    assert server.logs.access == []


def test_record_of_an_accept_has_uvicorns_arguments(server_with):
    """U4.2: filters read them."""
    server = server_with(echo)
    with dial(server.serving.address, b"/a?b") as peer:
        record = server.logs.wait("[accepted]")
    assert (record.name, record.levelno) == ("uvicorn.error", logging.INFO)
    assert record.msg == '%s - "WebSocket %s" [accepted]'
    assert record.args == (f"127.0.0.1:{peer.port}", "/a?b")


@pytest.mark.parametrize("how", ["peer resets", "application returns", "application raises"])
def test_end_is_no_line_but_for_an_exception(server_with, how):
    """U4.2, O17."""

    async def app(scope, receive, send):
        await opened(receive, send)
        if how == "peer resets":
            await receive()
        elif how == "application raises":
            raise ValueError

    server = server_with(app)
    with dial(server.serving.address) as peer:
        if how == "peer resets":
            peer.reset()
        else:
            peer.expect_close(1000 if how == "application returns" else 1011)
    server.serving.stop()
    said = lines(server)
    after = said[said.index("connection open") + 1 : said.index("Shutting down")]
    assert after == ["Exception in ASGI application\n"] * (how == "application raises")


def test_rejection_is_two_lines(server_with):
    """U4.2."""

    async def app(scope, receive, send):
        await receive()
        await send(close())

    server = server_with(app)
    status, port = knock(server, b"/p?q")
    assert status == 403
    server.logs.wait("connection rejected")
    assert lines(server)[:2] == [
        f'127.0.0.1:{port} - "WebSocket /p?q" 403',
        "connection rejected (403 Forbidden)",
    ]
    server.serving.stop()
    assert "connection open" not in lines(server)
    assert server.logs.access == []


def test_denial_is_logged_with_its_status(server_with):
    """U4.2; uvicorn.md 9.2: no error after it."""

    async def app(scope, receive, send):
        await receive()
        await send(denial(418))
        await send(denial_body(b"short and stout"))

    server = server_with(app)
    status, port = knock(server, b"/p?q")
    assert status == 418
    record = server.logs.wait('"WebSocket')
    assert record.getMessage() == f'127.0.0.1:{port} - "WebSocket /p?q" 418'
    assert (record.levelno, record.args[-1]) == (logging.INFO, 418)
    server.serving.stop()
    assert server.logs.problems == []
    assert "connection open" not in lines(server)


def test_access_log_is_not_asked(server_with):
    """U4.2: `--no-access-log` silences none of it."""
    server = server_with(echo, access_log=False)
    with dial(server.serving.address):
        server.logs.wait("[accepted]")
        server.logs.wait("connection open")


def test_sessions_are_not_told_above_their_level(server_with):
    server = server_with(echo, log_level="warning")
    with dial(server.serving.address) as peer:
        peer.send_close(1000)
        peer.expect_close(1000)
    server.serving.stop()
    assert server.logs.messages() == []


TARGETS = [
    (b"/%0d%0aINFO:%20forged", "/%0D%0AINFO%3A%20forged"),
    (b"/%1b%5b31mred", "/%1B%5B31mred"),
    (b"/%22quote", "/%22quote"),
    (b"/%00%7f%c2%85", "/%00%7F%C2%85"),
    (b"/%e2%80%a8", "/%E2%80%A8"),
    (b"/a?%0d%0a%1b", "/a?%0d%0a%1b"),
    (b"/a?b=%22", "/a?b=%22"),
]


@pytest.mark.parametrize("outcome", ["accepted", "rejected", "denied"])
def test_targets_cannot_forge_lines(server_with, outcome):
    """FLT-D13, CVE-2020-7694: quoted again, as in the access log."""

    async def app(scope, receive, send):
        await receive()
        if outcome == "accepted":
            await send({"type": "websocket.accept"})
            await receive()
        elif outcome == "rejected":
            await send(close())
        else:
            await send(denial(403))
            await send(denial_body())

    server = server_with(app)
    for target, shown in TARGETS:
        server.logs.clear()
        if outcome == "accepted":
            with dial(server.serving.address, target) as peer:
                port = peer.port
            ending = "[accepted]"
        else:
            _, port = knock(server, target)
            ending = "403"
        line = server.logs.wait('"WebSocket').getMessage()
        assert line == f'127.0.0.1:{port} - "WebSocket {shown}" {ending}'
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028]", line)


def test_peers_reasons_and_subprotocols_cannot_forge_lines(server_with):
    """FLT-D13, O19: what a peer says may be shown, but only as one line."""

    async def app(scope, receive, send):
        await opened(receive, send, subprotocol="other")
        await receive()

    server = server_with(app)
    offer = b"Sec-WebSocket-Protocol: \xe9\x85, a"
    with dial(server.serving.address, b"/", offer) as peer:
        peer.send_close(4000, b"bye\r\nINFO: forged\x1b[31m")
        peer.read_close()
        peer.expect_end()
    server.serving.stop()
    for line in server.logs.messages():
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", line), line


def test_connection_is_traced(server_with):
    """U5.4: in uvicorn's order."""
    server = server_with(echo, log_level="trace")
    with dial(server.serving.address) as peer:
        pass
    server.logs.wait("WebSocket connection lost")
    prefix = f"127.0.0.1:{peer.port} - "
    traced = [
        record.getMessage()
        for record in server.logs
        if record.levelno == TRACE and record.name == "uvicorn.error"
    ]
    wanted = ["HTTP connection made", "Upgrading to WebSocket", "WebSocket connection made"]
    wanted.append("WebSocket connection lost")
    assert [line for line in traced if "HTTP connection lost" not in line] == [
        prefix + line for line in wanted
    ]


def test_messages_are_traced_without_what_they_carry(server_with):
    """U5.4."""

    async def app(scope, receive, send):
        await opened(receive, send, headers=[(b"x-secret", b"secret")])
        await receive()
        await send(text("secret!"))
        await receive()

    server = server_with(app, log_level="trace")
    with dial(server.serving.address, b"/x", b"Cookie: secret") as peer:
        peer.send_bytes(b"secret")
        assert peer.read_message() == "secret!"
        peer.send_close(4000)
        peer.expect_close(4000)
    server.logs.wait("Completed")
    told = server.logs.messages(logger="uvicorn.asgi")
    prefix = re.escape(f"127.0.0.1:{peer.port} - ASGI [1] ")
    wanted = [
        r"Started scope=\{'type': 'websocket', .*'headers': '<\.\.\.>'.*\}",
        r"Receive \{'type': 'websocket\.connect'\}",
        r"Send \{'type': 'websocket\.accept', 'headers': '<\.\.\.>'\}",
        r"Receive \{'type': 'websocket\.receive', 'bytes': '<6 bytes>'.*\}",
        r"Send \{'type': 'websocket\.send', 'text': '<7 chars>'\}",
        r"Receive \{'type': 'websocket\.disconnect', 'code': 4000, 'reason': ''\}",
        r"Completed",
    ]
    assert len(told) == len(wanted)
    for line, pattern in zip(told, wanted, strict=True):
        assert re.fullmatch(prefix + pattern, line), line
    assert not any("secret" in line for line in told)
