"""Observes whole lives of a server process: what it says on both streams, and how it ends.

Each life is a function that acts on a running server; `endings.py` has those that cannot start.
"""

from __future__ import annotations

import contextlib
import signal
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.raw import RawConnection
from tests.clients.websocket import handshake
from tests.compat.against_uvicorn.contender import APPLICATIONS, ROOT, Contender, without_frames
from tests.compat.against_uvicorn.endings import ENDINGS, Ending
from tests.compat.against_uvicorn.exchange import ask, connect, read_to_end
from tests.compat.against_uvicorn.forking import Forks, forks_of
from tests.compat.against_uvicorn.handshakes import BYE
from tests.compat.against_uvicorn.requests import get
from tests.compat.against_uvicorn.scopes import Observed
from tests.compat.against_uvicorn.websockets import converse
from tests.process.command import Command

CLOSE = "Connection: close"
CRLF = b"\r\n"

# Names, because what is sent goes through `kill`.
INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


@dataclass
class Life:
    """A server that starts, is acted upon and ends.

    Args:
        app: the name of one of our applications.
        options: of the command line, beside `--port 0`.
        acts: what happens between its start and its last signal; may return lines to report.
        ends_by: the last signal; None if it ends by itself.
        program: runs in place of the command.
    """

    app: str = "obedient"
    options: tuple[str, ...] = ()
    acts: Callable[[Command, Path], list[str] | None] = lambda command, directory: None
    ends_by: signal.Signals | None = INT
    environment: dict[str, str] = field(default_factory=dict)
    program: str | None = None


def ask_for(path: str, *fields: str) -> Callable[[Command, Path], list[str]]:
    """Sends one request; reports its first and its last line."""

    def act(command: Command, directory: Path) -> list[str]:
        lines = ask(("127.0.0.1", command.port), get(path, CLOSE, *fields)).lines()
        return [lines[0], lines[-1]]

    return act


def send_rubbish(command: Command, directory: Path) -> None:
    ask(("127.0.0.1", command.port), b"rubbish\r\n\r\n")


def ask_to_the_end(command: Command, directory: Path) -> None:
    """Of the call, then of the connection, which else overtake each other or a signal."""
    with connect(("127.0.0.1", command.port)) as connection:
        connection.sendall(get("/"))
        command.err.wait("ASGI [2] Completed")
    command.err.wait("HTTP connection lost")


def ask_over_unix(command: Command, directory: Path) -> list[str]:
    """And says what is there in the file system."""
    command.err.wait("running on")
    path = directory / "socket"
    mode = stat.filemode(path.stat().st_mode)
    return [mode, ask(path, get("/", CLOSE)).lines()[0]]


def interrupt_twice(command: Command, directory: Path) -> list[str]:
    """With a request that never ends; what its client gets."""
    with connect(("127.0.0.1", command.port)) as connection:
        connection.sendall(get("/hang"))
        command.err.wait("request entered")
        command.send_signal(INT)
        command.err.wait("CTRL+C to force quit")
        command.send_signal(INT)
        return [f"client: {read_to_end(connection).decode().splitlines()[:1]}"]


def terminate_twice(command: Command, directory: Path) -> list[str]:
    """The second one changes nothing: the server waits for the client."""
    with connect(("127.0.0.1", command.port)) as connection:
        connection.sendall(get("/patient"))
        command.err.wait("request entered")
        command.send_signal(TERM)
        command.err.wait("CTRL+C to force quit")
        command.send_signal(TERM)
    return []


def stop_with_a_limit(command: Command, directory: Path) -> list[str]:
    """A request that outlives the grace is cancelled, and may still be answered for."""
    with connect(("127.0.0.1", command.port)) as connection:
        connection.sendall(get("/hang"))
        command.err.wait("request entered")
        command.send_signal(INT)
        return [f"client: {line}" for line in read_to_end(connection).decode().splitlines()[:1]]


def converse_to_the_end(command: Command, directory: Path) -> list[str]:
    """Of a session that its peer closes, and of its connection."""
    lines = converse(("127.0.0.1", command.port), handshake("/a?b"), (BYE,))
    command.err.wait("WebSocket connection lost")
    return [f"client: {line}" for line in (lines[0], *lines[-2:])]


