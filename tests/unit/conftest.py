"""Keeps one unit test's logging from reaching the next one; what the tests of server.py share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from rsgi_bridge import server
from tests.unit.stand_in import FakeBridge

LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


@pytest.fixture(autouse=True)
def _untouched_loggers() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.level, logger.handlers[:], logger.propagate) for logger in loggers]
    yield
    for logger, (level, handlers, propagate) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The records of `uvicorn.error`, whatever earlier configurations have done to propagation."""
    logging.getLogger("uvicorn").propagate = True
    logging.getLogger("uvicorn.error").setLevel("DEBUG")
    return caplog


@pytest.fixture
def bridge_class(monkeypatch):
    """A class of its own for each test, in place of the core's; and a faster clock."""
    made = type("Bridge", (FakeBridge,), {})
    monkeypatch.setattr(server, "Bridge", made)
    monkeypatch.setattr(server, "TICK", 0.005)
    monkeypatch.setattr(server, "IDLE_GRACE", 0.05)
    monkeypatch.setattr(server, "CANCEL_GRACE", 0.05)
    return made


@pytest.fixture
def events():
    """What application and server did, in order."""
    return []


@pytest.fixture
def app(events):
    async def app(scope, receive, send):
        while True:
            event = (await receive())["type"]
            events.append(event)
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return

    return app
