"""sockets/listener.py: what listens, what is closed, and what an `asyncio.Server` would say."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from contextlib import closing

import pytest

from rsgi_bridge.sockets.listener import Listener
from rsgi_bridge.sockets.tcp import bind_tcp
from tests.unit.sockets.peers import BACKLOG, connects


def test_listening_socket_does_not_block_and_is_not_inherited():
    with closing(bind_tcp("127.0.0.1", 0)) as listener:
        listener.listen(BACKLOG)
        (sock,) = listener.sockets
        assert sock.gettimeout() == 0
        assert not sock.get_inheritable()


def test_second_of_two_bound_sockets_cannot_listen():
    with closing(bind_tcp("127.0.0.1", 0)) as first:
        address = first.sockets[0].getsockname()
        with closing(bind_tcp(*address)) as second:
            first.listen(BACKLOG)
            with pytest.raises(OSError, match=re.escape(str(address))) as caught:
                second.listen(BACKLOG)
            assert caught.value.errno == errno.EADDRINUSE


def test_close_is_idempotent_and_frees_the_port():
    listener = bind_tcp("127.0.0.1", 0)
    listener.listen(BACKLOG)
    address = listener.sockets[0].getsockname()
    listener.close()
    listener.close()
    bind_tcp(*address).close()


def test_listener_adopts_a_socket():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        listener = Listener([sock])
        listener.listen(BACKLOG)
        assert listener.sockets == (sock,)
        assert listener.path is None
        assert connects(sock.getsockname())


def test_listener_answers_as_an_asyncio_server_does():
    # U2.4
    listener = bind_tcp("127.0.0.1", 0)
    assert not listener.is_serving()
    listener.listen(BACKLOG)
    assert listener.is_serving()
    listener.close()
    assert not listener.is_serving()
    assert listener.sockets == ()
    asyncio.run(listener.wait_closed())
