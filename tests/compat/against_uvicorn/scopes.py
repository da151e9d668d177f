"""Observes the scopes that request shapes become, over TCP, IPv6 and Unix sockets, behind proxies.

What is refused shows as the bytes of the refusal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compat.against_uvicorn.contender import APPLICATIONS, Contender
from tests.compat.against_uvicorn.exchange import ask
from tests.compat.against_uvicorn.requests import FORWARDED, SHAPES, get
from tests.process.command import Command

Observed = dict[str, list[str]]

SIMPLE = get("/a%20b?c", "X-A: 1")
FORWARDED_TWICE = get("/", *FORWARDED["for-list"], *FORWARDED["proto"])

# Options of a server of its own, and the requests that it gets beside a plain one.
SESSIONS: dict[str, tuple[tuple[str, ...], dict[str, bytes]]] = {
    "scope": ((), SHAPES),
    "forwarded": ((), {name: get("/", *fields) for name, fields in FORWARDED.items()}),
    "root-path": (("--root-path", "/api"), {"simple": SIMPLE, "root": get()}),
    "no-proxy-headers": (("--no-proxy-headers",), {"forwarded": FORWARDED_TWICE}),
    "trust-all": (("--forwarded-allow-ips", "*"), {"forwarded": FORWARDED_TWICE}),
    "trust-network": (
        ("--forwarded-allow-ips", "127.0.0.0/8, 9.9.9.0/24"),
        {"forwarded": FORWARDED_TWICE},
    ),
    "trust-nobody": (("--forwarded-allow-ips", ""), {"forwarded": FORWARDED_TWICE}),
    "trust-others": (("--forwarded-allow-ips", "10.0.0.1"), {"forwarded": FORWARDED_TWICE}),
    "ipv6": (("--host", "::1"), {"simple": SIMPLE}),
}


@contextmanager
def served(contender: Contender, app: str, *options: str) -> Iterator[Command]:
    """A server of one of our applications, on a port of its own."""
    arguments = [f"{APPLICATIONS}:{app}", "--port", "0", "--lifespan", "off", *options]
    with contender.start(*arguments) as command:
        assert command.port
        yield command


def observe(contender: Contender, directory: Path) -> Observed:
    observed: Observed = {}
    for session, (options, requests) in SESSIONS.items():
        with served(contender, "scopes", *options) as command:
            address = ("::1" if "::1" in options else "127.0.0.1", command.port)
            for name, lines in _ask_all(address, requests).items():
                observed[f"{session}/{name}"] = contender.neutral(lines)
    return observed | _observe_unix(contender, directory)


def _observe_unix(contender: Contender, directory: Path) -> Observed:
    path = directory / "socket"
    observed: Observed = {}
    arguments = [f"{APPLICATIONS}:scopes", "--uds", str(path), "--lifespan", "off"]
    requests = {"simple": SIMPLE, "forwarded": FORWARDED_TWICE}
    for session, options in {"unix": [], "unix-trust-all": ["--forwarded-allow-ips", "*"]}.items():
        with contender.start(*arguments, *options) as command:
            command.err.wait("running on")
            for name, lines in _ask_all(path, requests).items():
                observed[f"{session}/{name}"] = contender.neutral(lines, directory)
    return observed


def _ask_all(address: tuple[str, int] | Path, requests: dict[str, bytes]) -> Observed:
    """The scope of a plain request whole, and of the others what is not as there."""
    plain = ask(address, get()).body.decode().split("\n")
    observed = {"plain": plain}
    for name, request in requests.items():
        answer = ask(address, request)
        if answer.status == 200:
            observed[name] = ["accepted", *_apart_from(plain, answer.body)]
        else:
            end = "connection kept" if answer.kept else "connection closed"
            observed[name] = [answer.lines()[0], answer.body.decode("latin-1"), end]
    return observed


def _apart_from(plain: list[str], body: bytes) -> list[str]:
    lines = body.decode("utf-8", "surrogateescape").split("\n")
    # The port of the client is another one each time.
    before, now = (
        [line for line in some if not line.startswith("client: ('127.0.0.1', ")]
        for some in (plain, lines)
    )
    lost = [f"not {line}" for line in before if line not in now]
    new = [line for line in now if line not in before]
    fields = [line for line in new if line.startswith("  ")]
    if len(fields) > 20 or any(len(line) > 2000 for line in fields):
        new = [line for line in new if line not in fields]
        new.append(f"{len(fields)} fields, {sum(map(len, fields))} characters")
    return lost + [line if len(line) < 2000 else f"{line[:30]}..., {len(line)}" for line in new]
