"""Fixtures of the framework tests: a server for an application, and an HTTP client for it."""

from __future__ import annotations

import httpx
import pytest

from tests.asgi.exchange import Notes


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def client_of(serve):
    """`client_of(app, **options)`: an httpx client whose server runs until the test ends."""
    clients = []

    def start(app, **options):
        serving = serve(app, **options)
        client = httpx.Client(base_url=serving.url, timeout=10, trust_env=False)
        client.serving = serving
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.close()
