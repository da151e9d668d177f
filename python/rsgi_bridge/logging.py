"""What log lines look like: the formatters, the TRACE level and the default logging configuration.

Logger names are uvicorn's, because applications log through them and configurations name them.
Every formatter here escapes control characters: a peer must not be able to drive the operator's
terminal, nor to forge a line. Knows nothing of servers.
"""

from __future__ import annotations

import http
import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Mapping
from copy import copy, deepcopy
from functools import partial
from typing import IO, TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from configparser import RawConfigParser

from rsgi_bridge.exceptions import MissingPackageError

TRACE_LOG_LEVEL = 5

LOG_LEVELS: dict[str, int] = {
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": TRACE_LOG_LEVEL,
}

# Users change this dict in place before they start a server: it stays one mutable module global.
LOGGING_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "default": {
            "()": "rsgi_bridge.logging.DefaultFormatter",
            "fmt": "%(levelprefix)s %(message)s",
            "use_colors": None,
        },
        "access": {
            "()": "rsgi_bridge.logging.AccessFormatter",
            "fmt": '%(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s',
        },
    },
    "handlers": {
        "default": {
            "formatter": "default",
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stderr",
        },
        "access": {
            "formatter": "access",
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
        },
    },
    "loggers": {
        "uvicorn": {"handlers": ["default"], "level": "INFO", "propagate": False},
        "uvicorn.error": {"level": "INFO"},
        "uvicorn.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
    },
}

LogConfig: TypeAlias = "dict[str, Any] | str | os.PathLike[str] | RawConfigParser | IO[Any] | None"

# Where users' configurations find the formatters, whether uvicorn is installed or not.
UVICORN_LOGGING = "uvicorn.logging."


def configure(log_config: LogConfig, use_colors: bool | None) -> None:
    """Applies a logging configuration: a dict, a `.json` or `.yaml` file, else an ini file.

    `use_colors`, unless None, is written into the dict's `default` and `access` formatters. A
    `log_config` of None leaves the process's logging as it is.
    """
    logging.addLevelName(TRACE_LOG_LEVEL, "TRACE")
    if log_config is None:
        return
    # Not needed before, and not light.
    from logging.config import dictConfig, fileConfig

    if isinstance(log_config, os.PathLike):
        log_config = os.fspath(log_config)

    if isinstance(log_config, dict):
        if use_colors is not None:
            for name in ("default", "access"):
                log_config["formatters"][name]["use_colors"] = use_colors
        dictConfig(resolvable(log_config))
    elif isinstance(log_config, str) and log_config.endswith(".json"):
        import json

        with open(log_config, encoding="utf-8") as file:
            dictConfig(resolvable(json.load(file)))
    elif isinstance(log_config, str) and log_config.endswith((".yaml", ".yml")):
        try:
            yaml = importlib.import_module("yaml")
        except ImportError as exc:
            raise MissingPackageError(
                "Install the PyYAML package or rsgi-bridge[standard] to use `--log-config` with"
                " YAML files."
            ) from exc
        with open(log_config, encoding="utf-8") as file:
            dictConfig(resolvable(yaml.safe_load(file)))
    else:
        fileConfig(resolvable_ini(log_config), disable_existing_loggers=False)


def resolvable(log_config: dict[str, Any]) -> dict[str, Any]:
    """The same configuration; where uvicorn is not installed its formatter classes are ours."""
    ours = {
        section: {
            name: {
                key: _our_path(value) if key in ("()", "class") else value
                for key, value in entry.items()
            }
            if isinstance(entry, dict)
            else entry
            for name, entry in entries.items()
        }
        for section, entries in log_config.items()
        if section in ("formatters", "filters", "handlers") and isinstance(entries, dict)
    }
    names_uvicorn = any(ours[section] != log_config[section] for section in ours)
    return {**log_config, **ours} if names_uvicorn and not _has_uvicorn() else log_config


def resolvable_ini(
    log_config: str | RawConfigParser | IO[Any],
) -> str | RawConfigParser | IO[Any]:
    """As `resolvable`, for what `fileConfig` takes; what it would refuse is left to it."""
    import configparser

    if _has_uvicorn():
        return log_config
    parser: RawConfigParser = configparser.ConfigParser()
    if isinstance(log_config, configparser.RawConfigParser):
        parser = deepcopy(log_config)
    elif not isinstance(log_config, str):
        parser.read_file(log_config)
    else:
        try:
            parser.read(log_config)
        except configparser.Error:
            return log_config
    for section in parser.sections():
        path = parser.get(section, "class", raw=True, fallback="").strip()
        if path.startswith(UVICORN_LOGGING):
            parser.set(section, "class", _our_path(path))
    return parser if parser.sections() else log_config


