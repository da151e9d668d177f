"""binding.py: which sockets a server claims, what is logged, and how the process ends without."""

from __future__ import annotations

import errno
import logging
import socket
from contextlib import closing

import pytest

from rsgi_bridge import Config, binding
from rsgi_bridge.binding import claim, exit_unbound
from rsgi_bridge.sockets import Listener
from tests.unit.stand_in import messages


def config(**options):
    return Config("no:app", **({"log_config": None, "port": 0} | options))


def test_configured_address_is_claimed():
    (listener,) = claim(config())
    with closing(listener):
        assert listener.sockets[0].getsockname()[0] == "127.0.0.1"


def test_sockets_of_an_activation_are_claimed_instead(monkeypatch, log):
    listeners = [Listener(()), Listener(())]
    monkeypatch.setattr(binding, "activate", lambda config: (listeners, False))
    assert claim(config()) == listeners
    assert messages(log) == []


def test_sockets_of_an_activation_that_are_left_are_told_of(monkeypatch, log):
    monkeypatch.setattr(binding, "activate", lambda config: ([], True))
    (listener,) = claim(config())
    listener.close()
    assert messages(log, logging.WARNING) == [
        "LISTEN_FDS is not used: the server was told where to listen."
    ]


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        # U1.4
        ({}, errno.EADDRINUSE, 3),
        ({}, errno.EACCES, 3),
        ({"uds": "/x"}, errno.EADDRINUSE, 3),
        ({"uds": "/x"}, errno.ENOENT, 1),
        ({"fd": 3}, errno.EBADF, 1),
    ],
)
def test_exit_code_is_uvicorns(log, options, code, expected):
    with pytest.raises(SystemExit) as caught:
        exit_unbound(config(**options), OSError(code, "no"))
    assert caught.value.code == expected
    assert messages(log, logging.ERROR) == [f"[Errno {code}] no"]


def test_taken_address_ends_the_process(log):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SystemExit) as caught:
            claim(config(port=taken.getsockname()[1]))
    assert caught.value.code == 3
    assert len(messages(log, logging.ERROR)) == 1


def test_single_socket_is_bound_told_of_and_inheritable(log):
    # U2.3
    with closing(binding.bind_socket(config())) as sock:
        assert sock.get_inheritable()
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        port = sock.getsockname()[1]
        assert messages(log) == [f"rsgi running on http://127.0.0.1:{port} (Press CTRL+C to quit)"]


def test_single_descriptor_is_told_of_as_it_is(log):
    with socket.socket() as given:
        given.bind(("127.0.0.1", 0))
        name = given.getsockname()
        with closing(binding.bind_socket(config(fd=given.fileno()))) as sock:
            assert sock.getsockname() == name
    assert messages(log) == [f"rsgi running on socket {name!r} (Press CTRL+C to quit)"]


def test_single_socket_that_cannot_be_had_ends_the_process(log):
    with pytest.raises(SystemExit) as caught:
        binding.bind_socket(config(fd=987_654))
    assert caught.value.code == 1
    assert messages(log, logging.ERROR) == [
        f"[Errno {errno.EBADF}] file descriptor 987654 is not open"
    ]
