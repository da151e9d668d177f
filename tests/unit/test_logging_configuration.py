"""logging.py: what a `log_config` may be, and that it may name uvicorn's formatter classes."""

from __future__ import annotations

import configparser
import copy
import io
import json
import logging
import sys

import pytest

from rsgi_bridge import logging as rsgi_logging
from rsgi_bridge.logging import (
    LOGGING_CONFIG,
    TRACE_LOG_LEVEL,
    AccessFormatter,
    DefaultFormatter,
    configure,
)

INI = """
[loggers]
keys=root,uvicorn
[handlers]
keys=lines
[formatters]
keys=lines
[logger_root]
handlers=
[logger_uvicorn]
level=CRITICAL
handlers=lines
qualname=uvicorn
[handler_lines]
class=StreamHandler
formatter=lines
[formatter_lines]
format=%(levelprefix)s %(message)s
class=uvicorn.logging.DefaultFormatter
"""
DICT = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "uvicorn.logging.DefaultFormatter", "fmt": "%(levelprefix)s"}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "loggers": {"uvicorn": {"handlers": ["lines"], "level": "CRITICAL"}},
}


@pytest.fixture(autouse=True)
def _untouched_root():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def no_uvicorn(monkeypatch):
    """An environment in which `import uvicorn` fails."""
    for name in list(sys.modules):
        if name.startswith("uvicorn."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)


@pytest.fixture
def other_uvicorn(monkeypatch, tmp_path):
    """An environment in which some other uvicorn is installed: its formatter class."""
    for name in list(sys.modules):
        if name.partition(".")[0] == "uvicorn":
            monkeypatch.delitem(sys.modules, name)
    package = tmp_path / "site" / "uvicorn"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "logging.py").write_text(
        "import logging\nclass DefaultFormatter(logging.Formatter):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield
    # Imported by the test, and not to be met by any other.
    for name in ("uvicorn.logging", "uvicorn"):
        sys.modules.pop(name, None)


def formatter():
    """The formatter of the only handler of the logger `uvicorn`."""
    (handler,) = logging.getLogger("uvicorn").handlers
    return handler.formatter


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def yaml_text():
    import yaml

    return yaml.safe_dump(DICT)


def parser():
    made = configparser.ConfigParser()
    made.read_string(INI)
    return made


# What `log_config` may be, each with the name of uvicorn's class in it.
FORMS = {
    "dict": lambda folder: copy.deepcopy(DICT),
    "json": lambda folder: str(write(folder / "log.json", json.dumps(DICT))),
    "json path": lambda folder: write(folder / "log.json", json.dumps(DICT)),
    "yaml": lambda folder: str(write(folder / "log.yaml", yaml_text())),
    "yml": lambda folder: str(write(folder / "log.yml", yaml_text())),
    "ini": lambda folder: str(write(folder / "log.ini", INI)),
    "any other name": lambda folder: write(folder / "logging.conf", INI),
    "parser": lambda folder: parser(),
    "raw parser": lambda folder: raw_parser(),
    "open file": lambda folder: io.StringIO(INI),
}


def raw_parser():
    made = configparser.RawConfigParser()
    made.read_string(INI)
    return made


@pytest.mark.parametrize("form", FORMS)
def test_uvicorns_formatter_is_ours_where_uvicorn_is_not_installed(no_uvicorn, tmp_path, form):
    # U5.1
    configure(FORMS[form](tmp_path), None)
    assert type(formatter()) is DefaultFormatter
    assert logging.getLogger("uvicorn").level == logging.CRITICAL
    assert sys.modules["uvicorn"] is None  # nothing pretends to be uvicorn


@pytest.mark.parametrize("form", FORMS)
def test_installed_uvicorn_is_left_alone(other_uvicorn, tmp_path, form):
    # U5.1
    configure(FORMS[form](tmp_path), None)
    assert type(formatter()).__module__ == "uvicorn.logging"
    assert type(formatter()) is sys.modules["uvicorn.logging"].DefaultFormatter


def test_users_dict_is_not_changed(no_uvicorn):
    log_config = copy.deepcopy(DICT)
    configure(log_config, None)
    assert log_config == DICT


def test_users_parser_is_not_changed(no_uvicorn):
    log_config = parser()
    configure(log_config, None)
    assert log_config["formatter_lines"]["class"] == "uvicorn.logging.DefaultFormatter"


@pytest.mark.parametrize(
    "entry",
    [
        {"class": "uvicorn.logging.AccessFormatter"},
        {"()": "uvicorn.logging.AccessFormatter"},
        {"()": AccessFormatter},
        {"()": "rsgi_bridge.logging.AccessFormatter"},
    ],
    ids=repr,
)
def test_classes_may_be_named_in_every_way(no_uvicorn, entry):
    # U5.1
    configure({**copy.deepcopy(DICT), "formatters": {"lines": entry}}, None)
    assert type(formatter()) is AccessFormatter


def test_other_strings_are_left_alone(no_uvicorn):
    text = "uvicorn.logging.DefaultFormatter%(message)s"
    log_config = copy.deepcopy(DICT)
    log_config["formatters"]["lines"] = {"format": text}
    configure(log_config, None)
    record = logging.LogRecord("uvicorn", logging.INFO, "", 1, "!", None, None)
    assert formatter().format(record) == "uvicorn.logging.DefaultFormatter!"


def test_stand_in_for_uvicorn_without_a_spec_counts_as_uvicorn(monkeypatch):
    class Module:
        __spec__ = None

    monkeypatch.setitem(sys.modules, "uvicorn", Module)
    assert rsgi_logging.resolvable(DICT) is DICT


def test_configuration_that_does_not_name_uvicorn_is_passed_as_it_is(no_uvicorn):
    assert rsgi_logging.resolvable(LOGGING_CONFIG) is LOGGING_CONFIG


@pytest.mark.parametrize("broken", ["", "junk", "[loggers]\n[loggers]\n", "[a]\nb\n"])
@pytest.mark.parametrize("installed", [True, False])
def test_ini_that_cannot_be_read_is_refused_in_the_words_of_logging(
    monkeypatch, tmp_path, broken, installed
):
    monkeypatch.setattr(rsgi_logging, "_has_uvicorn", lambda: installed)
    path = write(tmp_path / "log.ini", broken)
    with pytest.raises((RuntimeError, KeyError, configparser.Error)) as ours:
        configure(path, None)
    with pytest.raises(type(ours.value)) as theirs:
        logging.config.fileConfig(str(path))
    assert str(ours.value) == str(theirs.value)


def test_ini_that_is_not_there_is_refused(no_uvicorn, tmp_path):
    with pytest.raises((FileNotFoundError, KeyError)):  # the latter before Python 3.12
        configure(tmp_path / "log.ini", None)


@pytest.mark.parametrize("use_colors", [None, True, False])
def test_default_dict_is_uvicorns(capfd, monkeypatch, use_colors):
    # U5.1, U5.2: names, streams and lines.
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    configure(copy.deepcopy(LOGGING_CONFIG), use_colors)
    logging.getLogger("uvicorn.error").info("to stderr")
    logging.getLogger("uvicorn.asgi").info("as well")
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "1.2.3.4:5", "GET", "/", "1.1", 200
    )
    out, err = capfd.readouterr()
    if use_colors:
        assert err == "\x1b[32mINFO\x1b[0m:     to stderr\n\x1b[32mINFO\x1b[0m:     as well\n"
        assert "\x1b[1mGET / HTTP/1.1\x1b[0m" in out
    else:
        assert err == "INFO:     to stderr\nINFO:     as well\n"
        assert out == 'INFO:     1.2.3.4:5 - "GET / HTTP/1.1" 200 OK\n'


