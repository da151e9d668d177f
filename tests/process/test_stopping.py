"""A stop while something takes long: streams, long polls, startup, shutdown, or the stop itself."""

from __future__ import annotations

import signal
import socket
import struct
import sys
import time

import pytest

from tests.process.command import HERE
from tests.process.peer import answer, request

WAITING = "INFO:     Waiting for connections to close. (CTRL+C to force quit)"
CHUNKED = "transfer-encoding: chunked\r\n"

pytestmark = [pytest.mark.usefixtures("loop_name"), pytest.mark.life_cycle]


@pytest.fixture
def serve(rsgi, loop_name):
    """Starts an application of `served.py` on the loop under test."""
    return lambda app="app", *options: rsgi(app, "--loop", loop_name, *options)


def begin_stream(server, peer):
    """A stream that echoes piece by piece; its head and first piece have come."""
    request(peer, "/stream", "POST", CHUNKED)
    peer.sendall(b"1\r\na\r\n")
    stream = peer.makefile("rb")
    assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
    while stream.readline() != b"\r\n":
        pass
    assert stream.read(6) == b"1\r\na\r\n"
    server.err.wait("request entered")
    return stream


# --- Streams and long polls (O37) ---


def test_stream_goes_on_after_the_signal_until_its_application_ends_it(serve):
    # O37: the application is not told, and the stop waits.
    server = serve()
    with server.connect() as peer, begin_stream(server, peer) as stream:
        server.send_signal(signal.SIGTERM)
        server.err.wait(WAITING)
        peer.sendall(b"1\r\nb\r\n")
        assert stream.read(6) == b"1\r\nb\r\n"
        peer.sendall(b"0\r\n\r\n")
        assert stream.read() == b"0\r\n\r\n"
    assert server.wait() == -signal.SIGTERM
    assert "INFO:     Application shutdown complete." in server.err.rest()


def test_stream_is_cut_when_the_graceful_time_is_over(serve):
    # U6.3, FLT-E5
    server = serve("app", "--timeout-graceful-shutdown", "1")
    with server.connect() as peer, begin_stream(server, peer) as stream:
        begin = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert stream.read() == b""  # no last chunk: the client knows that it is not whole
        assert 0.9 < time.monotonic() - begin < 4
    assert server.wait() == -signal.SIGTERM
    lines = server.err.rest()
    after = lines[lines.index(WAITING) + 1 :]
    assert after[0] == "ERROR:    Cancel 1 running task(s), timeout graceful shutdown exceeded"
    message = "Task cancelled, timeout graceful shutdown exceeded"
    assert f"INFO:     cancelled: {message}" in after
    assert after[-3:] == [
        "INFO:     Waiting for application shutdown.",
        "INFO:     Application shutdown complete.",
        f"INFO:     Finished server process [{server.pid}]",
    ]


def test_long_poll_is_not_told_of_the_stop_and_ends_with_its_client(serve):
    # O37
    server = serve()
    with server.connect() as peer:
        request(peer, "/poll")
        server.err.wait("request entered")
        server.send_signal(signal.SIGINT)
        server.err.wait(WAITING)
        assert "INFO:     peer left" not in server.err.all
    server.err.wait("peer left")
    assert server.wait() == 0
    assert "INFO:     Application shutdown complete." in server.err.rest()


def test_stream_is_cut_by_a_second_interrupt(serve):
    # O22
    server = serve()
    with server.connect() as peer, begin_stream(server, peer) as stream:
        server.send_signal(signal.SIGINT)
        server.err.wait(WAITING)
        assert server.stop(signal.SIGINT) == 0
        assert stream.read() == b""
    assert "INFO:     Waiting for application shutdown." not in server.err.rest()


def test_task_without_a_connection_is_waited_for(serve):
    # U1.3
    server = serve()
    with server.connect() as peer:
        request(peer, "/hang")
        server.err.wait("request entered")
        # A reset: a peer that only ends its side may still be answered (O14).
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.send_signal(signal.SIGINT)
    server.err.wait("INFO:     Waiting for background tasks to complete. (CTRL+C to force quit)")
    assert server.stop(signal.SIGINT) == 0


