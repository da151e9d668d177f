"""Starts servers for the process tests and ends them, whatever the test did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.process.command import Command, server_arguments


@pytest.fixture
def command() -> Iterator[Callable[..., Command]]:
    """Starts any program: `command([program, argument, ...])`."""
    with ExitStack() as running:
        yield lambda *args, **options: running.enter_context(Command(*args, **options))


@pytest.fixture
def rsgi(command: Callable[..., Command]) -> Callable[..., Command]:
    """Starts an application of `served.py`: `rsgi("app", "--lifespan", "off")`."""

    def start(app: str = "app", *options: str, **context: object) -> Command:
        return command(server_arguments(f"served:{app}", *options), **context)

    return start


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short name: pytest's own may leave no room for a Unix socket's path."""
    with TemporaryDirectory(prefix="rsgi-", dir="/tmp") as name:
        yield Path(name)
