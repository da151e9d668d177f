"""config.py: what `load` makes of an application, and what it leaves for the core."""

from __future__ import annotations

import logging
import sys

import pytest

from rsgi_bridge.config import STARTUP_FAILURE, Config
from rsgi_bridge.exceptions import ConfigError
from rsgi_bridge.lifespan import LifespanOff, LifespanOn
from rsgi_bridge.middleware.asgi2 import ASGI2Middleware
from rsgi_bridge.middleware.message_logger import MessageLoggerMiddleware


async def app(scope, receive, send):
    """Never called: loading an application does not run it."""


def config(application=app, **options):
    options.setdefault("log_config", None)
    return Config(application, **options)


def test_load_fixes_the_application():
    made = config()
    made.load()
    assert made.loaded_app is app
    assert made.loaded is True


def test_load_twice_is_refused():
    made = config()
    made.load()
    with pytest.raises(RuntimeError, match="twice"):
        made.load()


def test_load_imports_by_name():
    made = config("tests.unit.test_config_load:app")
    made.load()
    assert made.loaded_app is sys.modules["tests.unit.test_config_load"].app


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("app", 'Import string "app" must be in format "<module>:<attribute>".'),
        ("no_such_module:app", 'Could not import module "no_such_module".'),
        ("os:app", 'Attribute "app" not found in module "os".'),
    ],
)
def test_application_that_is_not_there_exits_in_plain_words(log, name, words):
    with pytest.raises(SystemExit) as caught:
        config(name).load_app()
    assert caught.value.code == STARTUP_FAILURE
    assert log.messages == [f"Error loading ASGI app. {words}"]


def test_factory_is_called():
    made = config(lambda: app, factory=True)
    made.load()
    assert made.loaded_app is app


def test_factory_without_the_flag_is_used_with_a_warning(log):
    made = config(lambda: app)
    made.load()
    assert made.loaded_app is app
    assert log.messages == [
        "ASGI app factory detected. Using it, but please consider setting the --factory flag "
        "explicitly."
    ]
    assert log.records[0].levelno == logging.WARNING


def test_factory_that_takes_arguments_exits(log):
    def factory(settings):
        return app

    with pytest.raises(SystemExit) as caught:
        config(factory, factory=True).load()
    assert caught.value.code == STARTUP_FAILURE
    (message,) = log.messages
    assert message.startswith("Error loading ASGI app factory: ")
    assert "missing 1 required positional argument: 'settings'" in message


def test_exception_of_a_factory_is_raised_as_it_is():
    def factory():
        raise LookupError

    with pytest.raises(LookupError):
        config(factory, factory=True).load()


def test_option_of_what_is_not_there_is_refused_when_it_is_used():
    for options in (
        {"http2": True},
        {"ssl_certfile": "a"},
        {"ssl_context_factory": print},
        {"timeout_loop_hang": 1},
    ):
        with pytest.raises(ConfigError, match="not available yet"):
            config(**options).load()


def test_server_by_itself_neither_reloads_nor_multiplies():
    # U2.4: as under uvicorn, where only `run` does.
    for options in ({"reload": True}, {"workers": 2}):
        made = config("tests.unit.test_config_load:app", **options)
        made.load()
        assert made.loaded_app is sys.modules["tests.unit.test_config_load"].app


def test_lifespan_class_is_that_of_the_option():
    # U2.3
    for lifespan, expected in (("auto", LifespanOn), ("on", LifespanOn), ("off", LifespanOff)):
        made = config(lifespan=lifespan)
        made.load()
        assert made.lifespan_class is expected


# --- Interfaces ---


def two_calls(scope):
    """ASGI 2, and not called with a scope here."""


def test_interface_is_found_by_loading():
    # U2.3
    made = config()
    with pytest.raises(KeyError):
        made.asgi_version  # noqa: B018
    made.load()
    assert (made.interface, made.asgi_version) == ("asgi3", "3.0")


def test_application_of_asgi_2_is_wrapped():
    # ASGI-11, U2.3
    made = config(two_calls)
    made.load()
    assert (made.interface, made.asgi_version) == ("asgi2", "2.0")
    assert isinstance(made.loaded_app, ASGI2Middleware)
    assert made.loaded_app.app is two_calls


def test_interface_that_is_given_is_not_looked_for():
    # U2.3
    made = config(two_calls, interface="asgi3")
    made.load()
    assert (made.asgi_version, made.loaded_app) == ("3.0", two_calls)
    made = config(two_calls, interface="wsgi")
    made.load()
    assert made.asgi_version == "3.0"
    assert made.loaded_app is not two_calls


def test_messages_are_logged_at_level_trace():
    # U2.3, U5.4
    made = config(log_level="trace")
    made.load()
    assert isinstance(made.loaded_app, MessageLoggerMiddleware)


# --- Default response headers ---


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({}, [(b"server", b"rsgi")]),
        ({"server_header": False}, []),
        ({"headers": [("X-A", " 1")]}, [(b"server", b"rsgi"), (b"x-a", b" 1")]),
        ({"headers": [("Server", "mine")]}, [(b"server", b"mine")]),
        ({"headers": [("Server", "mine")], "server_header": False}, [(b"server", b"mine")]),
        (
            {"headers": [("a", "1"), ("A", "\xe9")], "server_header": False},
            [(b"a", b"1"), (b"a", b"\xe9")],
        ),
    ],
)
def test_default_headers_are_lower_case_bytes_with_the_server_first(options, fields):
    made = config(**options)
    made.load()
    assert made.encoded_headers == fields
