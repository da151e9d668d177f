"""Fixtures of the framework tests: a server for an application, and an HTTP client for it.

`client_of` serves an application that a test made; `site` serves a module of `sites/` in each way
in which a user may.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.asgi.exchange import Notes
from tests.clients.serving import Serving
from tests.conftest import LOOPS
from tests.process.command import Command

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def client_of(serve):
    """`client_of(app, **options)`: an httpx client whose server runs until the test ends."""
    clients = []

    def start(app, **options):
        serving = serve(app, **options)
        client = connected(serving.url)
        client.serving = serving
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.close()


@pytest.fixture(scope="module", params=[*LOOPS, "command"])
def site(request):
    """A client of the module's `SITE`, with its `OPTIONS`: served in threads, and by command."""
    module = request.module
    options = getattr(module, "OPTIONS", {})
    with ExitStack() as stack:
        if request.param == "command":
            client = stack.enter_context(served_by_command(module.SITE, **options))
        else:
            name, _, attribute = module.SITE.partition(":")
            app = getattr(importlib.import_module(name), attribute)
            serving = stack.enter_context(Serving(app, loop_name=request.param, **options))
            client = stack.enter_context(connected(serving.url))
        yield client


@contextmanager
def served_by_command(app, *flags, environment=None, **options):
    """A client of `rsgi module:attribute --port 0`, which must end without a complaint."""
    for name, value in options.items():
        flags = (*flags, f"--{name.replace('_', '-')}", str(value))
    # By module, as the script may be another environment's.
    arguments = [sys.executable, "-m", "rsgi_bridge", app, "--port", "0", *flags]
    with Command(arguments, environment, cwd=ROOT) as command:
        with connected(f"http://127.0.0.1:{command.port}") as client:
            client.command = command
            yield client
        if command.process.poll() is None:
            assert command.stop() == 0, command.err.all
    assert [line for line in command.err.all if "Warning" in line] == []


def connected(url):
    # Without the environment's proxies and certificates: the peer is this machine.
    return httpx.Client(base_url=url, timeout=10, trust_env=False)