def test_default_dict_sets_uvicorns_loggers():
    # U5.1
    configure(copy.deepcopy(LOGGING_CONFIG), None)
    parent, error, access = map(logging.getLogger, ("uvicorn", "uvicorn.error", "uvicorn.access"))
    assert (parent.level, parent.propagate, len(parent.handlers)) == (logging.INFO, False, 1)
    assert (error.level, error.propagate, error.handlers) == (logging.INFO, True, [])
    assert (access.level, access.propagate, len(access.handlers)) == (logging.INFO, False, 1)


def test_default_dict_may_be_changed_in_place(monkeypatch, capfd):
    # U5.1: what users do most.
    monkeypatch.setitem(LOGGING_CONFIG["formatters"]["default"], "fmt", "%(asctime)s %(message)s")
    monkeypatch.setitem(LOGGING_CONFIG["formatters"]["default"], "datefmt", "now")
    configure(LOGGING_CONFIG, False)
    logging.getLogger("uvicorn.error").info("changed")
    assert capfd.readouterr().err == "now changed\n"


@pytest.mark.parametrize("use_colors", [True, False])
def test_use_colors_is_written_into_the_dict(use_colors):
    # U5.1
    log_config = copy.deepcopy(LOGGING_CONFIG)
    configure(log_config, use_colors)
    for name in ("default", "access"):
        assert log_config["formatters"][name]["use_colors"] is use_colors
    assert formatter().use_colors is use_colors


def test_use_colors_needs_the_two_formatters():
    # U5.1: as uvicorn.
    with pytest.raises(KeyError):
        configure(copy.deepcopy(DICT), True)


def test_use_colors_is_not_for_files(no_uvicorn, tmp_path):
    # U5.1: as uvicorn; a file says itself what it wants.
    configure(FORMS["json"](tmp_path), True)
    assert formatter().use_colors is sys.stdout.isatty()


def test_no_configuration_touches_no_logger():
    # U5.1
    before = logging.getLogger("uvicorn").handlers[:]
    configure(None, True)
    assert logging.getLogger("uvicorn").handlers == before


def test_level_trace_has_a_name():
    # U5.1, U5.4
    configure(None, None)
    assert logging.getLevelName(TRACE_LOG_LEVEL) == "TRACE"
    assert logging.getLevelName("TRACE") == 5


def test_ini_disables_no_loggers(no_uvicorn, tmp_path):
    # U5.1
    other = logging.getLogger("somebody.else")
    configure(FORMS["ini"](tmp_path), None)
    assert not other.disabled


def test_yaml_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    # U5.1
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError) as caught:
        configure(str(tmp_path / "log.yml"), None)
    assert str(caught.value) == (
        "Install the PyYAML package or rsgi-bridge[standard] to use `--log-config` with YAML files."
    )
