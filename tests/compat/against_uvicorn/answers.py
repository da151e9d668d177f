"""Observes what each behaviour of an application comes to: bytes, connection, log, access line.

One server for all of them: `/noted` separates one case's log from the next one's.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

from tests.compat.against_uvicorn.behaviours import BEHAVIOURS
from tests.compat.against_uvicorn.contender import Contender, without_frames
from tests.compat.against_uvicorn.exchange import ask, connect, read_to_end
from tests.compat.against_uvicorn.requests import get
from tests.compat.against_uvicorn.scopes import Observed, served


@dataclass(frozen=True)
class Case:
    """One request for one behaviour."""

    behaviour: str
    method: str = "GET"
    version: str = "1.1"
    fields: tuple[str, ...] = ()
    data: bytes = b""
    later: bytes = b""  # sent after 100 Continue

    def request(self, name: str) -> bytes:
        """Its query names the case, under which the application keeps its notes."""
        length = len(self.data) + len(self.later)
        fields = (*self.fields, *([f"Content-Length: {length}"] if length else []))
        target = f"/{self.behaviour}?{name}"
        return get(target, *fields, method=self.method, version=self.version) + self.data


CASES = {
    **{name: Case(name) for name in BEHAVIOURS},
    "head-length": Case("length", method="HEAD"),
    "head-one-message": Case("one-message", method="HEAD"),
    "head-two-messages": Case("two-messages", method="HEAD"),
    "head-raises-first": Case("raises-first", method="HEAD"),
    "head-too-long": Case("too-long", method="HEAD"),
    "head-receive-between": Case("receive-between", method="HEAD"),
    "1.0-length": Case("length", version="1.0"),
    "1.0-keep-alive": Case("length", version="1.0", fields=("Connection: keep-alive",)),
    "1.0-two-messages": Case("two-messages", version="1.0"),
    "1.0-raises-first": Case("raises-first", version="1.0"),
    "asked-to-close": Case("length", fields=("Connection: close",)),
    "asked-to-close-in-list": Case("length", fields=("Connection: x, CLOSE",)),
    "posted-echo": Case("echo", method="POST", data=b"hello"),
    "posted-unread": Case("unread", method="POST", data=b"x" * 100_000),
    "posted-receive": Case("receive", method="POST", data=b"hello"),
    "expected-echo": Case(
        "echo", method="POST", fields=("Expect: 100-continue",), later=b"hello again"
    ),
    "expected-unread": Case(
        "unread", method="POST", fields=("Expect: 100-Continue",), data=b"hello"
    ),
}

# Options of a server of its own -> the cases that it gets.
SESSIONS: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "no-server-header": (("--no-server-header", "--no-date-header"), ["length", "raises-first"]),
    "header": (
        ("--header", "X-A: b", "--header", "x-a:c", "--header", "Server:ours"),
        ["length", "date-and-server", "raises-first"],
    ),
    "limit-concurrency": (("--limit-concurrency", "1"), ["length"]),
    "no-access-log": (("--no-access-log",), ["length"]),
    "h11": (("--http", "h11", "--loop", "asyncio"), ["length"]),
}

PIPELINED = {
    "two": get("/length?one") + get("/one-message?two", "Connection: close"),
    "then-rubbish": get("/length?one") + b"rubbish\r\n\r\n",
    "idle": get("/length?one"),
    "after-close": get("/length?one", "Connection: close") + get("/length?two"),
}


def observe(contender: Contender, directory: object) -> Observed:
    observed = observe_cases(contender, "answer", (), CASES)
    for session, (options, names) in SESSIONS.items():
        cases = {name: CASES[name] for name in names}
        observed |= observe_cases(contender, session, options, cases)
    return observed | observe_pipelined(contender)


def observe_cases(
    contender: Contender, session: str, options: tuple[str, ...], cases: dict[str, Case]
) -> Observed:
    observed: Observed = {}
    with served(contender, "behaving", *options) as command:
        address = ("127.0.0.1", command.port)
        for name, case in cases.items():
            answer = ask(address, case.request(name), case.later)
            lines = [*answer.lines(), "connection kept" if answer.kept else "connection closed"]
            notes = ask(address, get(f"/noted?{name}", "Connection: close")).body.decode()
            lines += [f"application: {note}" for note in notes.split("\n") if note]
            observed[f"{session}/{name}"] = lines
        assert command.stop(signal.SIGINT) == 0
    logged = by_case(command.err.all, cases)
    for name, case in cases.items():
        lines = observed[f"{session}/{name}"]
        lines += [f"log: {line}" for line in without_frames(logged[name])]
        mark = f"/{case.behaviour}?{name} "
        lines += [f"access: {line}" for line in command.out.all if mark in line]
        observed[f"{session}/{name}"] = contender.neutral(lines)
    return observed


def by_case(lines: list[str], cases: dict[str, Case]) -> dict[str, list[str]]:
    """The lines of the error log before each case's mark; none where there is no mark."""
    found: dict[str, list[str]] = {name: [] for name in cases}
    start = next(number for number, line in enumerate(lines) if "running on" in line) + 1
    for number, line in enumerate(lines):
        name = line.partition("== ")[2].removesuffix(" ==")
        if name in found:
            found[name] = lines[start:number]
            start = number + 1
    return found


def observe_pipelined(contender: Contender) -> Observed:
    observed: Observed = {}
    with served(contender, "behaving", "--timeout-keep-alive", "1") as command:
        for name, data in PIPELINED.items():
            with connect(("127.0.0.1", command.port)) as connection:
                connection.sendall(data)
                raw = read_to_end(connection).decode("latin-1")
            observed[f"pipelined/{name}"] = contender.neutral(raw.split("\r\n"))
    return observed
