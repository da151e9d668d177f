"""All options: uvicorn's, then our own, in the order of `--help`; and what is checked of them.

The command line, `Config` and the settings page all read this one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rsgi_bridge.exceptions import ConfigError
from rsgi_bridge.options.option import Kind, Option, Section, check_header
from rsgi_bridge.options.own import OWN_OPTIONS
from rsgi_bridge.options.uvicorn import UVICORN_OPTIONS

__all__ = [
    "OPTIONS",
    "OWN_OPTIONS",
    "UVICORN_OPTIONS",
    "Kind",
    "Option",
    "Section",
    "check_available",
    "check_header",
    "check_values",
]

OPTIONS = (*UVICORN_OPTIONS, *OWN_OPTIONS)


def check_values(values: Mapping[str, Any]) -> None:
    """Raises `ConfigError` for the first option with a value that it cannot have."""
    for option in OPTIONS:
        option.check(values.get(option.name))


def check_available(values: Mapping[str, Any]) -> None:
    """Raises `ConfigError` for the first option that asks for what this version does not have."""
    for option in OPTIONS:
        if option.is_missing(values.get(option.name)):
            raise ConfigError(
                f"{option.flag} is not available yet: rsgi has no {option.needs} so far."
            )
