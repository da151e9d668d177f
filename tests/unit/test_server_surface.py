"""server.py: the attributes and methods that programs written for uvicorn's `Server` use (U2.4)."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time

import pytest

from rsgi_bridge import Config, server
from rsgi_bridge.server import Server
from tests.unit.stand_in import FINISHED, RUNNING, make, messages, serve, serving

pytestmark = pytest.mark.usefixtures("bridge_class")


def test_attributes_of_a_server_that_was_never_started(app):
    # U2.4
    config = Config(app, log_config=None)
    made = Server(config)
    assert made.config is config
    assert made.servers == []
    assert not any([made.started, made.should_exit, made.force_exit])
    assert made.last_notified == 0.0
    assert made._captured_signals == []
    assert made.limit_max_requests is None


def test_old_switch_for_signals_harms_nobody(app):
    # U2.4: a method of uvicorn's until 0.29, which programs still replace.
    made = make(app, ticks=1)
    made.install_signal_handlers = lambda: None
    serve(made)
    assert made.started


# --- The limit of requests ---


def test_limit_of_requests_is_drawn_once(app):
    # U2.4
    limits = set()
    for _ in range(100):
        made = make(app, limit_max_requests=100, limit_max_requests_jitter=5)
        assert 100 <= made.limit_max_requests <= 105
        assert made.limit_max_requests == made.limit_max_requests
        limits.add(made.limit_max_requests)
    assert len(limits) > 1


def test_limit_of_requests_without_jitter_is_the_options(app):
    assert make(app, limit_max_requests=7).limit_max_requests == 7


def test_drawn_limit_is_what_ends_the_server(app, log, bridge_class, monkeypatch):
    monkeypatch.setattr(server.random, "randint", lambda low, high: high)
    bridge_class.total_requests = 5
    serve(make(app, limit_max_requests=3, limit_max_requests_jitter=2))
    assert "Maximum request limit of 5 exceeded. Terminating process." in messages(log)


# --- The tick ---


def tick(made, counter):
    return asyncio.run(made.on_tick(counter))


def loaded(app, **options):
    made = make(app, **options)
    made.config.load()
    return made


def test_default_headers_are_made_anew_every_second(app, monkeypatch):
    # U2.4
    made = loaded(app, headers=[("X-Name", "value")])
    monkeypatch.setattr(time, "time", lambda: 784111777.0)
    tick(made, 1)
    assert made.server_state.default_headers == []
    tick(made, 10)
    assert made.server_state.default_headers == [
        (b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
        (b"server", b"rsgi"),
        (b"x-name", b"value"),
    ]


def test_default_headers_have_no_date_that_is_not_wanted(app):
    made = loaded(app, date_header=False, server_header=False)
    tick(made, 0)
    assert made.server_state.default_headers == []


def test_callback_is_called_when_its_time_has_come(app, monkeypatch):
    # U2.4: how gunicorn learns that a worker is alive
    calls = []

    async def notify():
        calls.append(now)

    made = loaded(app, callback_notify=notify, timeout_notify=30)
    for now, counter in ((100.0, 0), (101.0, 10), (130.0, 20), (130.5, 25), (131.0, 30)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        assert not tick(made, counter)
    assert calls == [100.0, 131.0]
    assert made.last_notified == 131.0


# --- Subclasses ---


class Overriding(Server):
    """Notes which of its methods are called; each does what it would do otherwise."""

    def __init__(self, config):
        super().__init__(config)
        self.called = []

    async def serve(self, sockets=None):
        self.called.append("serve")
        await super().serve(sockets=sockets)

    async def startup(self, sockets=None):
        self.called.append("startup")
        await super().startup(sockets=sockets)

    async def main_loop(self):
        self.called.append("main_loop")
        await super().main_loop()

    async def on_tick(self, counter):
        self.called.append("on_tick")
        self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets=None):
        self.called.append("shutdown")
        await super().shutdown(sockets=sockets)

    def capture_signals(self):
        self.called.append("capture_signals")
        return super().capture_signals()

    def _log_started_message(self, listeners):
        assert listeners[0].getsockname()[1] != 0
        self.called.append("_log_started_message")
        super()._log_started_message(listeners)


def test_every_method_may_be_overridden(app, log):
    # U2.4
    made = Overriding(Config(app, port=0, log_config=None))
    made.run()
    assert made.called == [
        "serve",
        "capture_signals",
        "startup",
        "_log_started_message",
        "main_loop",
        "on_tick",
        "shutdown",
    ]
    assert messages(log)[-1] == FINISHED


# --- By hand, without serve ---


def test_phases_may_be_driven_by_hand(app, events, log):
    # U2.4
    async def main():
        config = Config(app, port=0, log_config=None, lifespan="on")
        config.load()
        made = Server(config)
        made.lifespan = config.lifespan_class(config)
        await made.startup()
        assert made.started
        assert made.servers[0].is_serving()
        made.should_exit = True
        await made.main_loop()
        await made.shutdown()

    asyncio.run(main())
    assert events == ["lifespan.startup", "lifespan.shutdown"]


def test_startup_alone_loads_what_is_not_loaded(app, events):
    async def main():
        made = Server(Config(app, port=0, log_config=None))
        await made.startup()
        await made.shutdown()

    asyncio.run(main())
    assert events == ["lifespan.startup", "lifespan.shutdown"]


def test_shutdown_of_what_was_never_started_is_nothing(app, events, log):
    asyncio.run(make(app).shutdown())
    assert events == []
    assert messages(log) == ["Shutting down"]


def test_server_may_serve_again(app, events, log):
    async def main():
        made = make(app, ticks=1)
        for _ in range(2):
            await made.serve()

    asyncio.run(main())
    assert events == ["lifespan.startup", "lifespan.shutdown"] * 2


# --- Sockets ---


def test_servers_are_used_as_asyncio_ones(app, bridge_class):
    # U2.4
    async def main():
        made = make(app)
        async with serving(made):
            (one,) = made.servers
            assert one.is_serving()
            assert one.sockets[0].getsockname()[1] != 0
            fd = one.sockets[0].fileno()
            one.close()
            assert bridge_class.made.unlistened == [fd]
            await one.wait_closed()
            assert not one.is_serving()
            assert one.sockets == ()

    asyncio.run(main())


def test_running_line_of_a_descriptor(app, log):
    # U1.3
    with socket.socket() as given:
        given.bind(("127.0.0.1", 0))
        name = given.getsockname()
        serve(make(app, ticks=1, fd=given.fileno()))
    (line,) = [text for text in messages(log) if text.startswith(RUNNING)]
    assert line == f"{RUNNING}socket {name!r} (Press CTRL+C to quit)"


def test_unix_socket_that_was_bound_before_has_its_configured_path(app, bridge_class, tmp_path):
    # U2.3
    path = os.path.relpath(tmp_path / "s")
    made = make(app, ticks=1, uds=path)
    with made.config.bind_socket() as sock:
        serve(made, sockets=[sock])
    assert bridge_class.made.paths == [path]


def test_host_is_bound_at_all_its_addresses_under_one_port(app, log):
    # U6.6
    async def main():
        made = make(app, host=None)
        async with serving(made):
            (one,) = made.servers
            return {sock.getsockname()[1] for sock in one.sockets}

    (port,) = asyncio.run(main())
    (line,) = [text for text in messages(log) if text.startswith(RUNNING)]
    assert re.search(rf"http://0\.0\.0\.0:{port} ", line)


# --- The service manager ---


@pytest.fixture
def told(monkeypatch):
    """What the notifier was made to say, by its methods' names."""
    told = []

    class Noting:
        def __init__(self, environment):
            self.is_real = bool(environment)

        def ready(self, status):
            told.append(status)

        def alive(self, now):
            if self.is_real:
                told.append("alive")

        def stopping(self):
            if self.is_real:
                told.append("stopping")

    monkeypatch.setattr(server, "Notifier", Noting)
    return told


def test_manager_is_told_of_a_server_that_has_an_address(app, told):
    # U6.6
    serve(make(app, ticks=1))
    assert told[0].startswith("rsgi running on http://127.0.0.1:")
    assert told[1:] == ["alive", "stopping"]


def test_manager_is_told_nothing_of_sockets_that_somebody_else_bound(app, told):
    # The service is theirs: a worker that ends is not its end.
    with socket.socket() as given:
        given.bind(("127.0.0.1", 0))
        serve(make(app, ticks=1), sockets=[given])
    assert told == []
