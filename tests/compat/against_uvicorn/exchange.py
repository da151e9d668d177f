"""One request as bytes, what came back byte for byte, and whether the connection was kept.

Knows just enough of HTTP/1.1 to see where an answer ends.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 5.0
PROBE = b"GET /probe HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n"


@dataclass
class Answer:
    """What a server wrote on one connection."""

    raw: bytes
    kept: bool

    @property
    def status(self) -> int:
        """Of the final head; 0 if there is none."""
        for head in self.raw.split(b"\r\n\r\n"):
            code = head[9:12]
            if head.startswith(b"HTTP/1.1 ") and not code.startswith(b"1"):
                return int(code)
        return 0

    @property
    def body(self) -> bytes:
        """As it stands on the wire, chunked or not."""
        rest = self.raw
        while rest.startswith(b"HTTP/1.1 1"):
            rest = rest.partition(b"\r\n\r\n")[2]
        return rest.partition(b"\r\n\r\n")[2]

    def lines(self) -> list[str]:
        """Head lines and body, readable; a long body by its length."""
        if not self.raw:
            return ["wire: nothing"]
        head, blank, body = self.raw.partition(b"\r\n\r\n")
        lines = [line.decode("latin-1") for line in head.split(b"\r\n")]
        if len(body) > 2000:
            lines += ["", f"<{len(body)} bytes>"]
        elif blank:
            lines += ["", *(repr(line)[2:-1] for line in body.split(b"\r\n"))]
        return lines


def ask(address: tuple[str, int] | str | Path, request: bytes, later: bytes = b"") -> Answer:
    """Sends a request on a new connection, and a probe when its answer is complete.

    Args:
        address: host and port, or the path of a Unix socket.
        request: the bytes, sent at once.
        later: bytes that are sent after an interim answer.
    """
    method = request.partition(b" ")[0]
    with connect(address) as connection:
        connection.sendall(request)
        raw = read_answer(connection, method)
        if raw.startswith(b"HTTP/1.1 100"):
            connection.sendall(later)
            raw += read_answer(connection, method)
        return Answer(raw, is_served(connection))


def connect(address: tuple[str, int] | str | Path) -> socket.socket:
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout=PATIENCE)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    connection.connect(str(address))
    return connection


def is_served(connection: socket.socket) -> bool:
    """Whether the connection still answers."""
    try:
        connection.sendall(PROBE)
        return bool(read_to_end(connection))
    except OSError:
        return False


def read_to_end(connection: socket.socket) -> bytes:
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except TimeoutError:
        data += b"<nothing more>"
    except ConnectionError:
        pass
    return data


def read_answer(connection: socket.socket, method: bytes) -> bytes:
    """Up to the end of one answer, interim ones included, or of the connection."""
    data = b""
    while not is_complete(data, method):
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            return data + b"<nothing more>"
        except ConnectionError:
            break
        if not piece:
            break
        data += piece
    return data


def is_complete(data: bytes, method: bytes) -> bool:
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        return False
    fields = [line.lower().partition(b":") for line in head.split(b"\r\n")[1:]]
    values = {name: value.strip() for name, _, value in reversed(fields)}  # the first one counts
    status = head[9:12]
    if status == b"100":
        return True
    if method == b"HEAD" or status in (b"204", b"304"):
        return True
    if b"chunked" in values.get(b"transfer-encoding", b""):
        return body.endswith(b"0\r\n\r\n")
    if values.get(b"content-length", b"").isdigit():
        return len(body) >= int(values[b"content-length"])
    return False
