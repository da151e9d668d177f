"""Applications that once took the server with them: too many fields, a failure of their own kind,
a stream into nowhere.

FLT-C10, FLT-C15, FLT-C19, FLT-C21, O1. Each test is named after the fault that it keeps away.
"""

from __future__ import annotations

import threading

import pytest

from tests.apps import body, start
from tests.asgi.exchange import answer, pause, request

TOO_MANY = [(b"x-%d" % n, b"v") for n in range(30_000)]


class Unheard(BaseException):
    """No Exception, and nothing that the interpreter knows."""


class Outcome:
    """The first call is the one under test; later ones tell how many calls run beside them."""

    def __init__(self, app, notes):
        self.app = app
        self.notes = notes
        self.bridge = None

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        if scope["path"] == "/tasks":
            await pause()
            await answer(send, b"%d" % self.bridge.tasks)
            return
        try:
            await self.app(scope, receive, send)
        except BaseException as failure:
            self.notes(failure)
            raise


def assert_fails_alone(stage_with, outcome, text):
    """The client gets a 500, no call is left, the log has one error, and the server stops."""
    stage = stage_with(outcome, lifespan="off")
    outcome.bridge = stage.serving.server.server_state.core
    with stage.connect(request()) as peer:
        response = peer.read_response()
        assert response.status == 500
        assert response.closes
        peer.expect_end()
    assert text in str(outcome.notes.next())
    assert stage.ask("/tasks").body == b"1", "only the call that asks runs"
    assert len(stage.errors) == 1
    stage.serving.begin_stop()
    stage.serving.join(timeout=5)


@pytest.mark.parametrize("suspends", [False, True], ids=["at-once", "after-a-suspension"])
def test_more_fields_than_a_map_can_hold_raise_into_the_application(stage_with, notes, suspends):
    """FLT-C15, O9: the panic that it was went through the task and left it running for ever."""

    async def app(scope, receive, send):
        if suspends:
            await pause()
        await send(start(200, TOO_MANY))
        notes("accepted")

    assert_fails_alone(stage_with, Outcome(app, notes), "Too many HTTP headers.")


@pytest.mark.parametrize("suspends", [False, True], ids=["at-once", "after-a-suspension"])
def test_base_exception_of_its_own_ends_the_call_and_nothing_else(stage_with, notes, suspends):
    """FLT-C10."""

    async def app(scope, receive, send):
        if suspends:
            await pause()
        raise Unheard("of its own kind")

    assert_fails_alone(stage_with, Outcome(app, notes), "of its own kind")


class Endless:
    """Streams until it is told to stop, and awaits nothing but `send`; answers at `/other`."""

    def __init__(self):
        self.sent = 0
        self.stop = threading.Event()
        self.over = threading.Event()

    async def __call__(self, scope, receive, send):
        if scope["path"] == "/other":
            await answer(send, b"%d" % self.sent)
            return
        await send(start(204 if scope["path"] == "/204" else 200))
        while not self.stop.is_set():
            await send(body(b"x" * 1000, more=True))
            self.sent += 1
        self.over.set()

    def assert_lets_others_run(self, stage):
        """Others are answered, and between their answers it goes on."""
        sent = [int(stage.ask("/other").body) for _ in range(3)]
        assert sent[0] < sent[1] < sent[2]
        assert not self.over.is_set()


@pytest.mark.parametrize(
    ("method", "target"), [(b"HEAD", "/"), (b"GET", "/204")], ids=["head", "no-content"]
)
def test_endless_stream_without_a_body_lets_others_run(stage, method, target):
    """FLT-C19, FLT-C21: what goes nowhere was taken at once, for ever."""
    app = Endless()
    server = stage(app)
    try:
        peer = server.connect(request(target, method=method))
        assert peer.read_head().status == (204 if target == "/204" else 200)
        app.assert_lets_others_run(server)
    finally:
        app.stop.set()
    assert app.over.wait(5)


def test_endless_stream_whose_reader_has_reset_lets_others_run(stage):
    """O1, FLT-B3: the sends are silent, and still give way."""
    app = Endless()
    server = stage(app)
    try:
        peer = server.connect(request())
        assert peer.read_head().status == 200
        assert peer.read_chunk()
        peer.reset()
        app.assert_lets_others_run(server)
    finally:
        app.stop.set()
    assert app.over.wait(5)