# --- Before anything is served ---


@pytest.mark.parametrize(
    ("number", "code", "lines"),
    [
        (signal.SIGINT, 1, ["", "Aborted!"]),
        (signal.SIGTERM, -signal.SIGTERM, []),
        (signal.SIGHUP, -signal.SIGHUP, []),
    ],
)
def test_signal_during_the_import_has_its_usual_effect(command, directory, number, code, lines):
    # U6.2: there is no server yet, and nothing to clean up.
    source = "import sys, threading\nprint('importing', file=sys.stderr, flush=True)\n"
    (directory / "slow.py").write_text(source + "threading.Event().wait()\n")
    (directory / "sockets").mkdir()
    arguments = [sys.executable, "-m", "rsgi_bridge", "slow:app", "--uds", "sockets/s"]
    server = command(arguments, cwd=directory)
    server.err.wait("importing")
    assert server.stop(number) == code
    assert server.err.rest()[1:] == lines
    assert list((directory / "sockets").iterdir()) == []


def test_signal_during_an_import_within_the_loop_stops_before_serving(command, loop_name):
    # O26: a program that imports through Server.run has the signals handled already.
    source = f"""
import os, signal, sys
from types import ModuleType
from rsgi_bridge import Config, Server
sys.path.insert(0, {str(HERE)!r})
import served
def factory():
    os.kill(os.getpid(), signal.SIGTERM)
    return served.slow_startup
Server(Config(factory, factory=True, port=0, loop={loop_name!r})).run()
"""
    program = command([sys.executable, "-c", source])
    assert program.wait() == -signal.SIGTERM
    assert program.err.rest()[2:] == [
        "INFO:     startup entered",
        "INFO:     Application startup cancelled.",
        "INFO:     startup left",
    ]


def test_signal_between_startup_and_listening_runs_the_shutdown(serve):
    # O26
    server = serve("signalled_startup")
    assert server.wait() == -signal.SIGTERM
    lines = server.err.rest()
    assert lines[2] == "INFO:     Application startup complete."
    assert lines[4:] == [
        "INFO:     Shutting down",
        "INFO:     Waiting for application shutdown.",
        "INFO:     lifespan.shutdown",
        "INFO:     Application shutdown complete.",
        f"INFO:     Finished server process [{server.pid}]",
    ]


# --- While the application cleans up ---


@pytest.mark.parametrize(("first", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -15)])
def test_interrupt_during_the_applications_shutdown_forces(serve, first, code):
    # O22, FLT-E6
    server = serve("slow_shutdown")
    server.err.wait("running on")
    server.send_signal(first)
    server.err.wait("shutdown entered")
    assert server.stop(signal.SIGINT) == code
    lines = server.err.rest()
    assert "INFO:     Application shutdown complete." not in lines
    assert f"INFO:     Finished server process [{server.pid}]" in lines


def test_term_during_the_applications_shutdown_changes_nothing(serve):
    # O22
    server = serve("slow_shutdown")
    server.err.wait("running on")
    server.send_signal(signal.SIGTERM)
    server.err.wait("shutdown entered")
    for _ in range(3):
        server.send_signal(signal.SIGTERM)
    assert server.process.poll() is None
    assert server.stop(signal.SIGINT) == -signal.SIGTERM


def test_answer_is_given_before_the_application_cleans_up(serve):
    # ASGI-95
    server = serve()
    with server.connect() as peer:
        request(peer, "/upload", "POST", "content-length: 1\r\n")
        server.err.wait("request entered")
        server.send_signal(signal.SIGTERM)
        server.err.wait(WAITING)
        assert "INFO:     Waiting for application shutdown." not in server.err.all
        peer.sendall(b"x")
        assert answer(peer)[2] == b"served"
    assert server.wait() == -signal.SIGTERM
