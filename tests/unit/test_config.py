"""config.py: attributes, what is refused, logging and loops; test_config_load.py has `load`."""

from __future__ import annotations

import asyncio
import logging
import sys

import pytest

from rsgi_bridge import Config
from rsgi_bridge.config import LOG_LEVELS, LOGGING_CONFIG, STARTUP_FAILURE
from rsgi_bridge.exceptions import ConfigError
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


def test_zero_workers_are_one():
    # U1.2
    assert config(workers=0).workers == 1


def test_paths_to_watch_are_lists_however_they_are_given():
    # U2.3
    made = config("main:app", reload=True, reload_dirs="a", reload_excludes=["b", "c"])
    assert (made.reload_dirs, made.reload_includes, made.reload_excludes) == (["a"], [], ["b", "c"])


@pytest.mark.parametrize(
    ("application", "options", "should_reload", "use_subprocess"),
    [
        ("main:app", {}, False, False),
        ("main:app", {"reload": True}, True, True),
        (app, {"reload": True}, False, True),
        ("main:app", {"workers": 2}, False, True),
    ],
)
def test_reload_takes_an_import_string(application, options, should_reload, use_subprocess):
    # U2.2, U2.3
    made = config(application, **options)
    assert (made.should_reload, made.use_subprocess) == (should_reload, use_subprocess)


@pytest.mark.parametrize("name", ["reload_dirs", "reload_includes", "reload_excludes"])
def test_watching_without_reload_is_warned_of(log, name):
    # U2.3
    config("main:app", **{name: ["."]})
    assert log.messages == [
        "Current configuration will not reload as not all conditions are met, please refer to "
        "documentation."
    ]


def test_workers_beside_reload_are_warned_of(log):
    # U2.3
    config("main:app", reload=True, workers=2)
    assert log.messages == ['"workers" flag is ignored when reloading is enabled.']


@pytest.mark.parametrize(
    ("options", "is_ssl"),
    [
        ({}, False),
        ({"ssl_keyfile": "a"}, True),
        ({"ssl_certfile": "a"}, True),
        ({"ssl_context_factory": print}, True),
        ({"ssl_ciphers": "HIGH", "ssl_ca_certs": "a"}, False),
    ],
)
def test_tls_is_known_by_its_files(options, is_ssl):
    # U2.3
    assert config(**options).is_ssl is is_ssl


def test_head_may_be_limited_by_the_option_for_h11():
    # U1.2
    assert config(h11_max_incomplete_event_size=9000).limit_request_head == 9000
    both = config(h11_max_incomplete_event_size=9000, limit_request_head=800)
    assert both.limit_request_head == 800


# --- Ranges and choices ---


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http", "nope"),
        ("http", asyncio.Protocol),
        ("ws", "some:Protocol"),
        ("lifespan", "maybe"),
        ("interface", "asgi4"),
        ("log_level", "loud"),
    ],
)
def test_name_that_is_none_is_refused(name, value):
    # U1.2
    with pytest.raises(ConfigError, match=f"{name} must be one of"):
        config(**{name: value})


@pytest.mark.parametrize("headers", [[("a b", "c")], [("a", "b\r\nc")], [("a", "\u20ac")]])
def test_header_that_cannot_be_sent_is_refused(headers):
    with pytest.raises(ConfigError, match="header"):
        config(headers=headers)


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


def test_loop_none_is_asyncios_choice():
    # U2.4
    assert config(loop="none").get_loop_factory() is asyncio.new_event_loop


def test_loop_whose_package_is_missing_exits(log, monkeypatch):
    monkeypatch.setitem(sys.modules, "zuvloop", None)
    with pytest.raises(SystemExit) as caught:
        config(loop="zuvloop").get_loop_factory()
    assert caught.value.code == STARTUP_FAILURE
    (message,) = log.messages
    assert message.startswith("Error loading custom loop setup function. Could not import module")


def test_setup_event_loop_says_what_replaced_it():
    # U2.3
    with pytest.raises(AttributeError, match="get_loop_factory"):
        config().setup_event_loop()


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


def test_attributes_of_what_is_not_there_yet_are_empty():
    # U2.3: programs read them, and ask whether they are anything.
    made = Config(app, log_config=None)
    made.load()
    assert (made.ssl, made.reload_dirs_excludes) == (None, [])
