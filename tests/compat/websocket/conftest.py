"""Fixtures of the WebSocket tests: connections to a site, or to a test's own application."""

from __future__ import annotations

import pytest

from tests.compat.websocket.dialler import Dialler


@pytest.fixture
def dial(site):
    """`dial(path, **options)`: a connection to the module's site, closed when the test ends."""
    dialler = Dialler(site.base_url)
    yield dialler
    dialler.close()


@pytest.fixture
def dial_app(serve):
    """`dial_app(app, **options)`: a server for that application, as a `Dialler` to it."""
    diallers = []

    def start(app, **options):
        serving = serve(app, **options)
        dialler = Dialler(serving.url)
        dialler.serving = serving
        diallers.append(dialler)
        return dialler

    yield start
    for dialler in diallers:
        dialler.close()