def stop_with_a_session(path: str) -> Callable[[Command, Path], list[str]]:
    """What a peer gets that does not answer."""

    def act(command: Command, directory: Path) -> list[str]:
        with RawConnection(("127.0.0.1", command.port)) as peer:
            peer.send(handshake(path))
            command.err.wait("session entered")
            command.send_signal(INT)
            head, _, frames = peer.read_to_end().partition(b"\r\n\r\n")
            return [f"client: {head.partition(CRLF)[0].decode()}, then {frames!r}"]

    return act


def reach_the_limit(command: Command, directory: Path) -> None:
    for _ in range(2):
        ask(("127.0.0.1", command.port), get("/", CLOSE))


def ask_by_printed_port(command: Command, directory: Path) -> list[str]:
    """Where the server says nothing, its program does; the kernel keeps our connection."""
    port = int(command.out.wait("listening on").rpartition(":")[2])
    return ask(("127.0.0.1", port), get("/", CLOSE)).lines()[:1]


LISTENING_PROGRAM = """
import socket
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print("listening on 127.0.0.1:%d" % listener.getsockname()[1])
server.run("{app}", fd=listener.fileno(), {options})
print("after run")
"""


def listening(options: str, app: str = "obedient") -> str:
    """A program that binds itself, so that a silent server can be asked."""
    return LISTENING_PROGRAM.format(app=f"{APPLICATIONS}:{app}", options=options)


LIVES: dict[str, Life] = {
    "lifespan": Life(),
    "no-lifespan": Life("simple"),
    "lifespan-off": Life(options=("--lifespan", "off")),
    "startup-raises": Life("startup_raises", acts=ask_for("/")),
    "startup-unanswered": Life("startup_unanswered", acts=ask_for("/")),
    "startup-twice": Life("startup_twice"),
    "shutdown-fails": Life("shutdown_fails"),
    "shutdown-raises": Life("shutdown_raises"),
    "shutdown-raises-on": Life("shutdown_raises", ("--lifespan", "on")),
    "factory": Life("factory", ("--factory",), ask_for("/")),
    "factory-undeclared": Life("factory", acts=ask_for("/")),
    "two-calls": Life("two_calls", acts=ask_for("/")),
    "two-calls-declared": Life("two_calls", ("--interface", "asgi2"), ask_for("/")),
    "wsgi": Life("wsgi", ("--interface", "wsgi"), ask_for("/")),
    "not-callable": Life("not_callable", acts=ask_for("/")),
    "term": Life(ends_by=TERM),
    "hup": Life(ends_by=HUP),
    "int-twice": Life(acts=interrupt_twice, ends_by=None),
    "term-twice": Life(acts=terminate_twice, ends_by=None),
    "graceful-limit": Life(
        options=("--timeout-graceful-shutdown", "1"), acts=stop_with_a_limit, ends_by=None
    ),
    "limit-max-requests": Life(
        options=("--limit-max-requests", "2"), acts=reach_the_limit, ends_by=None
    ),
    "access": Life(acts=ask_for("/a%20b/%C3%A9?x=%201")),
    "access-missing-phrase": Life("simple", acts=ask_for("/raise")),
    "access-forwarded": Life(acts=ask_for("/", "X-Forwarded-For: 9.9.9.9")),
    "access-off": Life(options=("--no-access-log",), acts=ask_for("/")),
    "refused": Life(acts=send_rubbish),
    "colours": Life(options=("--use-colors",), acts=ask_for("/raise"), app="simple"),
    "no-colours": Life(options=("--no-use-colors",), acts=ask_for("/")),
    "debug": Life(options=("--log-level", "debug"), acts=ask_for("/")),
    "trace": Life(options=("--log-level", "trace"), acts=ask_to_the_end),
    "error": Life(
        program=listening("log_level='error'", "simple"), acts=ask_by_printed_port, app="simple"
    ),
    "upgrade-unsupported": Life(
        acts=ask_for("/", "Connection: Upgrade", "Upgrade: foo"), options=("--ws", "none")
    ),
    "websocket-stop": Life("conversing", acts=stop_with_a_session("/open"), ends_by=None),
    "websocket-stop-unanswered": Life(
        "conversing", acts=stop_with_a_session("/unanswered"), ends_by=None
    ),
    "websocket-trace": Life("conversing", ("--log-level", "trace"), acts=converse_to_the_end),
    "unix": Life(options=("--uds", "DIRECTORY/socket"), acts=ask_over_unix),
    "localhost": Life(options=("--host", "localhost"), acts=ask_for("/")),
    "ipv6": Life(options=("--host", "::1")),
    "every-address": Life(options=("--host", "0.0.0.0")),
    "fd": Life(program=listening(""), acts=ask_by_printed_port),
    "run-and-term": Life(program=listening(""), acts=ask_by_printed_port, ends_by=TERM),
    "no-log-config": Life(program=listening("log_config=None"), acts=ask_by_printed_port),
    "environment": Life(
        environment={"UVICORN_LIFESPAN": "off", "UVICORN_HEADERS": "X-A:1 X-B:2"},
        acts=ask_for("/"),
    ),
    "environment-app": Life(app="", environment={"UVICORN_APP": f"{APPLICATIONS}:simple"}),
    "web-concurrency-1": Life(environment={"WEB_CONCURRENCY": "1"}),
    "log-config-json": Life(options=("--log-config", "DIRECTORY/log.json"), acts=ask_for("/")),
    "log-config-yaml": Life(options=("--log-config", "DIRECTORY/log.yaml"), acts=ask_for("/")),
    "log-config-ini": Life(options=("--log-config", "DIRECTORY/log.ini"), acts=ask_for("/")),
    "env-file": Life(options=("--env-file", "DIRECTORY/env"), acts=ask_for("/")),
}

