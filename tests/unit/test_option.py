"""options/option.py: names, and what is refused."""

from __future__ import annotations

import math

import pytest

from rsgi_bridge.exceptions import ConfigError, UnreadableError
from rsgi_bridge.options import Kind, Option, Section, check_header


def option(flag="--some-limit", default=None, **details):
    return Option(flag, Kind.INTEGER, default, "What it does.", Section.LIMITS, **details)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (option("--port"), "port"),
        (option("--root-path"), "root_path"),
        (option("--access-log/--no-access-log"), "access_log"),
        (option("--header", name="headers"), "headers"),
    ],
)
def test_name_is_the_flags_unless_it_has_another(made, name):
    assert made.name == name


@pytest.mark.parametrize("value", [-1, -0.5, math.nan, math.inf, "1"])
def test_value_below_the_minimum_is_refused_by_name(value):
    with pytest.raises(ConfigError, match="some_limit must be a number from 0 on"):
        option(minimum=0).check(value)


@pytest.mark.parametrize("value", [None, 0, 0.5, 7])
def test_value_in_range_passes(value):
    option(minimum=0).check(value)


def test_value_that_is_no_choice_is_refused_with_the_choices():
    made = option(choices=("auto", "on"), hidden_choices=("none",))
    for value in ("auto", "on", "none"):
        made.check(value)
    with pytest.raises(ConfigError, match="some_limit must be one of auto, on: 'off'"):
        made.check("off")


def test_open_choice_takes_an_import_string():
    option(choices=("auto",), is_open=True).check("module:factory")


@pytest.mark.parametrize(
    ("made", "value", "is_missing"),
    [
        (option(needs="TLS"), None, False),
        (option(needs="TLS"), "", False),
        (option(needs="TLS"), "cert.pem", True),
        (option(), "cert.pem", False),
        (option("--workers", needs="worker processes"), 1, False),
        (option("--workers", needs="worker processes"), 2, True),
        (option(needs="worker processes"), 1, True),
    ],
)
def test_option_is_missing_where_it_asks_for_what_is_not_there(made, value, is_missing):
    assert made.is_missing(value) is is_missing


@pytest.mark.parametrize(
    ("name", "value"),
    [("", "a"), ("a b", "c"), ("a", "b\nc"), ("a", "\x00"), ("a", "\u20ac"), ("\u20ac", "a")],
)
def test_header_that_cannot_be_sent_is_refused(name, value):
    with pytest.raises(UnreadableError, match="header"):
        check_header(name, value)


@pytest.mark.parametrize(("name", "value"), [("X-A", ""), ("x", " b\tc "), ("x", "\xe9")])
def test_header_that_can_be_sent_passes(name, value):
    check_header(name, value)
