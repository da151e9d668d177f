"""Four WebSocket clients by three authors, behind one set of methods that a test can call.

Each is opened by its constructor and knows how its own library speaks; no test and no server.
"""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

import aiohttp
import websockets
import websockets.asyncio.client
import websockets.sync.client
import wsproto
from websockets.exceptions import ConnectionClosed, InvalidStatus
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason

from tests.compat.websocket.dialler import PATIENCE


class Ended(Exception):
    """The server has closed: its code and reason."""

    def __init__(self, code, reason):
        super().__init__(code, reason)
        self.farewell = (code, reason)


class Refused(Exception):
    """The handshake got an HTTP response; `body` is None where the client does not show it."""

    def __init__(self, status, fields, body):
        super().__init__(status)
        self.status, self.fields, self.body = status, fields, body


class Websockets:
    """The client of `websockets` that runs on asyncio, on a loop of its own."""

    def __init__(self, url, subprotocols=(), compressed=True, **options):
        self._loop = asyncio.new_event_loop()
        compression = "deflate" if compressed else None
        options = {"compression": compression, "max_size": None, "proxy": None} | options
        options["subprotocols"] = list(subprotocols) or None
        try:
            self._client = self._run(self._connect(url, options))
        except InvalidStatus as refused:
            self._loop.close()
            answer = refused.response
            raise Refused(answer.status_code, answer.headers, answer.body or b"") from None
        self.subprotocol = self._client.subprotocol
        self.extensions = self._client.response.headers.get("sec-websocket-extensions", "")

    async def _connect(self, url, options):
        return await websockets.asyncio.client.connect(url, **options)

    def _run(self, awaitable):
        async def limited():
            return await asyncio.wait_for(awaitable, PATIENCE)

        return self._loop.run_until_complete(limited())

    def send(self, data):
        self._run(self._client.send(data))

    def send_in_pieces(self, *pieces):
        self._run(self._client.send(pieces))

    def receive(self):
        try:
            return self._run(self._client.recv())
        except ConnectionClosed as closed:
            raise Ended(closed.rcvd.code, closed.rcvd.reason) from None

    def ping(self):
        """Returns when the pong is there."""

        async def both_ways():
            await (await self._client.ping())

        self._run(both_ways())

    def close(self, code=1000, reason=""):
        """Says farewell; what the server answers."""
        self._run(self._client.close(code, reason))
        return self._client.close_code, self._client.close_reason

    def leave(self):
        if not self._loop.is_closed():
            self._run(self._client.close())
            self._loop.close()


class WebsocketsInThreads:
    """The client of `websockets` that needs no loop: it reads in a thread."""

    def __init__(self, url, subprotocols=(), compressed=True):
        compression = "deflate" if compressed else None
        options = {"compression": compression, "max_size": None, "max_queue": None, "proxy": None}
        options["subprotocols"] = list(subprotocols) or None
        try:
            self._opened = websockets.sync.client.connect(url, **options)
        except InvalidStatus as refused:
            answer = refused.response
            raise Refused(answer.status_code, answer.headers, answer.body or b"") from None
        self._client = self._opened.__enter__()
        self.subprotocol = self._client.subprotocol
        self.extensions = self._client.response.headers.get("sec-websocket-extensions", "")

    def send(self, data):
        self._client.send(data)

    def send_in_pieces(self, *pieces):
        self._client.send(pieces)

    def receive(self):
        try:
            return self._client.recv(timeout=PATIENCE)
        except ConnectionClosed as closed:
            raise Ended(closed.rcvd.code, closed.rcvd.reason) from None

    def ping(self):
        assert self._client.ping().wait(PATIENCE)

    def close(self, code=1000, reason=""):
        self._client.close(code, reason)
        return self._client.close_code, self._client.close_reason

    def leave(self):
        self._opened.__exit__(None, None, None)


