"""What an option is: one `Option` says everything that the command line, the settings page and the
checks of `Config` need to know of it. Knows nothing of click, and lists none.
"""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass
from typing import Any

from rsgi_bridge.exceptions import ConfigError, UnreadableError


class Kind(enum.Enum):
    """How the text of an option is read."""

    TEXT = enum.auto()
    INTEGER = enum.auto()
    NUMBER = enum.auto()
    SWITCH = enum.auto()  # present or absent, or one of a pair: --name/--no-name
    BOOLEAN = enum.auto()  # takes a word for a value
    FILE = enum.auto()  # the path of something that exists
    MODE = enum.auto()  # octal
    VERSION = enum.auto()  # prints something and exits; no argument of `Config`


class Section(str, enum.Enum):
    """Where the settings page lists an option."""

    APPLICATION = "Application"
    ADDRESS = "Address"
    LOGS = "Logs"
    RESPONSES = "Responses"
    PROXIES = "Proxies"
    TIMEOUTS = "Time-outs"
    LIMITS = "Limits"
    PROTOCOLS = "Event loop and HTTP"
    WEBSOCKETS = "WebSockets"
    RELOAD = "Reload"
    WORKERS = "Worker processes"
    TLS = "TLS"


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        flag: as on the command line; a pair is `--name/--no-name`.
        kind: how its text is read.
        default: its value when nobody sets it.
        help: what it does, for `--help` and the settings page.
        section: where the settings page lists it.
        name: the Python argument, where the flag does not say it.
        choices: the values that it may have.
        hidden_choices: further ones that the help does not list.
        is_open: any other text is an import string.
        minimum: the least number that it may have.
        is_repeated: it may be given several times.
        needs: what it turns on and this version does not have.
    """

    flag: str
    kind: Kind
    default: Any
    help: str
    section: Section
    name: str = ""
    choices: tuple[str, ...] = ()
    hidden_choices: tuple[str, ...] = ()
    is_open: bool = False
    minimum: int | None = None
    is_repeated: bool = False
    needs: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            positive = self.flag.partition("/")[0]
            object.__setattr__(self, "name", positive.lstrip("-").replace("-", "_"))

    def check(self, value: Any) -> None:
        """Raises `ConfigError`, which names the option, if it cannot have this value."""
        if value is None:
            return
        if self.choices and not self.is_open and value not in self.choices + self.hidden_choices:
            classes = " (protocol classes cannot be used)" if self.name in ("http", "ws") else ""
            names = ", ".join(self.choices)
            raise ConfigError(f"{self.name} must be one of {names}: {value!r}{classes}")
        if self.minimum is None:
            return
        try:
            is_in_range = self.minimum <= value < math.inf  # False for NaN as well
        except TypeError:
            is_in_range = False
        if not is_in_range:
            raise ConfigError(f"{self.name} must be a number from {self.minimum} on: {value!r}")

    def is_missing(self, value: Any) -> bool:
        """Whether this value asks for a part of the server that is not there yet."""
        # One worker is what there is.
        return bool(self.needs and value) and not (self.name == "workers" and value == 1)


def check_header(name: str, value: str) -> None:
    """Raises `UnreadableError` if this cannot be a field of a response."""
    try:
        f"{name}{value}".encode("latin-1")
    except UnicodeEncodeError:
        raise UnreadableError(f"header {name!r} has characters that are not in Latin-1") from None
    if not _FIELD_NAME.fullmatch(name):
        raise UnreadableError(f"header name {name!r} is not a token")
    if _CONTROLS.search(value):
        raise UnreadableError(f"header {name!r} has a control character in its value: {value!r}")


# RFC 9110, section 5: a name is a token; a value has no control character but the tab.
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
