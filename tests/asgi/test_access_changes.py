"""Loggers that change while the server runs: the access log goes by what they are now (U5.2)."""

from __future__ import annotations

import logging
from contextlib import contextmanager

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import answer, request

ACCESS = logging.getLogger("uvicorn.access")


async def ok(scope, receive, send):
    await answer(send)


class Kept(logging.Handler):
    """Keeps records."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)

    @property
    def paths(self):
        return [record.args[2] for record in self.records if record.name == "uvicorn.access"]


@pytest.fixture(autouse=True)
def loggers():
    """What a test does to a logger ends with it."""
    names = ("", "uvicorn", "uvicorn.access")
    loggers = [logging.getLogger(name) for name in names]
    before = [(one.handlers[:], one.level, one.propagate, one.disabled) for one in loggers]
    yield
    for one, (handlers, level, propagate, disabled) in zip(loggers, before, strict=True):
        one.handlers[:], one.propagate, one.disabled = handlers, propagate, disabled
        one.setLevel(level)


@contextmanager
def asking(server):
    """Asks on one connection that is open all the while."""
    peer = server.connect()

    def ask(path):
        peer.send(request(path))
        assert peer.read_response().status == 200

    yield ask


def silence(logger):
    logger.handlers = []
    logger.propagate = False


def test_handlers_count_from_the_next_record_on(stage):
    """On a connection that is open already, too: uvicorn looks once per connection."""
    server = stage(ok)
    kept = Kept()
    with asking(server) as ask:
        silence(ACCESS)
        ask("/nobody")
        ACCESS.addHandler(kept)
        ask("/somebody")
        ACCESS.removeHandler(kept)
        ask("/nobody-again")
        ACCESS.handlers = [kept]
        ask("/replaced")
    assert kept.paths == ["/somebody", "/replaced"]


def test_handlers_further_up_count_where_records_propagate(stage):
    server = stage(ok)
    kept = Kept()
    with asking(server) as ask:
        silence(ACCESS)
        silence(logging.getLogger("uvicorn"))
        logging.getLogger().addHandler(kept)
        ask("/kept-back")
        ACCESS.propagate = True
        ask("/kept-back-further-up")
        logging.getLogger("uvicorn").propagate = True
        ask("/heard")
        logging.getLogger("uvicorn").addHandler(kept)
        ask("/heard-twice")
    assert kept.paths == ["/heard", "/heard-twice", "/heard-twice"]


def test_handler_added_by_the_request_itself_counts(stage):
    """The record is made when the head leaves (O36)."""
    server = stage(ok)
    kept = Kept()
    silence(ACCESS)

    async def app(scope, receive, send):
        ACCESS.addHandler(kept)
        await answer(send)

    stage(app)
    server.ask("/first")
    assert kept.paths == ["/first"]


def test_handler_added_while_a_request_waits_counts(stage):
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await send(start())
        await send(body(b"x"))

    server = stage(app)
    kept = Kept()
    silence(ACCESS)
    peer = server.connect(request("/waiting"))
    gate.expect_reached()
    ACCESS.addHandler(kept)
    gate.open()
    peer.read_response()
    assert kept.paths == ["/waiting"]


def test_level_and_disabling_count_from_the_next_record_on(stage):
    server = stage(ok)
    with asking(server) as ask:
        ACCESS.setLevel(logging.WARNING)
        ask("/quiet")
        ACCESS.setLevel(logging.INFO)
        ask("/loud")
        ACCESS.disabled = True
        ask("/disabled")
        ACCESS.disabled = False
        logging.disable(logging.INFO)
        try:
            ask("/all-disabled")
        finally:
            logging.disable(logging.NOTSET)
        ask("/loud-again")
    assert [record.args[2] for record in server.access] == ["/loud", "/loud-again"]


def test_formatter_changed_at_run_time_counts(stage):
    server = stage(ok)
    lines = []

    class Formats(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    handler = Formats()
    ACCESS.addHandler(handler)
    with asking(server) as ask:
        handler.setFormatter(logging.Formatter("one %(message)s"))
        ask("/")
        handler.setFormatter(logging.Formatter("two %(name)s"))
        ask("/")
    assert lines[0].startswith("one 127.0.0.1:")
    assert lines[1] == "two uvicorn.access"


def test_nothing_is_written_for_nobody(stage, capfd):
    """Not even by the handler of last resort."""
    server = stage(ok)
    silence(ACCESS)
    server.ask()
    assert "GET" not in "".join(capfd.readouterr())
