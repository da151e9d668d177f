"""What each signal does to a server that starts, serves or stops already."""

from __future__ import annotations

import signal
import time

import pytest

from tests.process.command import server_arguments
from tests.process.peer import answer, fetch, request

BODY = "content-length: 1\r\n"
WAITING = "INFO:     Waiting for connections to close. (CTRL+C to force quit)"

# Where the loop matters: how soon a Python signal handler runs is the loop's affair.
pytestmark = [pytest.mark.usefixtures("loop_name"), pytest.mark.life_cycle]


@pytest.fixture
def serve(rsgi, loop_name):
    """Starts an application of `served.py` on the loop under test."""
    return lambda app="app", *options, **context: rsgi(
        app, "--loop", loop_name, *options, **context
    )


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 0),
        (signal.SIGTERM, -signal.SIGTERM),
        (signal.SIGHUP, -signal.SIGHUP),
    ],
)
def test_signal_lets_a_request_finish(serve, number, code):
    # O21, O31, FLT-E4
    server = serve()
    with server.connect() as peer:
        request(peer, "/upload", "POST", BODY)
        server.err.wait("request entered")
        server.send_signal(number)
        server.err.wait(WAITING)
        peer.sendall(b"x")
        status, fields, body = answer(peer)
        assert (status, body) == (200, b"served")
        assert fields["connection"] == "close"
        assert peer.recv(1) == b""
    assert server.wait() == code
    assert server.err.rest()[-3:] == [
        "INFO:     Waiting for application shutdown.",
        "INFO:     Application shutdown complete.",
        f"INFO:     Finished server process [{server.pid}]",
    ]


def test_idle_connection_is_closed_without_a_line(serve):
    # O28
    server = serve()
    with server.connect() as peer:
        request(peer)
        assert answer(peer)[2] == b"served"
        server.send_signal(signal.SIGTERM)
        assert peer.recv(1) == b""
    assert server.wait() == -signal.SIGTERM
    assert WAITING not in server.err.rest()


def test_second_interrupt_forces(serve):
    # O22, FLT-E6
    server = serve()
    with server.connect() as peer:
        request(peer, "/hang")
        server.err.wait("request entered")
        server.send_signal(signal.SIGINT)
        server.err.wait(WAITING)
        begin = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - begin < 2
    assert "INFO:     Waiting for application shutdown." not in server.err.rest()


def test_second_term_does_not_force(serve):
    # O22
    server = serve()
    with server.connect() as peer:
        request(peer, "/upload", "POST", BODY)
        server.err.wait("request entered")
        server.send_signal(signal.SIGTERM)
        server.err.wait(WAITING)
        server.send_signal(signal.SIGTERM)
        peer.sendall(b"x")
        assert answer(peer)[2] == b"served"
    assert server.wait() == -signal.SIGTERM


def test_graceful_timeout_cancels_the_request(serve):
    # FLT-E5, FLT-C20
    server = serve("app", "--timeout-graceful-shutdown", "0")
    with server.connect() as peer:
        request(peer, "/hang")
        server.err.wait("request entered")
        server.send_signal(signal.SIGTERM)
        assert answer(peer)[0] == 500
    assert server.wait() == -signal.SIGTERM
    lines = server.err.rest()
    assert "ERROR:    Cancel 1 running task(s), timeout graceful shutdown exceeded" in lines
    assert "INFO:     Application shutdown complete." in lines


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -15)])
def test_task_that_ignores_its_cancellation_does_not_delay_the_exit(serve, number, code):
    # FLT-C22
    server = serve("app", "--timeout-graceful-shutdown", "0")
    with server.connect() as peer:
        request(peer, "/stubborn")
        server.err.wait("request entered")
        begin = time.monotonic()
        assert server.stop(number) == code
        assert time.monotonic() - begin < 4
    lines = server.err.rest()
    assert "ERROR:    Abandon 1 task(s) that ignored their cancellation" in lines
    assert f"INFO:     Finished server process [{server.pid}]" in lines


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_signal_during_startup_cancels_it(serve, number, code):
    # O26, FLT-E16
    server = serve("slow_startup")
    server.err.wait("startup entered")
    begin = time.monotonic()
    assert server.stop(number) == code
    assert time.monotonic() - begin < 2
    assert server.err.rest()[2:] == [
        "INFO:     startup entered",
        "INFO:     Application startup cancelled.",
        "INFO:     startup left",
    ]


def test_startup_that_ignores_its_cancellation_does_not_delay_the_exit(serve):
    # O26, FLT-E16
    server = serve("stubborn_startup")
    server.err.wait("startup entered")
    begin = time.monotonic()
    assert server.stop(signal.SIGINT) == 0
    assert time.monotonic() - begin < 3


def test_ignored_hangup_stays_ignored(command, loop_name):
    # O31: nohup
    arguments = server_arguments("served:app", "--loop", loop_name)
    server = command(["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *arguments])
    port = server.port
    server.send_signal(signal.SIGHUP)
    assert fetch(port) == b"served"
    assert server.stop(signal.SIGTERM) == -signal.SIGTERM


def test_sigint_after_sigterm_does_not_hide_it(serve):
    # O21: whoever sent SIGTERM sees a process that it ended
    server = serve()
    with server.connect() as peer:
        request(peer, "/upload", "POST", BODY)
        server.err.wait("request entered")
        server.send_signal(signal.SIGTERM)
        server.err.wait(WAITING)
        server.send_signal(signal.SIGINT)
        assert server.wait() == -signal.SIGTERM
