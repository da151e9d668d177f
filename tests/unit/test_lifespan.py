"""lifespan.py: what an application answers, or does instead, in each mode; in uvicorn's words.

Server and sockets have no part in it: `test_server.py` has the order of things.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from types import SimpleNamespace

import pytest

from rsgi_bridge.lifespan import LifespanOff, LifespanOn

WAITING = "Waiting for application startup."
COMPLETE = "Application startup complete."
FAILED = "Application startup failed. Exiting."
UNSUPPORTED = "ASGI 'lifespan' protocol appears unsupported."
STOPPING = "Waiting for application shutdown."
STOPPED = "Application shutdown complete."
STOP_FAILED = "Application shutdown failed. Exiting."
STATE_ERROR = "Got invalid state transition on lifespan protocol."

PATIENCE = 5.0


def lifespan_of(app, mode="auto"):
    return LifespanOn(SimpleNamespace(lifespan=mode, loaded=True, loaded_app=app))


def live(app, mode="auto", *, stop=True):
    """Starts an application and, unless startup failed, stops it; returns its lifespan."""

    async def main():
        lifespan = lifespan_of(app, mode)
        await lifespan.startup()
        if stop and not lifespan.should_exit:
            await lifespan.shutdown()
        lifespan.abandon()
        return lifespan

    return asyncio.run(main())


def messages(log, level=logging.NOTSET):
    return [record.getMessage() for record in log.records if record.levelno >= level]


async def obedient(scope, receive, send):
    assert await receive() == {"type": "lifespan.startup"}
    await send({"type": "lifespan.startup.complete"})
    assert await receive() == {"type": "lifespan.shutdown"}
    await send({"type": "lifespan.shutdown.complete"})


async def ignorant(scope, receive, send):
    assert scope["type"] == "http"


@pytest.fixture(params=["auto", "on"])
def mode(request):
    return request.param


def test_obedient_application_starts_and_stops(log, mode):
    # ASGI-96, U6.1
    lifespan = live(obedient, mode)
    assert messages(log) == [WAITING, COMPLETE, STOPPING, STOPPED]
    assert not lifespan.should_exit


def test_scope_is_the_specifications(mode):
    # ASGI-91, U6.1
    scopes = []

    async def app(scope, receive, send):
        scopes.append(dict(scope))
        await obedient(scope, receive, send)

    live(app, mode)
    assert scopes == [
        {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    ]


def test_state_is_the_applications_own_dict():
    # ASGI-97, U6.1
    async def app(scope, receive, send):
        scope["state"]["pool"] = "a pool"
        await obedient(scope, receive, send)

    assert live(app).state == {"pool": "a pool"}


def test_context_of_the_application_stays_in_its_task():
    # ASGI-90, U6.1
    variable = contextvars.ContextVar("variable", default="outside")

    async def app(scope, receive, send):
        variable.set("inside")
        await obedient(scope, receive, send)

    async def main():
        lifespan = lifespan_of(app)
        await lifespan.startup()
        assert variable.get() == "outside"
        await lifespan.shutdown()

    asyncio.run(main())


def test_application_that_does_not_know_the_protocol_is_served_in_auto(log):
    # ASGI-92, U6.1
    lifespan = live(ignorant, "auto")
    assert messages(log) == [WAITING, UNSUPPORTED, COMPLETE]
    assert not lifespan.should_exit


def test_application_that_does_not_know_the_protocol_fails_in_on(log):
    lifespan = live(ignorant, "on")
    assert messages(log) == [WAITING, "Exception in 'lifespan' protocol\n", FAILED]
    assert log.records[1].exc_info[0] is AssertionError
    assert lifespan.should_exit


@pytest.mark.parametrize("error", [SystemExit(5), KeyboardInterrupt(), asyncio.CancelledError()])
def test_no_exception_of_the_application_ends_the_loop(log, error):
    # FLT-C24
    async def app(scope, receive, send):
        raise error

    live(app)
    assert messages(log) == [WAITING, UNSUPPORTED, COMPLETE]


def test_application_that_returns_without_an_answer_has_started(log, mode):
    async def app(scope, receive, send):
        await receive()

    live(app, mode)
    assert messages(log) == [WAITING, COMPLETE, STOPPING, STOPPED]


def test_application_that_returns_after_startup_is_tolerated(log, mode):
    # ASGI-98, U6.1
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})

    assert not live(app, mode).should_exit
    assert messages(log) == [WAITING, COMPLETE, STOPPING, STOPPED]


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize(("message", "lines"), [("no database", ["no database"]), ("", [])])
def test_startup_failed_is_logged_and_exits(log, mode, message, lines, raises):
    # ASGI-94. Starlette raises once more after the message: that is not told twice.
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": message})
        if raises:
            raise RuntimeError(message)
        await receive()

    lifespan = live(app, mode)
    assert messages(log) == [WAITING, *lines, FAILED]
    assert messages(log, logging.ERROR) == [*lines, FAILED]
    assert lifespan.should_exit


def test_startup_failed_needs_no_message(log):
    async def app(scope, receive, send):
        await send({"type": "lifespan.startup.failed"})

    assert live(app).should_exit
    assert messages(log) == [WAITING, FAILED]


def test_shutdown_failed_is_logged(log, mode):
    # ASGI-96, O23, U6.1
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "disk full"})

    assert live(app, mode).should_exit
    assert messages(log) == [WAITING, COMPLETE, STOPPING, "disk full", STOP_FAILED]


@pytest.mark.parametrize(
    ("mode", "lines"),
    [("auto", [UNSUPPORTED, STOPPED]), ("on", ["Exception in 'lifespan' protocol\n", STOP_FAILED])],
)
def test_exception_during_shutdown_is_logged(log, mode, lines):
    # ASGI-98, U6.1
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise RuntimeError

    live(app, mode)
    assert messages(log) == [WAITING, COMPLETE, STOPPING, *lines]


def test_shutdown_is_silent_after_an_exception(log):
    # ASGI-92, U6.1
    live(ignorant, "auto")
    assert STOPPING not in messages(log)


def test_second_shutdown_only_waits(log):
    asked = 0

    async def app(scope, receive, send):
        nonlocal asked
        await receive()
        await send({"type": "lifespan.startup.complete"})
        while await receive():
            asked += 1
            await asyncio.sleep(0)
            await send({"type": "lifespan.shutdown.complete"})

    async def main():
        lifespan = lifespan_of(app)
        await lifespan.startup()
        await asyncio.gather(lifespan.shutdown(), lifespan.shutdown())
        await lifespan.shutdown()

    asyncio.run(main())
    assert asked == 1
    assert messages(log) == [WAITING, COMPLETE, STOPPING, STOPPED]


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (["http.response.start"], "Unexpected ASGI message 'http.response.start'"),
        (["lifespan.startup.complete"] * 2, STATE_ERROR),
        (["lifespan.startup.complete", "lifespan.startup.failed"], STATE_ERROR),
        (["lifespan.shutdown.complete"], STATE_ERROR),
        (["lifespan.shutdown.failed"], STATE_ERROR),
        (["lifespan.startup.complete"] + ["lifespan.shutdown.complete"] * 2, STATE_ERROR),
    ],
)
def test_wrong_message_raises_in_the_application(sent, error):
    # FLT-C24
    errors = []

    async def app(scope, receive, send):
        await receive()
        try:
            for kind in sent:
                await send({"type": kind})
        except AssertionError as exc:
            errors.append(str(exc))

    live(app)
    assert len(errors) == 1
    assert errors[0].startswith(error)


def test_lifespan_loads_the_configuration():
    class Config(SimpleNamespace):
        def load(self):
            self.loaded, self.loaded_app = True, obedient

    async def main():
        lifespan = LifespanOn(Config(lifespan="auto", loaded=False, loaded_app=None))
        await lifespan.startup()
        await lifespan.shutdown()

    asyncio.run(main())


# --- Abandoning an application ---


@pytest.mark.parametrize("answers", [True, False])
def test_abandoned_startup_is_cancelled_without_a_word(log, answers):
    # O26. Starlette answers its cancellation with startup.failed and a traceback.
    entered = asyncio.Event()
    ended = []

    async def app(scope, receive, send):
        try:
            entered.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            if answers:
                await send({"type": "lifespan.startup.failed", "message": "a traceback"})
            raise

    async def main():
        lifespan = lifespan_of(app)
        starting = asyncio.ensure_future(lifespan.startup())
        await entered.wait()
        assert await lifespan.wait_abandoned(PATIENCE)
        starting.cancel()

    asyncio.run(main())
    assert ended == ["cancelled"]
    assert UNSUPPORTED not in messages(log)
    assert messages(log, logging.ERROR) == []


def test_application_that_ignores_its_cancellation_is_not_waited_for():
    entered, release = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        entered.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async def main():
        lifespan = lifespan_of(app)
        starting = asyncio.ensure_future(lifespan.startup())
        await entered.wait()
        assert not await lifespan.wait_abandoned(0.01)
        release.set()
        await starting

    asyncio.run(main())


def test_application_that_has_stopped_may_finish_its_own_work():
    done = []

    async def app(scope, receive, send):
        await obedient(scope, receive, send)
        await asyncio.sleep(0)
        done.append("after shutdown.complete")

    async def main():
        lifespan = lifespan_of(app)
        await lifespan.startup()
        await lifespan.shutdown()
        lifespan.abandon()
        assert await lifespan.wait_abandoned(PATIENCE)

    asyncio.run(main())
    assert done == ["after shutdown.complete"]


def test_lifespan_that_never_started_is_abandoned_at_once():
    async def main():
        assert await lifespan_of(obedient).wait_abandoned(0)

    asyncio.run(main())


def test_off_tells_the_application_nothing(log):
    async def app(scope, receive, send):
        raise AssertionError("not to be called")

    async def main():
        lifespan = LifespanOff(SimpleNamespace(lifespan="off", loaded=True, loaded_app=app))
        await lifespan.startup()
        await lifespan.shutdown()
        lifespan.abandon()
        assert await lifespan.wait_abandoned(0)
        assert lifespan.state == {}
        assert not lifespan.should_exit

    asyncio.run(main())
    assert messages(log) == []
