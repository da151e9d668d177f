"""sockets/__init__.py: which address a configuration means, and what is said of it."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from types import SimpleNamespace

import pytest

from rsgi_bridge import sockets
from rsgi_bridge.sockets import activate, bind, bind_single, where
from tests.unit.sockets.peers import connects


def config(**options):
    defaults = {
        "host": "127.0.0.1",
        "port": 8000,
        "uds": None,
        "fd": None,
        "backlog": 16,
        "uds_permissions": None,
        "is_ssl": False,
    }
    return SimpleNamespace(**(defaults | options))


@pytest.fixture
def taken():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


# --- Precedence ---


def test_descriptor_comes_before_unix_socket_and_host(taken, path):
    with closing(bind(config(fd=taken.fileno(), uds=path, port=0))) as listener:
        assert listener.is_inherited
        assert listener.sockets[0].getsockname() == taken.getsockname()


def test_unix_socket_comes_before_host(path):
    with closing(bind(config(uds=path, port=0))) as listener:
        assert listener.path == path


def test_host_and_port_are_bound_otherwise():
    with closing(bind(config(port=0))) as listener:
        assert listener.sockets[0].getsockname()[0] == "127.0.0.1"
        assert not listener.is_inherited


@pytest.fixture
def passed(monkeypatch):
    """A socket that systemd passed."""
    with socket.socket() as sock:
        descriptors = {sock.fileno(): ""}
        monkeypatch.setattr(sockets, "passed_descriptors", lambda environment: descriptors)
        monkeypatch.setattr(sockets, "activated_sockets", lambda passed: [sock])
        yield sock


def test_activation_is_for_a_server_that_was_told_nothing(passed):
    (listener,), are_some_left = activate(config())
    assert listener.is_inherited
    assert listener.sockets == (passed,)
    assert not are_some_left


@pytest.mark.parametrize("options", [{"port": 9}, {"host": "::"}, {"uds": "/x"}, {"fd": -1}])
def test_activation_is_left_by_a_server_that_was_told_where(passed, options):
    assert activate(config(**options)) == ([], True)


def test_activation_may_be_used_by_number(passed):
    assert activate(config(fd=passed.fileno())) == ([], False)


def test_no_activation_is_no_listener():
    assert "LISTEN_PID" not in os.environ
    assert activate(config()) == ([], False)
    assert activate(config(port=9)) == ([], False)


# --- One socket ---


def test_single_unix_socket_listens_and_stays(path):
    # O27: what does not listen looks dead.
    with closing(bind_single(config(uds=path))):
        assert connects(path, socket.AF_UNIX)
    assert os.path.exists(path)


def test_single_descriptor_is_duplicated(taken):
    with closing(bind_single(config(fd=taken.fileno()))) as sock:
        assert sock.getsockname() == taken.getsockname()


def test_single_address_is_bound():
    with closing(bind_single(config(port=0))) as sock:
        assert sock.getsockname()[1] != 0


# --- What is said ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        # U1.3
        ({}, "http://127.0.0.1:8000"),
        ({"is_ssl": True}, "https://127.0.0.1:8000"),
        ({"host": "localhost"}, "http://localhost:8000"),
        ({"host": ""}, "http://:8000"),
        ({"host": None}, "http://0.0.0.0:8000"),
        ({"host": "::1"}, "http://[::1]:8000"),
        ({"host": "fe80::1%eth0"}, "http://[fe80::1%eth0]:8000"),
        ({"uds": "run/app.sock"}, "unix socket run/app.sock"),
    ],
)
def test_address_is_told_as_it_was_configured(taken, options, words):
    text, args = where(config(**options), [taken], is_inherited=False)
    assert text % args == words


def test_port_of_the_kernels_choice_is_told(taken):
    text, args = where(config(port=0), [taken], is_inherited=False)
    assert text % args == f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_inherited_sockets_are_told_as_they_are(taken, live_socket):
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(live_socket + ".2")
        text, args = where(config(), [taken], is_inherited=True)
        assert text % args == f"socket {taken.getsockname()!r}"
        text, args = where(config(), [taken, unix], is_inherited=True)
        assert text % args == f"sockets {taken.getsockname()!r}, {live_socket}.2"
