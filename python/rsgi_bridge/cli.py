"""The command `rsgi`: the table of options as a click command, and the environment behind it.

Order, types and exit codes are uvicorn's. Knows nothing of event loops or sockets.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import sys
from typing import Any

import click

from rsgi_bridge.config import LOGGING_CONFIG
from rsgi_bridge.exceptions import ConfigError, UnreadableError
from rsgi_bridge.options import OPTIONS, Kind, Option
from rsgi_bridge.runner import run
from rsgi_bridge.server import __version__

logger = logging.getLogger("uvicorn.error")

ENVIRONMENT_PREFIXES = ("RSGI", "UVICORN")


class EnvironmentOption(click.Option):
    """An option that `RSGI_<PARAMETER>` or, failing that, `UVICORN_<PARAMETER>` may set."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        # Not --version: a variable of that name pins a version in a container image, and says
        # nothing to the program.
        if self.name is None or self.name == "version":
            return None
        for prefix in ENVIRONMENT_PREFIXES:
            variable = f"{prefix}_{self.name.upper()}"
            value = os.environ.get(variable)
            if value and self.name in ("host", "port") and value.startswith("tcp://"):
                click.echo(
                    f"WARNING:  {variable}={value!r} is ignored: it is the address of a "
                    "Kubernetes service, not an option.",
                    err=True,
                )
            elif value:
                return value
        return None


# click's types are generic for the type checker alone below 8.5, hence the two exceptions.
class ImplementationChoice(click.Choice):  # type: ignore[type-arg]
    """uvicorn's names of protocol implementations, and a word about classes that it would take."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if ":" in value:
            self.fail(f"{value!r} is a protocol class, which rsgi cannot use.", param, ctx)
        name: str = super().convert(value, param, ctx)
        return name


class OctalMode(click.ParamType):  # type: ignore[type-arg]
    """File permissions as chmod takes them."""

    name = "mode"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            mode = int(value, 8)
        except ValueError:
            mode = -1
        if not 0 <= mode <= 0o777:
            self.fail(f"{value!r} is not an octal mode such as 660.", param, ctx)
        return mode


class Refusal(click.ClickException):
    """One line, and the exit code that goes with it."""

    def __init__(self, error: ConfigError) -> None:
        super().__init__(str(error))
        self._error = error

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return self._error.exit_code


def print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    implementation, python = platform.python_implementation(), platform.python_version()
    click.echo(f"Running rsgi {__version__} with {implementation} {python} on {platform.system()}")
    ctx.exit()


def click_option(option: Option) -> click.Option:
    """The option as click has it."""
    if option.kind is Kind.VERSION:
        return EnvironmentOption(
            [option.flag],
            is_flag=True,
            callback=print_version,
            expose_value=False,
            is_eager=True,
            help=option.help,
        )
    return EnvironmentOption(
        [option.flag, option.name],
        type=click_type(option),
        is_flag=option.kind is Kind.SWITCH,
        metavar=f"[{'|'.join(option.choices)}]" if option.choices else None,
        multiple=option.is_repeated,
        default=option.default,
        show_default=option.kind is not Kind.SWITCH and option.default not in (None, "", ()),
        help=f"{option.help} Not available yet." if option.needs else option.help,
    )


def click_type(option: Option) -> Any:
    if option.kind is Kind.SWITCH:
        return None
    if option.kind is Kind.BOOLEAN:
        return click.BOOL
    if option.kind is Kind.FILE:
        return click.Path(exists=True)
    if option.kind is Kind.MODE:
        return OctalMode()
    if option.kind in (Kind.INTEGER, Kind.NUMBER):
        return number(option)
    if not option.choices or option.is_open:
        return click.STRING
    choice = ImplementationChoice if option.name in ("http", "ws") else click.Choice
    return choice(option.choices + option.hidden_choices)


def number(option: Option) -> Any:
    is_integer = option.kind is Kind.INTEGER
    plain = click.INT if is_integer else click.FLOAT
    if option.minimum is None:
        return plain
    bounded = (click.IntRange if is_integer else click.FloatRange)(min=option.minimum)
    bounded.name = plain.name  # in the help and in errors; the help tells the range by itself
    return bounded


def occupy_standard_streams() -> None:
    """Opens those of the descriptors 0 to 2 that are closed, so that no socket becomes one.

    What a library or a child process writes to its standard error would reach a peer there, and
    libuv aborts the process when it has to close one.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest number that is free, which is this one. Inherited, as these always are.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def let_go_of_full_streams() -> None:
    """Flushes standard output and error; one that takes nothing more is said so of, and let go.

    The interpreter would try again as it ends, and turn the exit code into 120: under a supervisor
    a full disk for the logs would make each stop a failure.
    """
    # Closed by the application, or something of its own without a descriptor: nothing to let go.
    with contextlib.suppress(ValueError, AttributeError):
        for stream in filter(None, (sys.stdout, sys.stderr)):
            try:
                stream.flush()
            except OSError as exc:
                with open(os.devnull, "wb") as nowhere:
                    os.dup2(nowhere.fileno(), stream.fileno())
                logger.error("Cannot write to %s: %s", stream.name, exc)


def split_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise UnreadableError(f"--header takes Name:Value, not {text!r}.")
    return name, value


# No docstring: click would show it, where uvicorn has nothing.
@click.command(
    params=[
        click.Argument(["app"], envvar=[f"{prefix}_APP" for prefix in ENVIRONMENT_PREFIXES]),
        *map(click_option, OPTIONS),
    ]
)
def main(headers: tuple[str, ...], log_config: str | None, **options: Any) -> None:
    occupy_standard_streams()
    for name in ("reload_dirs", "reload_includes", "reload_excludes"):
        options[name] = list(options[name]) or None
    try:
        run(
            headers=[split_header(header) for header in headers],
            log_config=LOGGING_CONFIG if log_config is None else log_config,
            **options,
        )
    except ConfigError as exc:
        raise Refusal(exc) from exc
    finally:
        let_go_of_full_streams()
