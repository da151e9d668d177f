"""Fixtures of the wire tests: a server that records its calls, and one whose application changes.

Know nothing of single rules.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.apps import Recorder, Replaceable
from tests.clients.delivery import Bench
from tests.clients.raw import RawConnection
from tests.clients.serving import Serving
from tests.clients.verdict import WORDS, Case


class Table:
    """Tries the cases of a table on one server, and looks at its log."""

    def __init__(self, serving: Serving, bench: Bench) -> None:
        self.serving = serving
        self.bench = bench

    def try_case(self, case: Case, delivery: str) -> None:
        self.serving.logs.clear()
        self.bench.try_case(case, delivery)
        logs = self.serving.logs
        if delivery == "whole" and all(not v.calls and v.answers for v in case.verdicts):
            # O34: a refusal leaves one warning for a 400, and no access line.
            assert not [line for line in logs.access if "/probe" not in line] or case.in_body
            assert set(logs.problems) <= {WORDS.decode()}
            if all(v.answers[0] == {400} for v in case.verdicts):
                assert logs.problems == [WORDS.decode()]
                assert [r.levelno for r in logs if r.getMessage() in logs.problems] == [
                    logging.WARNING
                ]
        assert not logs.messages(logging.ERROR)


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    """Parsing does not depend on the event loop: one server for all cases of a module."""
    recorder = Recorder()
    with Serving(recorder, lifespan="off") as serving:
        bench = Bench(serving.address, recorder)
        try:
            yield Table(serving, bench)
        finally:
            bench.close()


class Wire:
    """A running server whose application the test sets, and connections to it."""

    def __init__(self, serving: Serving, application: Replaceable) -> None:
        self.serving = serving
        self.logs = serving.logs
        self._application = application
        self._connections: list[RawConnection] = []

    def run(self, app: Any) -> None:
        """From now on every request goes to this application."""
        self._application.app = app

    def connect(self, **options: Any) -> RawConnection:
        connection = RawConnection(self.serving.address, **options)
        self._connections.append(connection)
        return connection

    def ask(self, app: Any, *requests: bytes) -> RawConnection:
        """A connection on which these requests have been sent, for this application."""
        self.run(app)
        connection = self.connect()
        for request in requests:
            connection.send(request)
        return connection

    def close_connections(self) -> None:
        for connection in self._connections:
            connection.abandon()
        self._connections.clear()


@pytest.fixture(scope="module")
def replaceable_server(loop_name: str) -> Iterator[tuple[Serving, Replaceable]]:
    application = Replaceable()
    with Serving(application, loop_name=loop_name, lifespan="off") as serving:
        yield serving, application


@pytest.fixture
def wire(replaceable_server: tuple[Serving, Replaceable]) -> Iterator[Wire]:
    """A server with default options, shared by a module."""
    serving, application = replaceable_server
    serving.logs.clear()
    wire = Wire(serving, application)
    try:
        yield wire
    finally:
        wire.close_connections()


@pytest.fixture
def wire_with(serve: Callable[..., Serving]) -> Iterator[Callable[..., Wire]]:
    """Servers with options of their own: `wire_with(timeout_keep_alive=1)`."""
    wires: list[Wire] = []

    def start(**options: Any) -> Wire:
        application = Replaceable()
        wires.append(Wire(serve(application, lifespan="off", **options), application))
        return wires[-1]

    yield start
    for wire in wires:
        wire.close_connections()
