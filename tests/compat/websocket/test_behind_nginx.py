"""The nginx of docs/websockets.md, in front of a server: its configuration is read from there."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.compat.sites.counterpart import Counterpart
from tests.compat.websocket.dialler import Dialler, ending, hear, vanish
from tests.process.command import Command
from tests.process.test_behind_nginx import AROUND, NGINX

PAGE = Path(__file__).resolve().parents[3] / "docs" / "websockets.md"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def site(listen, upstream):
    """The page's configuration for this machine: where it listens, and where the server is."""
    text = re.search(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    for stated, wanted in (
        ("listen 80;", f"listen {listen};"),
        ("server unix:/run/app/app.sock;", f"server {upstream};"),
    ):
        assert text.count(stated) == 1
        text = text.replace(stated, wanted)
    return text


@pytest.fixture
def app():
    return Counterpart(b"the page")


@pytest.fixture
def dial(app, serve, tmp_path):
    """Connections by way of nginx."""
    serving = serve(app, log_level="trace")
    user = "user root;" if os.geteuid() == 0 else ""  # whose directory nobody else may enter
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        config = AROUND.format(
            user=user, site=site(f"127.0.0.1:{port}", f"127.0.0.1:{serving.port}")
        )
        (tmp_path / "nginx.conf").write_text(config, encoding="utf-8")
        with Command(
            [NGINX, "-p", str(tmp_path), "-c", "nginx.conf", "-e", "stderr"],
            # How it is handed a socket when it replaces itself: no port has to be guessed.
            environment={"NGINX": f"{listening.fileno()};"},
            pass_fds=[listening.fileno()],
        ) as proxy:
            proxy.err.wait("start worker process ")
            dialler = Dialler(f"http://127.0.0.1:{port}")
            dialler.serving = serving
            yield dialler
            dialler.close()
            proxy.stop(signal.SIGTERM)  # not killed: its worker would live on


def test_messages_pass_both_ways(dial):
    """ASGI-77, ASGI-78: compressed, with a subprotocol."""
    client = dial("/echo", subprotocols=["v1"])
    assert client.subprotocol == "v1"
    assert client.response.headers["sec-websocket-extensions"].startswith("permessage-deflate")
    for message in ("Grüße", b"\x00\xff", "x" * 300_000):
        client.send(message)
        assert hear(client) == message


def test_ends_pass_both_ways(dial, app):
    """ASGI-79, ASGI-80."""
    client = dial("/close?code=4321&reason=why&name=told")
    client.send("now")
    assert ending(client) == (4321, "why")
    dial("/echo?name=telling").close(4000, "bye")
    assert app.notes["telling"].next() == (4000, "bye")


def test_refusals_pass(dial):
    """ASGI-75, ASGI-110."""
    assert dial.refusal("/refuse").status_code == 403
    denied = dial.refusal("/deny")
    assert (denied.status_code, denied.body) == (401, b"no token")


def test_client_that_vanishes_is_told_of(dial, app):
    """O16."""
    vanish(dial("/echo?name=lost"))
    assert app.notes["lost"].next() == (1005, "")


def test_requests_beside_it_share_a_connection(dial):
    """U3.4: an ordinary request says no `Connection: upgrade`, and no `close` either."""
    url = dial.url.replace("ws", "http", 1)
    for _ in range(3):
        assert httpx.get(url, trust_env=False).text == "the page"
    made = dial.serving.logs.messages()
    assert sum("HTTP connection made" in line for line in made) == 1