def _our_path(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(UVICORN_LOGGING):
        return f"{__name__}.{value.removeprefix(UVICORN_LOGGING)}"
    return value


def _has_uvicorn() -> bool:
    # What a test has put in its place may have no spec, and then the question is an error.
    return sys.modules.get("uvicorn") is not None or importlib.util.find_spec("uvicorn") is not None


# C0, DEL and C1: everything that a terminal may obey.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_CONTROLS_BUT_LINES = {code: text for code, text in _CONTROLS.items() if chr(code) not in "\n\t"}
# In an access line a quote would end the request line early (FLT-D13).
_CONTROLS_AND_QUOTES = _CONTROLS | {ord(char): f"\\x{ord(char):02x}" for char in '"\\'}


def escape(text: str) -> str:
    """The text with every control character written as `\\xNN`."""
    return text.translate(_CONTROLS)


def escape_lines(text: str) -> str:
    """As `escape`, but line ends and tabs stay: for tracebacks, which are made of lines."""
    return text.translate(_CONTROLS_BUT_LINES)


_COLOUR_CODES = {
    "red": 31,
    "green": 32,
    "yellow": 33,
    "blue": 34,
    "cyan": 36,
    "bright_red": 91,
    "bright_white": 97,
}


def style(text: str, fg: str | None = None, bold: bool = False) -> str:
    """The text between the terminal's codes for a colour, for bold, or for both."""
    colour = f"\x1b[{_COLOUR_CODES[fg]}m" if fg is not None else ""
    weight = "\x1b[1m" if bold else ""
    return f"{colour}{weight}{text}\x1b[0m"


class ColourizedFormatter(logging.Formatter):
    """Adds `%(levelprefix)s`, colours where they are wanted, and escapes control characters.

    A record's `extra={"color_message": ...}` replaces its message when colours are on. It may hold
    terminal codes; its arguments may not. A message that was built from arguments is one line.

    Args:
        fmt: as for `logging.Formatter`.
        datefmt: as for `logging.Formatter`.
        style: as for `logging.Formatter`.
        use_colors: whether to colour; None means if standard output is a terminal.
    """

    level_name_colors: ClassVar[dict[int, Callable[[str], str]]] = {
        TRACE_LOG_LEVEL: partial(style, fg="blue"),
        logging.DEBUG: partial(style, fg="cyan"),
        logging.INFO: partial(style, fg="green"),
        logging.WARNING: partial(style, fg="yellow"),
        logging.ERROR: partial(style, fg="red"),
        logging.CRITICAL: partial(style, fg="bright_red"),
    }

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        use_colors: bool | None = None,
    ) -> None:
        if use_colors in (True, False):
            self.use_colors = use_colors
        else:
            # Standard output for all of them, as uvicorn; a detached process may have none.
            self.use_colors = sys.stdout is not None and sys.stdout.isatty()
        super().__init__(fmt=fmt, datefmt=datefmt, style=style)

    def color_level_name(self, level_name: str, level_no: int) -> str:
        colour = self.level_name_colors.get(level_no)
        return level_name if colour is None else colour(level_name)

    def format(self, record: logging.LogRecord) -> str:
        # A copy, because other handlers must not see this formatter's fields and escapes.
        record = copy(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = escape_lines(record.exc_text)
        if record.stack_info:
            record.stack_info = escape_lines(record.stack_info)
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        color_message: str | None = record.__dict__.get("color_message")
        if self.use_colors and color_message is not None:
            record.msg, record.args = color_message, _escaped_arguments(record.args)
            record.message = record.getMessage()
        elif record.args:
            record.message = escape(record.message)
        else:
            # The code wrote these lines: a banner, or a traceback that a framework passed on.
            record.message = escape_lines(record.message)
        level_name = record.levelname
        if self.use_colors:
            level_name = self.color_level_name(level_name, record.levelno)
        padding = " " * (8 - len(record.levelname))
        record.__dict__["levelprefix"] = f"{level_name}:{padding}"
        return super().formatMessage(record)


class DefaultFormatter(ColourizedFormatter):
    """For every logger but `uvicorn.access`."""


class AccessFormatter(ColourizedFormatter):
    """For `uvicorn.access`: one record, one line.

    `record.args` is always `(client_addr, method, full_path, http_version, status_code)`. It adds
    `%(client_addr)s`, `%(request_line)s` and `%(status_code)s`.
    """

    status_code_colours: ClassVar[dict[int, Callable[[str], str]]] = {
        1: partial(style, fg="bright_white"),
        2: partial(style, fg="green"),
        3: partial(style, fg="yellow"),
        4: partial(style, fg="red"),
        5: partial(style, fg="bright_red"),
    }

    def get_status_code(self, status_code: int) -> str:  # the name is uvicorn's
        try:
            phrase = http.HTTPStatus(status_code).phrase
        except ValueError:
            phrase = ""
        text = f"{status_code} {phrase}"
        colour = self.status_code_colours.get(status_code // 100) if self.use_colors else None
        return text if colour is None else colour(text)

    def formatMessage(self, record: logging.LogRecord) -> str:
        args: Any = record.args
        client_addr, method, full_path, http_version, status_code = args
        request_line = f"{method} {full_path} HTTP/{http_version}".translate(_CONTROLS_AND_QUOTES)
        record.__dict__.update(
            client_addr=str(client_addr).translate(_CONTROLS_AND_QUOTES),
            request_line=style(request_line, bold=True) if self.use_colors else request_line,
            status_code=self.get_status_code(int(status_code)),
        )
        return super().formatMessage(record)


def _escaped_arguments(args: Any) -> Any:
    """A record's arguments, ready for a template whose terminal codes must survive."""
    if isinstance(args, Mapping):
        return {name: _escaped(value) for name, value in args.items()}
    return tuple(_escaped(value) for value in args or ())


def _escaped(value: object) -> object:
    # Numbers stay numbers for %d and %f.
    return value if isinstance(value, (int, float)) else escape(str(value))
