"""Serving on sockets that somebody else opened: `--fd` and systemd; and what systemd is told."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from textwrap import dedent

import pytest

from tests.process.command import PATIENCE, server_arguments
from tests.process.peer import answer, fetch, request

ACTIVATOR = shutil.which("systemd-socket-activate")
# What systemd does between fork and exec: the sockets are put at 3 and on, the variables are set.
ACTIVATE = dedent(
    """
    import os, sys
    count = int(sys.argv[1])
    for number, fd in enumerate(map(int, sys.argv[2 : 2 + count]), 3):
        os.dup2(fd, number)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(count)}
    os.execv(sys.argv[2 + count], sys.argv[2 + count :])
    """
)


def plain_arguments(*options):
    """As a test starts a server elsewhere, but told no port: an activation is for those."""
    arguments = server_arguments("served:app", *options)
    index = arguments.index("--port")
    return arguments[:index] + arguments[index + 2 :]


@pytest.fixture
def bound():
    """Bound sockets of any family: `bound(address)`."""
    sockets = []

    def bound(address=("127.0.0.1", 0), kind=socket.SOCK_STREAM, family=socket.AF_INET):
        if isinstance(address, str):
            family = socket.AF_UNIX
        sock = socket.socket(family, kind)
        sockets.append(sock)
        sock.bind(address)
        return sock

    yield bound
    for sock in sockets:
        sock.close()


def who(sock):
    sock.settimeout(PATIENCE)
    with sock:
        request(sock, "/who")
        return answer(sock)[2].decode()


# --- --fd ---


@pytest.fixture
def serve_fd(command):
    def serve_fd(sock, *options):
        fd = sock.fileno()
        return command(plain_arguments("--fd", str(fd), *options), pass_fds=[fd])

    return serve_fd


def test_descriptor_of_a_tcp_socket_is_served(serve_fd, bound, loop_name):
    # U6.6, U1.3
    sock = bound()
    address = sock.getsockname()
    server = serve_fd(sock, "--loop", loop_name)
    server.err.wait(f"INFO:     rsgi running on socket {address!r} (Press CTRL+C to quit)")
    peer = socket.create_connection(address)
    client = peer.getsockname()
    assert who(peer) == f"{address} {client}"
    assert server.stop(signal.SIGTERM) == -signal.SIGTERM


def test_descriptor_of_a_unix_socket_is_served_and_its_file_kept(serve_fd, bound, directory):
    path = str(directory / "server.sock")
    server = serve_fd(bound(path))
    server.err.wait(f"INFO:     rsgi running on socket {path} (Press CTRL+C to quit)")
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(path)
    assert who(peer) == f"('{path}', None) None"
    assert server.stop() == 0
    # Whoever made it removes it.
    assert os.path.exists(path)


def test_descriptor_comes_before_everything_else(serve_fd, bound, directory):
    sock = bound()
    server = serve_fd(sock, "--uds", str(directory / "server.sock"), "--port", "1")
    server.err.wait("running on socket")
    assert fetch(sock.getsockname()[1]) == b"served"
    assert os.listdir(directory) == []


def test_descriptor_that_is_closed_is_one_line(command):
    # U1.4
    server = command(plain_arguments("--fd", "987"))
    assert server.wait() == 1
    assert server.err.rest() == ["ERROR:    [Errno 9] file descriptor 987 is not open"]


def test_descriptor_of_something_else_is_one_line(command, serve_fd, bound):
    # U1.4: before the application is imported, as for every address.
    server = serve_fd(bound(kind=socket.SOCK_DGRAM))
    assert server.wait() == 1
    (line,) = server.err.rest()
    assert line.endswith("is not a stream socket")


# --- systemd ---


@pytest.fixture
def activated(command):
    """A server that systemd has passed these sockets."""

    def activated(sockets, *options, **context):
        numbers = [str(sock.fileno()) for sock in sockets]
        arguments = [sys.executable, "-c", ACTIVATE, str(len(sockets)), *numbers]
        fds = [sock.fileno() for sock in sockets]
        return command([*arguments, *plain_arguments(*options)], pass_fds=fds, **context)

    return activated


def test_sockets_of_an_activation_are_served(activated, bound, directory):
    # U6.6
    path = str(directory / "server.sock")
    tcp, unix = bound(), bound(path)
    address = tcp.getsockname()
    server = activated([tcp, unix])
    server.err.wait(f"rsgi running on sockets {address!r}, {path} (Press CTRL+C to quit)")
    assert fetch(address[1]) == b"served"
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(path)
    assert who(peer) == f"('{path}', None) None"
    assert server.stop() == 0


def test_request_that_came_before_the_server_is_answered(activated, bound):
    # What activation is for: systemd has listened all the time.
    sock = bound()
    sock.listen()
    with socket.create_connection(sock.getsockname(), timeout=PATIENCE) as peer:
        request(peer)
        server = activated([sock])
        assert answer(peer)[2] == b"served"
    assert server.stop() == 0


@pytest.mark.parametrize(
    "options", [("--host", "127.0.0.2", "--port", "0"), ("--uds", "server.sock")]
)
def test_server_that_was_told_where_leaves_the_activation(activated, bound, directory, options):
    server = activated([bound()], *options, cwd=directory)
    line = server.err.wait("LISTEN_FDS")
    assert line == "WARNING:  LISTEN_FDS is not used: the server was told where to listen."
    assert "socket (" not in server.err.wait("running on")


def test_descriptor_of_an_activation_may_be_given_by_number(activated, bound):
    sock = bound()
    server = activated([sock], "--fd", "3")
    server.err.wait(f"rsgi running on socket {sock.getsockname()!r} ")
    assert fetch(sock.getsockname()[1]) == b"served"
    server.stop()
    assert not any("LISTEN_FDS" in line for line in server.err.rest())


def test_sockets_for_another_process_are_not_served(command, bound):
    sock = bound()
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
    server = command(
        server_arguments("served:app"), environment=environment, pass_fds=[sock.fileno()]
    )
    assert server.port != sock.getsockname()[1]


@pytest.mark.skipif(ACTIVATOR is None, reason="systemd's own tool is not there")
def test_systemds_own_activator_is_served(command, directory):
    path = str(directory / "server.sock")
    server = command([ACTIVATOR, "--listen", path, *plain_arguments()])
    server.err.wait("Listening on")
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(path)
    assert who(peer) == f"('{path}', None) None"
    server.err.wait(f"rsgi running on socket {path} ")
    assert server.stop(signal.SIGTERM) == -signal.SIGTERM


# --- Notification ---


@pytest.fixture(params=["path", "abstract"])
def manager(request, directory):
    """The service manager's socket, and its name for `NOTIFY_SOCKET`."""
    name = f"@rsgi-{os.getpid()}" if request.param == "abstract" else str(directory / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.bind(name.replace("@", "\0", 1))
        yield sock, name


def test_manager_hears_of_start_and_stop(rsgi, manager):
    # U6.6
    sock, name = manager
    server = rsgi(environment={"NOTIFY_SOCKET": name})
    ready = f"READY=1\nSTATUS=rsgi running on http://127.0.0.1:{server.port}\nMAINPID={server.pid}"
    assert sock.recv(4096).decode() == ready
    assert fetch(server.port) == b"served"
    server.send_signal(signal.SIGTERM)
    assert sock.recv(4096) == b"STOPPING=1\nSTATUS=Shutting down"
    assert server.wait() == -signal.SIGTERM


def test_manager_hears_that_the_loop_turns(rsgi, manager):
    sock, name = manager
    watchdog = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "100000"}
    server = rsgi(environment=watchdog)
    assert sock.recv(4096).startswith(b"READY=1")
    for _ in range(3):
        assert sock.recv(4096) == b"WATCHDOG=1"
    server.stop()


def test_manager_hears_nothing_of_a_server_that_does_not_start(rsgi, manager):
    sock, name = manager
    server = rsgi("failing_startup", environment={"NOTIFY_SOCKET": name})
    assert server.wait() == 3
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        sock.recv(4096)
