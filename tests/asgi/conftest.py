"""Fixtures of the ASGI tests: `stage` shares one server between small cases, `stage_with` does not.

Both end a test with a look at the log: a task that died unseen is a failure of the test.
"""

from __future__ import annotations

import logging

import pytest

from tests.apps import Replaceable
from tests.asgi.exchange import Notes, Stage, answer
from tests.clients.serving import Serving


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture(scope="module")
def shared_server(loop_name):
    application = Replaceable()
    with Serving(application, loop_name=loop_name, lifespan="off") as serving:
        yield serving, application


@pytest.fixture
def stage(shared_server):
    """`stage(app)`: a server, shared by the module, that from now on runs this application."""
    serving, application = shared_server
    serving.logs.clear()
    stage = Stage(serving)

    def play(app):
        application.app = app
        return stage

    yield play
    stage.close_connections()
    play(answers_ok)
    # What the test's own calls still had to say is logged before a later request is answered.
    assert stage.ask("/settled").status == 200
    assert_no_lost_tasks(stage)


@pytest.fixture
def stage_with(serve):
    """`stage_with(app, **options)`: a server of its own, which also gets the lifespan scope."""
    stages = []

    def play(app, **options):
        stages.append(Stage(serve(app, **options)))
        return stages[-1]

    yield play
    for stage in stages:
        stage.close_connections()
        stage.serving.stop()
        assert_no_lost_tasks(stage)


async def answers_ok(scope, receive, send):
    await answer(send)


def assert_no_lost_tasks(stage):
    """asyncio logs exceptions that nobody retrieved, and tasks destroyed while pending."""
    assert stage.logs.messages(logging.ERROR, "asyncio") == []
