"""server.py: what each signal does, and that whoever sent it sees its usual effect."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from rsgi_bridge.server import Server
from tests.unit.stand_in import FINISHED, make, messages, serving

pytestmark = pytest.mark.usefixtures("bridge_class")


@pytest.fixture
def received():
    """Handlers of the test's own, as an embedding program may have; what they were called with."""
    numbers = []
    before = {
        number: signal.signal(number, lambda number, frame: numbers.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def test_first_signal_stops_and_second_interrupt_forces(app):
    # O22
    made = make(app)
    made.handle_exit(signal.SIGTERM, None)
    assert (made.should_exit, made.force_exit) == (True, False)
    made.handle_exit(signal.SIGTERM, None)
    assert not made.force_exit
    made.handle_exit(signal.SIGINT, None)
    assert made.force_exit


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_is_raised_again_after_the_shutdown(app, log, received, number):
    # O21, O31
    async def main():
        made = make(app)
        async with serving(made) as task:
            signal.raise_signal(number)
            assert received == []
            await task

    asyncio.run(main())
    assert received == [number]
    assert messages(log)[-1] == FINISHED


def test_signals_are_raised_again_last_first(app, received):
    made = make(app)
    with made.capture_signals():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert received == [signal.SIGINT, signal.SIGTERM]


def test_handlers_are_put_back(app, received):
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    made = make(app)
    with made.capture_signals():
        assert all(signal.getsignal(number) == made.handle_exit for number in numbers)
    assert [signal.getsignal(number) for number in numbers] == before


def test_ignored_hangup_stays_ignored(app, received):
    # O31: nohup
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with make(app).capture_signals():
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_should_exit_is_found_through_the_signal_handler(app, received):
    # sse-starlette ends its streams by polling this.
    made = make(app)
    with made.capture_signals():
        owner = signal.getsignal(signal.SIGTERM).__self__
        assert not owner.should_exit
        signal.raise_signal(signal.SIGTERM)
        assert owner.should_exit


def test_handler_patched_into_the_class_is_called(app, received, monkeypatch):
    # So does sse-starlette, at its import.
    seen = []
    original = Server.handle_exit

    def patched(self, sig, frame):
        seen.append(sig)
        original(self, sig, frame)

    monkeypatch.setattr(Server, "handle_exit", patched)
    with make(app).capture_signals():
        signal.raise_signal(signal.SIGTERM)
    assert seen == [signal.SIGTERM]


def test_other_threads_capture_no_signal(app):
    before = signal.getsignal(signal.SIGTERM)
    during = []
    made = make(app, ticks=1)

    async def main():
        async with serving(made):
            during.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join()
    assert during == [before]
    assert made.started