JSON_LOG = """{
    "version": 1,
    "disable_existing_loggers": false,
    "formatters": {
        "f": {"()": "uvicorn.logging.DefaultFormatter", "fmt": "%(levelprefix)s|%(message)s"}
    },
    "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f"}},
    "loggers": {"uvicorn": {"handlers": ["h"], "level": "INFO"}}
}
"""
INI_LOG = """
[loggers]
keys = root
[handlers]
keys = h
[formatters]
keys = f
[logger_root]
level = INFO
handlers = h
[handler_h]
class = StreamHandler
formatter = f
args = (sys.stderr,)
[formatter_f]
format = %(levelname)s|%(name)s|%(message)s
"""
FILES = {"log.json": JSON_LOG, "log.yaml": JSON_LOG, "log.ini": INI_LOG, "env": "A_VARIABLE=1\n"}


def observe(contender: Contender, directory: Path) -> Observed:
    """Two lives at a time: they wait more than they work."""
    with ThreadPoolExecutor(2) as pool, forks_of(contender.package, ROOT) as forks:
        lives = pool.map(lambda life: _live(contender, life, directory), LIVES.values())
        endings = [_end(contender, ending, forks) for ending in ENDINGS.values()]
        named = zip([*LIVES, *ENDINGS], [*lives, *endings], strict=True)
        return {f"life/{name}": lines for name, lines in named}


def _live(contender: Contender, life: Life, parent: Path) -> list[str]:
    directory = parent / f"life-{id(life)}"
    directory.mkdir()
    for name, text in FILES.items():
        (directory / name).write_text(text)
    options = [option.replace("DIRECTORY", str(directory)) for option in life.options]
    app = [f"{APPLICATIONS}:{life.app}"] if life.app else []
    port = [] if "--uds" in options else ["--port", "0"]
    if life.program is not None:
        command = contender.start_program(life.program)
    else:
        command = contender.start(*app, *port, *options, environment=life.environment)
    with command:
        lines: list[str] = []
        try:
            if life.program is None:
                command.err.wait("running on")
            lines += life.acts(command, directory) or []
            code = command.wait() if life.ends_by is None else command.stop(life.ends_by)
        except AssertionError:
            code = command.wait()
            lines.append("did not come so far")
        if "--uds" in options:
            lines.append(f"left behind: {(directory / 'socket').exists()}")
    return contender.neutral([*lines, *told(command.out.all, command.err.all, code)], directory)


def _end(contender: Contender, ending: Ending, forks: Forks) -> list[str]:
    with contextlib.ExitStack() as stack:
        place = ending.prepare(stack)
        options = [option.format(**place.values) for option in ending.arguments]
        out, err, code = forks.run(options, ending.environment, place.path)
        return contender.neutral(told(out, err, code), place.path)


def told(out: list[str], err: list[str], code: int) -> list[str]:
    """Both streams and the end, a traceback by its last line."""
    end = signal.Signals(-code).name if code < 0 else str(code)
    lines = [f"err: {line}" for line in without_frames(err)]
    # What a loop's end says of the tasks that it finds has no order.
    last = next((n for n, line in enumerate(lines) if "Finished server" in line), len(lines))
    lines = lines[: last + 1] + sorted(lines[last + 1 :])
    return [*(f"out: {line}" for line in without_frames(out)), *lines, f"exit: {end}"]
