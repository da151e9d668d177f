"""Places for sockets, and sockets that are dead or alive already."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short name: pytest's own may leave no room for a Unix socket's path."""
    with tempfile.TemporaryDirectory(prefix="rsgi-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def path(directory):
    return str(directory / "server.sock")


@pytest.fixture
def dead_socket(path):
    """A socket file whose server is gone."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    return path


@pytest.fixture
def live_socket(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()
        yield path
