"""Reads one HTTP/1.1 response the way RFC 9112 frames it, and forgives nothing.

Pulls bytes from anything that has `read_line`, `read_exactly` and `read_to_end`; knows no sockets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)")
FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e\x80-\xff \t]*)")
DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) 20[0-9]{2} "
    r"[0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT"
)


class WireError(AssertionError):
    """The peer broke a rule of HTTP/1.1."""


class Hang(WireError):
    """Nothing came within the deadline."""


class Cut(WireError):
    """The connection ended in the middle of a message."""


@dataclass
class Response:
    """One response; `interim` holds the 1xx ones that came before it."""

    version: str
    status: int
    phrase: str
    fields: list[tuple[str, str]]
    interim: list[Response] = field(default_factory=list)
    framing: str = "none"
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)
    complete: bool = False

    def every(self, name: str) -> list[str]:
        """The values of all field lines of a name (lower-case), in order."""
        return [value for known, value in self.fields if known.lower() == name]

    def one(self, name: str) -> str | None:
        """The value of a field that may be there once."""
        values = self.every(name)
        if len(values) > 1:
            raise WireError(f"{len(values)} {name} fields: {values}")
        return values[0] if values else None

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.fields]

    @property
    def closes(self) -> bool:
        tokens = ",".join(self.every("connection")).lower().split(",")
        return "close" in (token.strip() for token in tokens)


def read_head(source: Any) -> Response:
    """One head, interim or final."""
    line = source.read_line()
    match = STATUS_LINE.fullmatch(line)
    if match is None:
        raise WireError(f"not a status line: {line!r}")
    minor, status, phrase = match.groups()
    fields: list[tuple[str, str]] = []
    while line := source.read_line():
        match = FIELD_LINE.fullmatch(line)
        if match is None:
            raise WireError(f"not a field line: {line!r}")
        name, value = match.groups()
        fields.append((name.decode("ascii"), value.decode("latin-1").strip(" \t")))
    return Response(f"1.{minor.decode()}", int(status), phrase.decode("latin-1"), fields)


def read_final_head(source: Any) -> Response:
    """The head of the final response, with the interim ones before it."""
    interim = []
    while (response := read_head(source)).status < 200:
        if response.status == 101:
            break
        interim.append(response)
    response.interim = interim
    response.framing = framing_of(response)
    return response


def framing_of(response: Response) -> str:
    """How the body ends, if the request's method allows one."""
    length, codings = response.one("content-length"), response.every("transfer-encoding")
    for name in ("date", "server"):
        response.one(name)
    if response.status == 204 or response.status < 200:
        if length is not None or codings:
            raise WireError(f"{response.status} with framing: {response.fields}")
        return "none"
    if codings:
        if codings != ["chunked"] or length is not None:
            raise WireError(f"two framings: {response.fields}")
        return "none" if response.status == 304 else "chunked"
    if length is not None:
        if not re.fullmatch("[0-9]+", length):
            raise WireError(f"content-length: {length!r}")
        return "none" if response.status == 304 else "length"
    return "none" if response.status == 304 else "close"


def read_body(source: Any, response: Response, method: str) -> Response:
    """The rest of a response whose head has been read."""
    if method == "HEAD" or response.framing == "none":
        response.framing = "none"
    elif response.framing == "length":
        response.body = source.read_exactly(int(response.one("content-length") or 0))
    elif response.framing == "close":
        response.body = source.read_to_end()
    else:
        while chunk := read_chunk(source):
            response.chunks.append(chunk)
            response.body = b"".join(response.chunks)
    response.complete = True
    return response


def read_chunk(source: Any) -> bytes:
    """One chunk; the last one, with its (empty) trailer section, is empty."""
    line = source.read_line()
    if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", line):
        raise WireError(f"not a chunk size: {line!r}")
    size = int(line, 16)
    data = source.read_exactly(size)
    if (end := source.read_exactly(2)) != b"\r\n":
        raise WireError(f"chunk data or trailers end in {end!r}")
    return data
