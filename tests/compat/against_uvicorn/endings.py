"""Servers that cannot start: what they were asked for. Nothing of how it is observed."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.compat.against_uvicorn.contender import APPLICATIONS


@dataclass
class Place:
    """A directory of its own, and what arguments may name: its files, a taken port."""

    path: Path
    values: dict[str, object]


@dataclass
class Ending:
    """Arguments, with names in braces for what `prepare` makes."""

    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def prepare(self, stack: contextlib.ExitStack) -> Place:
        path = Path(stack.enter_context(TemporaryDirectory(prefix="e-", dir="/tmp")))
        for name, text in self.files.items():
            (path / name).write_text(text)
        taken = stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        alive = stack.enter_context(socket.socket(socket.AF_UNIX))
        alive.bind(str(path / "alive"))
        alive.listen()
        return Place(path, {"directory": path, "taken": taken.getsockname()[1]})


def of_app(name: str, *options: str) -> Ending:
    return Ending((f"{APPLICATIONS}:{name}", "--port", "0", *options))


def of_module(text: str) -> Ending:
    return Ending(("faulty:app", "--port", "0"), files={"faulty.py": text})


ENDINGS: dict[str, Ending] = {
    "import-malformed": Ending(("nothing",)),
    "import-empty": Ending((":app",)),
    "module-missing": Ending(("no_such_module:app",)),
    "attribute-missing": of_app("nothing"),
    "attribute-of-attribute-missing": of_app("obedient.nothing"),
    "parent-missing": Ending(("no_such.module:app",)),
    "module-without-its-module": of_module("import no_such_inner_module"),
    "module-with-syntax-error": of_module("def"),
    "module-that-raises": of_module("raise LookupError('no settings')"),
    "module-that-exits": of_module("raise SystemExit(9)"),
    "factory-needy": of_app("needy_factory", "--factory"),
    "factory-fails": of_app("failing_factory", "--factory"),
    "factory-is-none": of_app("obedient", "--factory"),
    "startup-fails": of_app("startup_fails"),
    "startup-raises-on": of_app("startup_raises", "--lifespan", "on"),
    "unsupported-on": of_app("simple", "--lifespan", "on"),
    "port-taken": Ending((f"{APPLICATIONS}:obedient", "--port", "{taken}")),
    "port-taken-no-lifespan": Ending((f"{APPLICATIONS}:simple", "--port", "{taken}")),
    # Not with uvloop, which takes such a port modulo 65536.
    "port-too-large": Ending((f"{APPLICATIONS}:simple", "--port", "70000", "--loop", "asyncio")),
    "port-negative": Ending((f"{APPLICATIONS}:simple", "--port", "-1", "--loop", "asyncio")),
    "host-unknown": of_app("simple", "--host", "no-such-host.invalid"),
    "host-not-ours": of_app("simple", "--host", "192.0.2.1"),
    "unix-no-directory": of_app("simple", "--uds", "{directory}/none/socket"),
    "unix-is-a-file": Ending(
        (f"{APPLICATIONS}:simple", "--uds", "{directory}/file"), files={"file": ""}
    ),
    "fd-closed": of_app("simple", "--fd", "999"),
    "loop-unknown": of_app("simple", "--loop", "nope"),
    "loop-missing": of_app("simple", "--loop", "no_such_module:loop"),
    "http-unknown": of_app("simple", "--http", "nope"),
    "ws-unknown": of_app("simple", "--ws", "nope"),
    "header-without-colon": of_app("simple", "--header", "nope"),
    "key-without-certificate": of_app("simple", "--ssl-keyfile", "none"),
    "web-concurrency-word": Ending(
        (f"{APPLICATIONS}:simple", "--port", "0"), environment={"WEB_CONCURRENCY": "many"}
    ),
}
