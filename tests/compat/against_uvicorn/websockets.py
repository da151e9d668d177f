"""Observes WebSockets: handshakes and their scopes, what a peer gets, what an application sees.

And what is logged, as answers.py does it. Names of fields are in lower case and in alphabetical
order here, which mean nothing; the observations `ws-bytes/` have them as they come.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

from tests.clients.raw import RawConnection
from tests.clients.response import Cut, Hang, WireError
from tests.clients.websocket import handshake
from tests.clients.websocket_frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    RSV1,
    TEXT,
    Frame,
    frame,
    read_frame,
)
from tests.compat.against_uvicorn.answers import by_case
from tests.compat.against_uvicorn.contender import Contender, without_frames
from tests.compat.against_uvicorn.conversations import CONVERSATIONS
from tests.compat.against_uvicorn.exchange import PATIENCE, PROBE, ask
from tests.compat.against_uvicorn.handshakes import (
    BYE,
    EARLY,
    EXTENSIONS,
    HANDSHAKES,
    SCRIPTS,
    Deed,
    Script,
)
from tests.compat.against_uvicorn.requests import get
from tests.compat.against_uvicorn.scopes import Observed, served

Address = tuple[str, int]

NAMES = {TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
NEED_A_PEER = {"echo", "listen", "answer-the-end", "lets-out-what-a-lost-peer-raises"}
_DATE = re.compile(r"\w{3}, \d\d .* GMT")


@dataclass(frozen=True)
class Case:
    """One handshake for one conversation, and what the peer says then."""

    request: bytes
    script: Script = ()

    @classmethod
    def of(cls, name: str, conversation: str, fields: tuple[bytes, ...], script: Script) -> Case:
        """Its query names the case, under which the application keeps its notes."""
        return cls(handshake(f"/{conversation}?{name}", *fields), script)


# Of one server: conversations alone, then those that a peer's script belongs to.
CASES = {
    name: Case.of(name, *parts)
    for name, parts in ({name: (name, (), ()) for name in CONVERSATIONS} | SCRIPTS).items()
    if name not in NEED_A_PEER
} | {"early": Case(EARLY, (BYE,))}
# Of others.
CASES_APART = {
    "silent": Case.of("silent", "listen", (), ()),
    "offered": Case.of(
        "offered",
        "close-with-code",
        (EXTENSIONS + b"permessage-deflate; client_max_window_bits",),
        (),
    ),
    "plain": Case(handshake("/length?plain")),
}

# Options of a server of its own -> the cases that it gets.
SESSIONS: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "ws": (("--ws-max-size", "1000", "--no-server-header"), list(CASES)),
    "ws-own-fields": ((), ["close-with-code", "refuse", "date-and-server"]),
    "ws-pings": (("--ws-ping-interval", "0.2", "--ws-ping-timeout", "0.2"), ["silent"]),
    "ws-bare": (
        (
            *("--ws-per-message-deflate", "false", "--no-access-log"),
            *("--header", "X-A: b", "--header", "x-a:c", "--no-server-header", "--no-date-header"),
        ),
        ["offered", "refuse"],
    ),
    "ws-none": (("--ws", "none"), ["plain"]),
    "ws-limit": (("--limit-concurrency", "1"), ["close-with-code"]),
}

BYTES = ("headers", "refuse", "raise-first")

TOLD = {
    "handshake": (("--no-server-header",), HANDSHAKES),
    "handshake-root-path": (
        ("--no-server-header", "--root-path", "/api"),
        {name: HANDSHAKES[name] for name in ("usual", "absolute-target")},
    ),
}


def observe(contender: Contender, directory: object) -> Observed:
    observed: Observed = {}
    for session, (options, requests) in TOLD.items():
        with served(contender, "scopes", *options) as command:
            address = ("127.0.0.1", command.port)
            plain = converse(address, HANDSHAKES["usual"])
            observed[f"{session}/plain"] = contender.neutral(plain)
            for name, request in requests.items():
                lines = _apart_from(plain, converse(address, request))
                observed[f"{session}/{name}"] = contender.neutral(lines)
    for session, (options, names) in SESSIONS.items():
        cases = {name: (CASES | CASES_APART)[name] for name in names}
        observed |= observe_cases(contender, session, options, cases)
    return observed


def observe_cases(
    contender: Contender, session: str, options: tuple[str, ...], cases: dict[str, Case]
) -> Observed:
    observed: Observed = {}
    with served(contender, "behaving", *options) as command:
        address = ("127.0.0.1", command.port)
        for name, case in cases.items():
            lines = converse(address, case.request, case.script)
            notes = ask(address, get(f"/noted?{name}", "Connection: close")).body.decode()
            lines += [f"application: {note}" for note in notes.split("\n") if note]
            observed[f"{session}/{name}"] = lines
        for name in BYTES if session == "ws-own-fields" else ():
            head = read_head(address, CASES[name].request)
            observed[f"ws-bytes/{name}"] = contender.neutral(head)
        assert command.stop(signal.SIGINT) == 0
    logged = by_case(command.err.all, cases)
    for name in cases:
        lines = observed[f"{session}/{name}"]
        lines += [f"log: {line}" for line in without_frames(logged[name])]
        lines += [f"access: {line}" for line in command.out.all if f"?{name} " in line]
        observed[f"{session}/{name}"] = contender.neutral(lines)
    return observed


def _apart_from(plain: list[str], lines: list[str]) -> list[str]:
    """What is not as for a plain handshake; an answer that is no 101 whole."""
    if lines[0].startswith("200 "):
        # Its length is that of addresses, too.
        return [line for line in lines if not line.startswith("content-length: ")]
    if not lines[0].startswith("101 "):
        return lines
    # The port of the client is another one each time.
    before, now = (
        [line for line in some if "client: ('127.0.0.1', " not in line] for some in (plain, lines)
    )
    lost = [f"not {line}" for line in before if line not in now]
    return ["accepted", *lost, *(line for line in now if line not in before)]


def read_head(address: Address, request: bytes) -> list[str]:
    """The head of an answer as it stands on the wire, but for its date."""
    with RawConnection(address, timeout=PATIENCE) as peer:
        peer.send(request)
        return [_DATE.sub("DATE", line) for line in _head(peer)]


def _head(peer: RawConnection) -> list[str]:
    lines = []
    try:
        while line := peer.read_line():
            lines.append(line.decode("latin-1"))
    except (Cut, Hang):
        lines.append("<no end>")
    return lines


def converse(address: Address, request: bytes, script: Script = ()) -> list[str]:
    """Sends a handshake and does as the script says; all that came back, up to the end.

    A Close is answered, as peers do. How TCP ends is not told.
    """
    with RawConnection(address, timeout=PATIENCE) as peer:
        peer.send(request)
        first, *fields = _head(peer) or ["<nothing>"]
        lines = [first.removeprefix("HTTP/1.1 "), *sorted(map(_field, fields))]
        if not first.startswith("HTTP/1.1 101"):
            return lines + _answer(peer, dict(line.split(": ", 1) for line in lines[1:]), request)
        try:
            for step in script:
                if step is Deed.HEAR:
                    lines += _hear(peer)
                elif step is Deed.RESET:
                    peer.reset()
                    return lines
                elif step is Deed.END:
                    peer.half_close()
                else:
                    peer.send(step)
            while True:
                lines += _hear(peer)
        except Cut:
            return [*lines, "end"]
        except WireError as error:  # it hangs, or is no frame
            return [*lines, f"{type(error).__name__}: {error}"]


def _field(line: str) -> str:
    name, _, value = line.partition(":")
    return f"{name.lower()}: {_DATE.sub('DATE', value.strip())}"


def _answer(peer: RawConnection, fields: dict[str, str], request: bytes) -> list[str]:
    """The body, and what becomes of the connection."""
    length = 0 if request.startswith(b"HEAD ") else int(fields.get("content-length", 0))
    try:
        body = peer.read_exactly(length)
        peer.send(PROBE)
        kept = "connection kept" if peer.read_to_end() else "connection closed"
    except Cut:
        body, kept = peer.read_to_end(), "connection closed too early"
    return ["", *body.decode("utf-8", "surrogateescape").splitlines(), kept]


def _hear(peer: RawConnection) -> list[str]:
    got = read_frame(peer)
    if got.opcode == CLOSE:
        peer.send(frame(CLOSE, got.payload))
    return _shown(got)


def _shown(got: Frame) -> list[str]:
    kind = NAMES.get(got.opcode, f"opcode {got.opcode}")
    if got.rsv == RSV1:
        return [f"{kind}, compressed"]
    if got.opcode == CLOSE:
        code = int.from_bytes(got.payload[:2], "big") if got.payload else None
        return [f"close {code} {got.payload[2:].decode()!r}"]
    if got.opcode == PING or len(got.payload) > 2000:
        return [f"{kind} of {len(got.payload)} bytes"]
    if got.opcode == TEXT:
        return [f"text: {line}" for line in got.payload.decode("utf-8").split("\n")]
    return [f"{kind} {got.payload!r}"]
