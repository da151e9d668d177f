"""Access records while the server runs: whatever is done to logging counts from the next one on.

U5.1, U5.2. Always on a connection that was open before, because only a server that remembers
what it saw at its beginning can be wrong.
"""

from __future__ import annotations

import io
import logging
import logging.config

import pytest

from rsgi_bridge.logging import AccessFormatter
from tests.asgi.exchange import answer, request

logger = logging.getLogger("uvicorn.access")


@pytest.fixture(autouse=True)
def _same_logger_afterwards():
    before = logger.handlers[:], logger.filters[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.filters[:], level, logger.propagate = before
    logger.setLevel(level)


@pytest.fixture
def ask(stage):
    """`ask(target)`: a request on one connection, the same for the whole test."""

    async def ok(scope, receive, send):
        await answer(send)

    peer = stage(ok).connect()

    def play(target):
        peer.send(request(target))
        assert peer.read_response().status == 200

    play("/before")
    return play


class Targets(logging.Handler):
    """Keeps the third argument of each record."""

    def __init__(self, level=logging.NOTSET):
        super().__init__(level)
        self.seen = []

    def emit(self, record):
        self.seen.append(record.args[2])


@pytest.fixture
def targets():
    handler = Targets()
    logger.addHandler(handler)
    return handler


def test_level_of_a_handler(ask, targets):
    targets.setLevel(logging.WARNING)
    ask("/one")
    targets.setLevel(logging.INFO)
    ask("/two")
    assert targets.seen == ["/two"]


@pytest.mark.parametrize("place", ["logger", "handler"])
def test_filter(ask, targets, place):
    """As a function or an object, at both places."""
    filterer = {"logger": logger, "handler": targets}[place]

    def no_health(record):
        return record.args[2] != "/health"

    filterer.addFilter(no_health)
    ask("/health")
    ask("/other")
    filterer.removeFilter(no_health)
    ask("/health")
    assert targets.seen == ["/other", "/health"]


def test_filter_may_change_the_record(ask, targets):
    """Passwords in a query are a common reason."""

    class Redact(logging.Filter):
        def filter(self, record):
            client, method, path, version, status = record.args
            record.args = (client, method, path.partition("?")[0], version, status)
            return True

    logger.addFilter(Redact())
    ask("/a?password=secret")
    assert targets.seen == ["/a"]


def test_new_configuration(ask):
    stream = io.StringIO()
    ask("/one")
    logging.config.dictConfig(
        {
            "version": 1,
            "incremental": False,
            "disable_existing_loggers": False,
            "formatters": {
                "own": {"()": AccessFormatter, "fmt": "%(request_line)s", "use_colors": False}
            },
            "handlers": {
                "own": {"class": "logging.StreamHandler", "stream": stream, "formatter": "own"}
            },
            "loggers": {"uvicorn.access": {"handlers": ["own"], "level": "INFO"}},
        }
    )
    ask("/two")
    assert stream.getvalue() == "GET /two HTTP/1.1\n"


def test_logger_class_of_the_user(ask, monkeypatch, targets):
    """Libraries that structure logs give loggers another class, or patch the one there is."""
    called = []

    class Patched(logging.Logger):
        def info(self, message, *args, **options):
            called.append(args[2])
            super().info(message, *args, **options)

    monkeypatch.setattr(logger, "__class__", Patched)
    ask("/one")
    assert called == targets.seen == ["/one"]
