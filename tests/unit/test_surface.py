"""What programs import from uvicorn is there under the same paths, and is called in the same way.

What is expected is data in surface.py; that the names also do what they should is for the tests of
the modules.
"""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import click
import pytest

import rsgi_bridge
from rsgi_bridge import Config, Server, cli, run
from tests.unit import surface


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in surface.NAMES.items() for name in names],
)
def test_name_imports_from_uvicorns_path(module, name):
    # U2.1
    assert hasattr(importlib.import_module(f"rsgi_bridge.{module}".rstrip(".")), name)


def test_star_gives_what_uvicorn_gives():
    # U2.1
    assert sorted(rsgi_bridge.__all__) == ["Config", "Server", "main", "run"]


def test_command_is_not_hidden_by_the_module_of_its_name():
    # U2.1: in a process of its own, because only the first import of a submodule sets its name.
    source = (
        "import rsgi_bridge, rsgi_bridge.main as module;"
        "from rsgi_bridge.main import Server;"
        "assert rsgi_bridge.main is rsgi_bridge.cli.main, rsgi_bridge.main;"
        "assert Server is rsgi_bridge.Server"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


@pytest.mark.parametrize(
    ("function", "uvicorns"), [(Config, surface.CONFIG), (run, surface.RUN)], ids=["Config", "run"]
)
def test_signature_is_uvicorns_and_our_own(function, uvicorns):
    # U2.2, U2.3
    parameters = inspect.signature(function).parameters
    assert {name: p.default for name, p in parameters.items()} == uvicorns | surface.OWN


def test_config_takes_uvicorns_parameters_by_position_and_ours_by_name():
    # U2.3
    parameters = inspect.signature(Config).parameters
    assert list(parameters) == [*surface.CONFIG, *surface.OWN]
    by_name = [name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    assert by_name == list(surface.OWN)


def test_run_takes_all_but_the_application_by_name():
    # U2.2
    parameters = inspect.signature(run).parameters.values()
    assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == ["app"]


def test_annotations_of_run_are_those_of_config():
    # U2.2
    config = inspect.signature(Config).parameters
    differing = {
        name: (parameter.annotation, config[name].annotation)
        for name, parameter in inspect.signature(run).parameters.items()
        if name != "app_dir" and parameter.annotation != config[name].annotation
    }
    assert differing == {}


@pytest.mark.parametrize(
    "name",
    [
        "run",
        "serve",
        "startup",
        "main_loop",
        "on_tick",
        "shutdown",
        "capture_signals",
        "handle_exit",
        "_serve",
        "_log_started_message",
    ],
)
def test_server_has_the_methods_that_programs_override(name):
    # U2.4
    assert callable(getattr(Server, name))


def test_server_has_the_attributes_that_programs_read():
    # U2.4
    config = Config("main:app", log_config=None)
    made = Server(config=config)
    flags = ("started", "should_exit", "force_exit", "last_notified", "_captured_signals")
    assert [getattr(made, name) for name in flags] == [False, False, False, 0.0, []]
    assert made.config is config
    assert made.server_state.total_requests == 0
    made.install_signal_handlers = lambda: None  # as programs did before uvicorn 0.29


def test_command_takes_uvicorns_options_in_its_order_then_ours():
    # U1.2
    declared = [p for p in cli.main.params if isinstance(p, click.Option)]
    names = [row[1] for row in surface.COMMAND] + list(surface.OWN)
    assert [p.name for p in declared] == names


@pytest.mark.parametrize(
    ("flag", "name", "kind", "default", "metavar"), surface.COMMAND, ids=lambda value: str(value)
)
def test_option_of_the_command_is_uvicorns(flag, name, kind, default, metavar):
    # U1.2
    (option,) = [p for p in cli.main.params if p.name == name]
    (flag_given,) = option.opts
    assert flag_given == flag
    context = click.Context(cli.main)
    assert option.get_default(context) == default
    (shown, _) = option.get_help_record(context)
    if kind == "boolean" and name != "ws_per_message_deflate":
        assert option.is_flag
    else:
        assert shown == f"{flag} {metavar or kind.upper()}"


def test_options_that_are_repeated_are_uvicorns():
    # U1.2
    repeated = {p.name for p in cli.main.params if getattr(p, "multiple", False)}
    assert repeated == {"reload_dirs", "reload_includes", "reload_excludes", "headers"}


def test_pairs_of_switches_are_uvicorns():
    # U1.2
    pairs = {p.name: p.secondary_opts for p in cli.main.params if p.secondary_opts}
    assert pairs == {
        name: [f"--no-{name.replace('_', '-')}"]
        for name in (
            "access_log",
            "use_colors",
            "proxy_headers",
            "server_header",
            "date_header",
        )
    }
