"""Options that the benchmark programs share: which servers, which cores, what must be installed."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import sys
from collections.abc import Sequence

from servers import BUILT_IN, Server


def parser(about: str) -> argparse.ArgumentParser:
    """A parser that knows --servers, --command and --cores."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    names = ",".join(server.name for server in BUILT_IN)
    parser.add_argument(
        "--servers", metavar="A,B", help=f"of {names} and of the commands; else all found here"
    )
    parser.add_argument(
        "--command",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="one more server; {port}, {app} (a name in the module apps), {log} are filled in",
    )
    parser.add_argument("--cores", metavar="SERVER,LOAD", help="else the first two allowed")
    return parser


def servers(options: argparse.Namespace) -> list[Server]:
    """The servers that the options name, or every one found here."""
    extra = []
    for text in options.command:
        name, equals, command = text.partition("=")
        if not equals or "{port}" not in command:
            sys.exit(f"error: --command wants NAME='words with {{port}}', not {text!r}")
        extra.append(Server(name, command))
    known = {server.name: server for server in (*BUILT_IN, *extra)}
    if not options.servers:
        chosen = [server for server in known.values() if server in extra or not server.missing()]
    else:
        names = options.servers.split(",")
        if unknown := [name for name in names if name not in known]:
            sys.exit(f"error: no server {', '.join(unknown)}; known: {', '.join(known)}")
        chosen = [known[name] for name in names]
    for server in chosen:
        if reason := server.missing():
            sys.exit(f"error: {server.name} cannot run: {reason}")
    if not chosen:
        sys.exit("error: no server found here; install one or give --command")
    return chosen


def cores(options: argparse.Namespace) -> tuple[int, int]:
    """The server's core and the load's: two different ones."""
    allowed = sorted(os.sched_getaffinity(0))
    words = options.cores.split(",") if options.cores else [str(core) for core in allowed[:2]]
    if len(set(words)) != 2 or not all(word.isdigit() and int(word) in allowed for word in words):
        sys.exit(f"error: two different cores are needed, of {allowed}; got {words}")
    return int(words[0]), int(words[1])


def prepare(*, tools: Sequence[str]) -> None:
    """Refuse an unfit machine; allow many descriptors; let SIGTERM unwind as Ctrl-C does."""
    if sys.platform != "linux":
        sys.exit("error: the load benchmarks read /proc and pin cores: Linux only")
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        sys.exit(f"error: install {', '.join(missing)} first: not on the PATH")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended by SIGTERM"))
