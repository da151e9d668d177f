"""runner.py: the order of what `run` does, and how it ends."""

from __future__ import annotations

import logging
import sys

import pytest

from rsgi_bridge import Config, Server, run
from rsgi_bridge.config import STARTUP_FAILURE
from rsgi_bridge.exceptions import ConfigError


@pytest.fixture
def life(monkeypatch):
    """What `run` does with the server, in order; nothing is served."""
    calls = []

    def serve(self):
        self.started = True
        calls.append("run")

    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(Server, "bind", lambda self: calls.append("bind"))
    monkeypatch.setattr(Config, "load_app", lambda self: calls.append("load_app"))
    monkeypatch.setattr(Server, "run", serve)
    monkeypatch.setattr(Server, "close", lambda self: calls.append("close"))
    return calls


async def app(scope, receive, send):
    """Never called."""


def test_run_binds_then_imports_then_serves(life):
    # O24, U2.2
    run("main:app", log_config=None)
    assert life == ["bind", "load_app", "run", "close"]


def test_run_gives_the_socket_back_if_the_import_fails(life, monkeypatch):
    def load_app(self):
        raise SyntaxError

    monkeypatch.setattr(Config, "load_app", load_app)
    with pytest.raises(SyntaxError):
        run("main:app", log_config=None)
    assert life == ["bind", "close"]


def test_run_returns_after_an_interrupt(life, monkeypatch):
    # U2.2
    def serve(self):
        self.started = self.should_exit = True
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "run", serve)
    run("main:app", log_config=None)
    assert life == ["bind", "load_app", "close"]


def test_run_exits_if_the_server_never_started(life, monkeypatch):
    # U1.4, U2.2
    monkeypatch.setattr(Server, "run", lambda self: None)
    with pytest.raises(SystemExit) as caught:
        run("main:app", log_config=None)
    assert caught.value.code == STARTUP_FAILURE


def test_run_returns_if_it_was_told_to_stop_before_it_started(life, monkeypatch):
    # O26
    def serve(self):
        self.should_exit = True

    monkeypatch.setattr(Server, "run", serve)
    run("main:app", log_config=None)
    assert life[-1] == "close"


def test_run_hands_every_option_to_the_config(life, monkeypatch):
    # U2.2
    made = []
    monkeypatch.setattr(Server, "__init__", lambda self, config: made.append(config))
    monkeypatch.setattr(Server, "should_exit", True, raising=False)
    run("main:app", log_config=None, port=1, root_path="/a", limit_request_body=2, http="h11")
    (config,) = made
    assert (config.app, config.port, config.root_path) == ("main:app", 1, "/a")
    assert (config.limit_request_body, config.http) == (2, "h11")


@pytest.mark.parametrize("directory", ["", "/somewhere"])
def test_run_puts_the_directory_first_on_the_path(life, directory):
    # U2.2
    run("main:app", app_dir=directory, log_config=None)
    assert sys.path[0] == directory


def test_run_leaves_the_path_alone_by_default(life):
    before = sys.path[:]
    run("main:app", log_config=None)
    assert sys.path == before


@pytest.mark.parametrize("option", [{"reload": True}, {"workers": 2}])
def test_application_object_cannot_be_reloaded_nor_multiplied(life, log, option):
    # U1.4
    with pytest.raises(SystemExit) as caught:
        run(app, log_config=None, **option)
    assert caught.value.code == STARTUP_FAILURE
    assert log.record_tuples == [
        (
            "uvicorn.error",
            logging.WARNING,
            "You must pass the application as an import string to enable 'reload' or 'workers'.",
        )
    ]
    assert life == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reload": True}, "--reload is not available yet: rsgi has no reloading so far."),
        ({"workers": 2}, "--workers is not available yet: rsgi has no worker processes so far."),
        ({"ssl_keyfile": "a"}, "--ssl-keyfile is not available yet: rsgi has no TLS so far."),
        ({"ssl_certfile": "a"}, "--ssl-certfile is not available yet: rsgi has no TLS so far."),
        ({"ssl_ca_certs": "a"}, "--ssl-ca-certs is not available yet: rsgi has no TLS so far."),
        (
            {"ssl_context_factory": print},
            "ssl_context_factory is not available yet: rsgi has no TLS so far.",
        ),
        ({"http2": True}, "--http2 is not available yet: rsgi has no HTTP/2 so far."),
        ({"preload": True}, "--preload is not available yet: rsgi has no worker processes so far."),
        (
            {"control_socket": "a"},
            "--control-socket is not available yet: rsgi has no worker processes so far.",
        ),
        (
            {"timeout_loop_hang": 1},
            "--timeout-loop-hang is not available yet: rsgi has no watchdog so far.",
        ),
    ],
)
def test_option_of_what_is_not_there_is_refused_before_anything_is_bound(life, options, words):
    with pytest.raises(ConfigError) as caught:
        run("main:app", log_config=None, **options)
    assert str(caught.value) == words
    assert life == []


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 1},
        {"workers": 0},
        {"ssl_ciphers": "HIGH", "ssl_version": 17, "ssl_cert_reqs": 2},
        {"ws": "wsproto", "ws_max_size": 1, "timeout_worker_healthcheck": 9},
        {"reload_delay": 3, "reload_includes": "*.html"},
    ],
)
def test_option_that_asks_for_nothing_is_borne(life, options):
    run("main:app", log_config=None, **options)
    assert life[-1] == "close"
