"""`Dialler`: opens WebSockets to one server with the client of `websockets`, and closes them.

Knows no application. Every wait has a limit.
"""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

PATIENCE = 10.0  # seconds; for a loaded machine


class Dialler:
    """Connections to a server that last until `close`.

    Args:
        url: where the server is, as `http://host:port`.
    """

    def __init__(self, url):
        self.url = str(url).rstrip("/").replace("http", "ws", 1)
        self._open = ExitStack()

    def __call__(self, path="/", **options):
        """A new connection, after its handshake; the options are those of `connect`."""
        # Without the environment's proxies: the peer is this machine.
        # A client that stops reading would not see the Close frame that it waits for.
        limits = {"max_queue": None, "max_size": None}
        waits = {"open_timeout": PATIENCE, "close_timeout": PATIENCE}
        options = {"proxy": None} | limits | waits | options
        return self._open.enter_context(connect(self.url + path, **options))

    def refusal(self, path="/", **options):
        """The HTTP response to a handshake that must fail."""
        with pytest.raises(InvalidStatus) as refused:
            self(path, **options)
        return refused.value.response

    def close(self):
        self._open.close()


def hear(client):
    """The next message."""
    return client.recv(timeout=PATIENCE)


def hear_json(client):
    return json.loads(hear(client))


def say_json(client, value):
    client.send(json.dumps(value))


def ending(client):
    """Code and reason of the Close frame that comes next; None where the connection just ends."""
    with pytest.raises(ConnectionClosed) as closed:
        hear(client)
    received = closed.value.rcvd
    return received and (received.code, received.reason)


def vanish(client):
    """Ends the TCP connection without a farewell."""
    client.socket.shutdown(socket.SHUT_RDWR)
