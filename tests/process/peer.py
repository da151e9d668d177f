"""The least of an HTTP client: requests as text, answers up to the end of their body."""

from __future__ import annotations

import socket

from tests.process.command import PATIENCE


def request(sock: socket.socket, target: str = "/", method: str = "GET", more: str = "") -> None:
    sock.sendall(f"{method} {target} HTTP/1.1\r\nhost: test\r\n{more}\r\n".encode("latin-1"))


def answer(sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, fields and body of the next answer, which must have a content-length."""
    with sock.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        fields = {}
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        return status, fields, stream.read(int(fields["content-length"]))


def fetch(port: int, target: str = "/") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
        request(sock, target)
        return answer(sock)[2]
