"""config.py: signature, defaults, what loading does, and what is refused."""

from __future__ import annotations

import asyncio
import logging
import sys

import pytest

from rsgi_bridge import Config
from rsgi_bridge.config import LOG_LEVELS, LOGGING_CONFIG, STARTUP_FAILURE
from tests.unit import surface

# What an attribute holds where that is not the default of its parameter.
MADE = {
    "headers": [],
    "workers": 1,
    "reload_dirs": [],
    "reload_includes": [],
    "reload_excludes": [],
    "forwarded_allow_ips": "127.0.0.1,::1",
}


async def app(scope, receive, send):
    """Never called: loading an application does not run it."""


def config(application=app, **options):
    options.setdefault("log_config", None)
    return Config(application, **options)


def test_every_option_is_an_attribute(monkeypatch):
    # U2.3
    for variable in ("WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"):
        monkeypatch.delenv(variable, raising=False)
    made = config()
    expected = surface.CONFIG | surface.OWN | MADE | {"app": app, "log_config": None}
    assert {name: getattr(made, name) for name in expected} == expected
    assert made.encoded_headers == []
    assert made.loaded is False


# --- Ranges ---


@pytest.mark.parametrize(
    "name",
    [
        *(name for name, default in surface.OWN.items() if type(default) is int),
        "limit_concurrency",
        "limit_max_requests",
        "limit_max_requests_jitter",
        "timeout_keep_alive",
        "timeout_graceful_shutdown",
        "timeout_worker_healthcheck",
    ],
)
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_number_that_is_no_limit_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        config(**{name: value})


@pytest.mark.parametrize("mode", [-1, 666, 0o1000])
def test_mode_that_is_none_is_refused(mode):
    with pytest.raises(ValueError, match="uds_permissions"):
        config(uds_permissions=mode)


# --- Logging ---


@pytest.mark.parametrize(
    ("level", "number"), [*LOG_LEVELS.items(), ("INFO", logging.INFO), (17, 17)]
)
def test_log_level_is_a_name_in_any_case_or_a_number(level, number):
    config(log_level=level)
    for name in ("uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        assert logging.getLogger(name).level == number


def test_logging_is_configured_by_the_constructor(monkeypatch):
    monkeypatch.setitem(LOGGING_CONFIG["loggers"]["uvicorn"], "level", "CRITICAL")
    Config(app)
    assert logging.getLogger("uvicorn").level == logging.CRITICAL
    assert logging.getLogger("uvicorn.access").handlers


def test_no_access_log_takes_the_handlers_away():
    Config(app, access_log=False)
    access = logging.getLogger("uvicorn.access")
    assert access.handlers == []
    assert access.propagate is False


# --- Loading ---


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
    made = config("tests.unit.test_config:app")
    made.load()
    assert made.loaded_app is sys.modules["tests.unit.test_config"].app


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


# --- Event loops ---


def made_loop(name):
    loop = config(loop=name).get_loop_factory()()
    loop.close()
    return loop


def test_asyncio_is_a_selector_loop():
    assert isinstance(made_loop("asyncio"), asyncio.SelectorEventLoop)


def test_uvloop_is_used_where_it_is_installed():
    uvloop = pytest.importorskip("uvloop")
    assert isinstance(made_loop("uvloop"), uvloop.Loop)
    assert isinstance(made_loop("auto"), uvloop.Loop)


def test_auto_falls_back_to_asyncio(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert isinstance(made_loop("auto"), asyncio.SelectorEventLoop)


def test_loop_may_be_an_import_string():
    made = config(loop="asyncio:SelectorEventLoop")
    assert made.get_loop_factory() is asyncio.SelectorEventLoop


def test_unknown_loop_exits_in_uvicorns_words(log):
    with pytest.raises(SystemExit) as caught:
        config(loop="nope").get_loop_factory()
    assert caught.value.code == STARTUP_FAILURE
    assert log.messages == [
        'Error loading custom loop setup function. Import string "nope" must be in format '
        '"<module>:<attribute>".'
    ]
