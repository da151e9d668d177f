"""The nginx of the deployment page, in front of a server: its configuration is read from there."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
from pathlib import Path

import pytest

from tests.clients.raw import RawConnection
from tests.process.command import PATIENCE, server_arguments

PAGE = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
AROUND = """\
{user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr notice;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {site}
}}
"""

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def site(listen: str, upstream: str) -> str:
    """The page's configuration for this machine: where it listens, and where the server is."""
    found = re.search(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    text = found[1]
    for stated, wanted in (
        ("listen 80;", f"listen {listen};"),
        ("server unix:/run/app/app.sock;", f"server {upstream};"),
    ):
        assert text.count(stated) == 1
        text = text.replace(stated, wanted)
    return text


@pytest.fixture(params=["tcp", "unix"])
def server(request, command, directory):
    """A server that trusts this nginx, as the page's command lines do."""
    if request.param == "tcp":
        options = ["--timeout-keep-alive", "75"]
    else:
        path = str(directory / "app.sock")
        options = ["--uds", path, "--forwarded-allow-ips", "*", "--timeout-keep-alive", "75"]
    server = command(server_arguments("served_behind:app", "--log-level", "trace", *options))
    server.err.wait("rsgi running on")
    return server


@pytest.fixture
def nginx(command, directory, server):
    """The address of an nginx in front of the server."""
    path = directory / "app.sock"
    upstream = f"unix:{path}" if path.exists() else f"127.0.0.1:{server.port}"
    user = "user root;" if os.geteuid() == 0 else ""  # whose directory nobody else may enter
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        config = AROUND.format(user=user, site=site(f"127.0.0.1:{port}", upstream))
        (directory / "nginx.conf").write_text(config, encoding="utf-8")
        proxy = command(
            [NGINX, "-p", str(directory), "-c", "nginx.conf", "-e", "stderr"],
            # How it is handed a socket when it replaces itself: no port has to be guessed.
            environment={"NGINX": f"{listening.fileno()};"},
            pass_fds=[listening.fileno()],
        )
        proxy.err.wait("start worker process ")
    yield "127.0.0.1", port
    proxy.stop(signal.SIGTERM)  # not killed: its worker would live on, and hold its streams


@pytest.fixture
def client(nginx):
    with RawConnection(nginx, timeout=PATIENCE) as client:
        yield client


def test_client_is_the_one_that_nginx_saw(client, server):
    # U2.5; the client's own fields must not pass for nginx's
    forged = b"x-forwarded-for: 6.6.6.6\r\nx-forwarded-proto: https\r\n"
    client.send(b"GET /who%20am HTTP/1.1\r\nhost: example.com\r\n" + forged + b"\r\n")
    asked = json.loads(client.read_response().body)
    assert asked == {
        "client": ["127.0.0.1", 0],
        "scheme": "http",
        "path": "/who am",
        "host": "example.com",
    }
    server.out.wait('127.0.0.1:0 - "GET /who%20am HTTP/1.1" 200 OK')


def test_connection_to_the_server_is_used_again(nginx, server):
    # U3.4
    for _ in range(3):
        with RawConnection(nginx, timeout=PATIENCE) as client:
            client.send(b"GET / HTTP/1.1\r\nhost: example.com\r\n\r\n")
            assert client.read_response().status == 200
    server.stop()
    assert sum("HTTP connection made" in line for line in server.err.rest()) == 1


def test_event_passes_at_once_and_the_leaving_is_told(client, server):
    # ASGI-48, FLT-B1
    client.send(b"GET /events HTTP/1.1\r\nhost: example.com\r\n\r\n")
    assert client.read_head().status == 200
    assert client.read_chunk() == b"data: 1\n\n"
    client.abandon()
    server.err.wait("peer left")


def test_body_beyond_the_proxys_limit_never_arrives(client, server):
    head = b"POST / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 10485761\r\n\r\n"
    client.send(head)
    assert client.read_response().status == 413
    server.stop()
    assert "POST" not in "".join(server.out.rest())
