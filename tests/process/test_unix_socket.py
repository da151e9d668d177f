"""Serving on a Unix socket: when its file appears, whose it is, and who removes it."""

from __future__ import annotations

import os
import signal
import socket
import stat

import pytest

from tests.process.command import PATIENCE
from tests.process.peer import answer, request


def fetch(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(str(path))
        request(sock)
        return answer(sock)[2]


@pytest.fixture
def path(directory):
    return directory / "server.sock"


@pytest.fixture
def serve(rsgi, path):
    """Starts a server on `path` and waits until it says that it runs."""

    def serve(*options):
        server = rsgi("app", "--uds", str(path), *options)
        server.err.wait(f"rsgi running on unix socket {path} (Press CTRL+C to quit)")
        return server

    return serve


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_file_is_there_while_it_serves_and_gone_afterwards(serve, path, number, loop_name):
    server = serve("--loop", loop_name)
    assert fetch(path) == b"served"
    server.stop(number)
    assert os.listdir(path.parent) == []
    assert server.out.rest() == ['INFO:      - "GET / HTTP/1.1" 200 OK']


def test_mode_of_a_killed_servers_file_is_kept(serve, path):
    # U6.6
    killed = serve("--uds-permissions", "640")
    killed.process.kill()
    killed.wait()
    serve()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(("options", "mode"), [((), 0o666), (("--uds-permissions", "600"), 0o600)])
def test_mode_is_the_options(serve, path, options, mode):
    serve(*options)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_second_server_is_refused_and_harms_nobody(serve, rsgi, path):
    # O27, FLT-D12
    serve()
    second = rsgi("app", "--uds", str(path))
    assert second.wait() == 3
    (line,) = second.err.rest()
    assert line.endswith(f"bind on address '{path}': address already in use")
    assert fetch(path) == b"served"


def test_file_of_a_killed_server_is_replaced(serve, path):
    # O27, FLT-D12
    killed = serve()
    killed.process.kill()
    killed.wait()
    assert path.exists()
    serve()
    assert fetch(path) == b"served"


def test_file_that_is_no_socket_is_refused_and_kept(rsgi, path):
    # FLT-D12
    path.write_text("precious")
    server = rsgi("app", "--uds", str(path))
    assert server.wait() == 1
    (line,) = server.err.rest()
    assert line.endswith(f"{str(path)!r} exists and is not a socket")
    assert path.read_text() == "precious"


def test_directory_that_is_not_there_is_one_line(rsgi, path):
    # U1.4
    server = rsgi("app", "--uds", str(path.parent / "missing" / "server.sock"))
    assert server.wait() == 1
    (line,) = server.err.rest()
    assert line.startswith("ERROR:    [Errno 2] No such file or directory: ")


def test_path_too_long_is_one_line(rsgi, path):
    # FLT-D12
    server = rsgi("app", "--uds", str(path) + "s" * 100)
    assert server.wait() == 1
    (line,) = server.err.rest()
    assert "Unix socket path too long" in line


@pytest.mark.parametrize("app", ["failing_startup", "slow_startup"])
def test_server_that_never_starts_leaves_no_file(rsgi, path, app):
    server = rsgi(app, "--uds", str(path))
    server.err.wait("startup")
    assert os.listdir(path.parent) == []
    if app == "slow_startup":
        server.send_signal(signal.SIGTERM)
    server.wait()
    assert os.listdir(path.parent) == []
