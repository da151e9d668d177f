"""signals.py: whose the signals are, for how long, and what their sender sees afterwards."""

from __future__ import annotations

import signal
import threading

import pytest

from rsgi_bridge import signals
from rsgi_bridge.signals import HANDLED_SIGNALS


@pytest.fixture
def received():
    """Handlers of the test's own, as an embedding program may have; what they were called with."""
    numbers = []
    before = {
        number: signal.signal(number, lambda number, frame: numbers.append(number))
        for number in HANDLED_SIGNALS
    }
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def handler(number, frame):
    """Nobody's: told from others by its name."""


def handlers():
    return [signal.getsignal(number) for number in HANDLED_SIGNALS]


def test_signals_are_the_servers_for_a_while(received):
    before = handlers()
    with signals.handled_by(handler):
        assert handlers() == [handler] * 3
    assert handlers() == before


def test_signals_are_given_back_after_a_failure(received):
    before = handlers()
    with pytest.raises(LookupError), signals.handled_by(handler):
        raise LookupError
    assert handlers() == before


def test_ignored_hangup_stays_ignored(received):
    # O31: nohup
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals.handled_by(handler):
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == handler
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_handler_that_was_not_set_in_python_becomes_the_default(received, monkeypatch):
    # signal.signal says None of it, and takes no None.
    set_signal = signal.signal
    monkeypatch.setattr(signal, "signal", lambda *args: set_signal(*args) and None)
    with signals.handled_by(handler):
        pass
    monkeypatch.undo()
    assert handlers() == [signal.SIG_DFL] * 3


def test_signals_are_raised_again_last_first_and_once(received):
    # O21
    captured = [signal.SIGTERM, signal.SIGINT]
    signals.raise_again(captured)
    assert received == [signal.SIGINT, signal.SIGTERM]
    assert captured == []


def test_interrupt_does_not_hide_a_signal_before_it(received):
    # O21: whoever sent SIGTERM sees what it does.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        signals.raise_again([signal.SIGTERM, signal.SIGINT])
    assert received == [signal.SIGTERM]


def test_only_the_main_thread_may_handle():
    found = []
    thread = threading.Thread(target=lambda: found.append(signals.may_handle()))
    thread.start()
    thread.join()
    assert found == [False]
    assert signals.may_handle()
