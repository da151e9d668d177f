"""options/: the table as a whole, and that it says what `Config` says."""

from __future__ import annotations

import inspect

import pytest

from rsgi_bridge import Config
from rsgi_bridge.exceptions import ConfigError
from rsgi_bridge.options import OPTIONS, OWN_OPTIONS, check_available, check_values
from tests.unit import surface


def test_defaults_are_those_of_config():
    parameters = inspect.signature(Config).parameters
    # The command says which, where `Config` has a number of its own, an object or a directory.
    worded = {"app_dir", "version", "log_config"}
    differing = {
        option.name: (option.default, parameters[option.name].default)
        for option in OPTIONS
        if option.name not in worded
        and (option.default or None) != (parameters[option.name].default or None)
    }
    assert differing == {}


def test_every_argument_of_config_is_an_option_but_functions():
    parameters = inspect.signature(Config).parameters
    functions = {"app", "callback_notify", "timeout_notify", "ssl_context_factory"}
    assert parameters.keys() - functions == {o.name for o in OPTIONS} - {"app_dir", "version"}


def test_our_own_options_are_off_at_zero_or_nothing():
    for option in OWN_OPTIONS:
        option.check(0 if option.minimum == 0 else None)


def test_help_is_a_sentence():
    assert [o.flag for o in OPTIONS if not o.help.endswith((".", "[default: info]"))] == []


def test_flags_and_names_are_unique():
    assert len({o.flag for o in OPTIONS}) == len({o.name for o in OPTIONS}) == len(OPTIONS)
    assert len(OPTIONS) == len(surface.COMMAND) + len(surface.OWN)


def test_values_are_checked_where_they_are_given():
    check_values({})
    check_values({"lifespan": "on", "timeout_write": None})
    with pytest.raises(ConfigError, match="lifespan must be one of auto, on, off: 'maybe'"):
        check_values({"lifespan": "maybe"})


@pytest.mark.parametrize("name", ["http", "ws"])
@pytest.mark.parametrize("value", [type("Protocol", (), {}), "module:Protocol"])
def test_protocol_class_is_refused(name, value):
    with pytest.raises(ConfigError, match=r"\(protocol classes cannot be used\)"):
        check_values({name: value})


def test_first_option_of_what_is_not_there_is_named():
    check_available({"port": 1, "workers": 1})
    with pytest.raises(ConfigError, match="--reload is not available yet"):
        check_available({"reload": True, "http2": True})