class Aiohttp:
    """The client of `aiohttp`, whose codec is its own."""

    def __init__(self, url, subprotocols=(), compressed=True):
        self._loop = asyncio.new_event_loop()
        try:
            self._run(self._connect(url, subprotocols, 15 if compressed else 0))
        except Refused:
            self._loop.close()
            raise
        self.subprotocol = self._client.protocol
        self.extensions = "permessage-deflate" if self._client.compress else ""

    async def _connect(self, url, subprotocols, window_bits):
        self._session = aiohttp.ClientSession()
        try:
            self._client = await self._session.ws_connect(
                url, protocols=subprotocols, compress=window_bits, max_msg_size=0
            )
        except aiohttp.WSServerHandshakeError as refused:
            await self._session.close()
            raise Refused(refused.status, refused.headers, None) from None

    def _run(self, awaitable):
        async def limited():
            return await asyncio.wait_for(awaitable, PATIENCE)

        return self._loop.run_until_complete(limited())

    def send(self, data):
        say = self._client.send_str if isinstance(data, str) else self._client.send_bytes
        self._run(say(data))

    def receive(self):
        message = self._run(self._client.receive())
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return message.data
        assert message.type is aiohttp.WSMsgType.CLOSE, message
        raise Ended(message.data, message.extra or "")

    def close(self, code=1000, reason=""):
        self._run(self._client.close(code=code, message=reason.encode()))
        return self._client.close_code, reason  # it does not show the reason of the answer

    def leave(self):
        self._run(self._client.close())
        self._run(self._session.close())
        self._loop.close()


class Wsproto:
    """`wsproto` over a blocking socket: it has no I/O of its own, and shows every frame."""

    def __init__(self, url, subprotocols=(), compressed=True, deflate=None):
        parts = urlsplit(url)
        extensions = [deflate or PerMessageDeflate()] if compressed else []
        target = f"{parts.path}?{parts.query}"
        self._socket = socket.create_connection((parts.hostname, parts.port), PATIENCE)
        self._protocol = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._events = self._read()  # all but pings, which it answers
        self._say(Request(parts.netloc, target, extensions, subprotocols=list(subprotocols)))
        answer = next(self._events)
        if isinstance(answer, RejectConnection):
            body = b""
            if answer.has_body:
                for piece in self._events:
                    assert isinstance(piece, RejectData)
                    body += piece.data
                    if piece.body_finished:
                        break
            self._socket.close()
            raise Refused(answer.status_code, _Fields(answer.headers), body)
        assert isinstance(answer, AcceptConnection), answer
        self.subprotocol = answer.subprotocol
        self.extensions = ", ".join(extension.name for extension in answer.extensions)

    def _say(self, event):
        self._socket.sendall(self._protocol.send(event))

    def _read(self):
        while True:
            for event in self._protocol.events():
                if not isinstance(event, Ping):
                    yield event
                elif self._protocol.state is ConnectionState.OPEN:  # not after its Close frame
                    self._say(event.response())
            self._protocol.receive_data(self._socket.recv(65_536) or None)

    def send(self, data):
        self._say(TextMessage(data) if isinstance(data, str) else BytesMessage(data))

    def send_in_pieces(self, *pieces):
        kind = TextMessage if isinstance(pieces[0], str) else BytesMessage
        *earlier, last = pieces
        for piece in earlier:
            self._say(kind(piece, message_finished=False))
            self._say(Ping(b"between"))
            assert next(self._events) == Pong(b"between")
        self._say(kind(last))

    def receive(self):
        pieces = []
        for event in self._events:
            if isinstance(event, CloseConnection):
                self._say(event.response())
                self._expect_end()
                raise Ended(event.code, event.reason or "")
            pieces.append(event.data)
            if event.message_finished:
                break
        return type(pieces[0])().join(pieces)

    def ping(self):
        self._say(Ping(b"are you there?"))
        assert next(self._events) == Pong(b"are you there?")

    def close(self, code=1000, reason=""):
        self._say(CloseConnection(code, reason))
        answer = next(self._events)
        assert isinstance(answer, CloseConnection), answer
        self._expect_end()
        return answer.code, answer.reason or ""

    def close_without_code(self):
        """An empty Close frame, which the server must answer."""
        return self.close(CloseReason.NO_STATUS_RCVD, None)

    def _expect_end(self):
        """RFC 6455 7.1.1: the server closes the TCP connection first."""
        assert self._socket.recv(1) == b""

    def leave(self):
        self._socket.close()


class _Fields(dict):
    """Names and values as text, like the others have them."""

    def __init__(self, pairs):
        super().__init__((name.decode().lower(), value.decode()) for name, value in pairs)


PEERS = {
    "websockets": Websockets,
    "websockets-in-threads": WebsocketsInThreads,
    "aiohttp": Aiohttp,
    "wsproto": Wsproto,
}
