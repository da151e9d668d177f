"""addresses.py: the texts and pairs that programs ask uvicorn for."""

from __future__ import annotations

import socket

import pytest

from rsgi_bridge.addresses import (
    get_client_addr,
    get_local_addr,
    get_path_with_query_string,
    get_remote_addr,
    is_ssl,
)


class Transport:
    """What a protocol sees of its connection, as asyncio gives it."""

    def __init__(self, **info):
        self.info = info

    def get_extra_info(self, name, default=None):
        return self.info.get(name, default)


@pytest.mark.parametrize(
    ("client", "text"),
    [(("127.0.0.1", 8000), "127.0.0.1:8000"), (("::1", 0), "::1:0"), (None, "")],
)
def test_client_is_host_and_port(client, text):
    # U2.1, U5.2
    assert get_client_addr({"client": client}) == text


def test_scope_without_a_client_has_an_empty_one():
    assert get_client_addr({}) == ""


@pytest.mark.parametrize(
    ("path", "query", "text"),
    [
        ("/", b"", "/"),
        ("/a b", b"x=1", "/a%20b?x=1"),
        ("*", b"", "%2A"),
        ("//\u00e9", b"%20", "//%C3%A9?%20"),
    ],
)
def test_path_is_quoted_and_the_query_is_not(path, query, text):
    # U2.1, U5.2
    assert get_path_with_query_string({"path": path, "query_string": query}) == text


def test_addresses_of_a_connection():
    # U2.1
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as client:
            peer, _ = server.accept()
            with peer:
                transport = Transport(socket=peer)
                assert get_local_addr(transport) == address
                assert get_remote_addr(transport) == client.getsockname()


def test_peer_of_a_connection_that_is_gone_is_unknown():
    with socket.socket() as sock:
        assert get_remote_addr(Transport(socket=sock)) is None


def test_ends_of_a_unix_socket():
    # U2.1
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert get_local_addr(Transport(socket=ours)) == ("", None)
        assert get_remote_addr(Transport(socket=ours)) is None


def test_transport_without_a_socket_is_asked_for_names():
    transport = Transport(peername=["10.0.0.1", 1], sockname=("10.0.0.2", 2))
    assert get_remote_addr(transport) == ("10.0.0.1", 1)
    assert get_local_addr(transport) == ("10.0.0.2", 2)
    assert get_local_addr(Transport(sockname="/run/a")) == ("/run/a", None)
    assert get_remote_addr(Transport(peername="")) is None
    assert get_local_addr(Transport()) is None


def test_encrypted_transport_has_a_context():
    assert is_ssl(Transport(sslcontext=object()))
    assert not is_ssl(Transport())
