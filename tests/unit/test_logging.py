"""logging.py: lines to the letter, colours, and no control character that reaches a terminal."""

from __future__ import annotations

import copy
import json
import logging
import sys

import pytest

from rsgi_bridge.logging import (
    LOGGING_CONFIG,
    TRACE_LOG_LEVEL,
    AccessFormatter,
    DefaultFormatter,
    configure,
    escape,
    escape_lines,
    resolvable,
    style,
)

CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
DEFAULT = LOGGING_CONFIG["formatters"]["default"]["fmt"]
ACCESS = LOGGING_CONFIG["formatters"]["access"]["fmt"]


def record(message, *args, level=logging.INFO, exc_info=None, **extra):
    made = logging.LogRecord("uvicorn.error", level, "file.py", 1, message, args, exc_info)
    made.__dict__.update(extra)
    return made


def access_record(
    client="127.0.0.1:5000", method="GET", path="/", version="1.1", status=200
) -> logging.LogRecord:
    return record('%s - "%s %s HTTP/%s" %d', client, method, path, version, status)


def raised(message):
    try:
        raise ValueError(message)
    except ValueError:
        return sys.exc_info()


def default_line(*args, use_colors=False, **options):
    return DefaultFormatter(DEFAULT, use_colors=use_colors).format(record(*args, **options))


def access_line(use_colors=False, **options):
    return AccessFormatter(ACCESS, use_colors=use_colors).format(access_record(**options))


@pytest.mark.parametrize(
    ("level", "line"),
    [
        (TRACE_LOG_LEVEL, "TRACE:    word"),
        (logging.INFO, "INFO:     word"),
        (logging.WARNING, "WARNING:  word"),
        (logging.CRITICAL, "CRITICAL: word"),
    ],
)
def test_level_prefix_is_padded(level, line):
    configure(None, None)  # names the TRACE level
    assert default_line("word", level=level) == line


@pytest.mark.parametrize(
    ("level", "colour"),
    [
        (TRACE_LOG_LEVEL, 34),
        (logging.DEBUG, 36),
        (logging.INFO, 32),
        (logging.WARNING, 33),
        (logging.ERROR, 31),
        (logging.CRITICAL, 91),
    ],
)
def test_level_name_is_coloured(level, colour):
    line = default_line("word", level=level, use_colors=True)
    assert line.startswith(f"\x1b[{colour}m{logging.getLevelName(level)}\x1b[0m:")


def test_unknown_level_has_no_colour():
    assert default_line("word", level=42, use_colors=True) == "Level 42: word"


def test_color_message_replaces_the_message_only_in_colour():
    extra = {"color_message": f"Started [{style('%d', fg='cyan')}]"}
    assert default_line("Started [%d]", 7, **extra) == "INFO:     Started [7]"
    assert default_line("Started [%d]", 7, use_colors=True, **extra).endswith(
        "Started [\x1b[36m7\x1b[0m]"
    )


def test_color_message_escapes_its_arguments():
    line = default_line("%s", "\x1b[2J", use_colors=True, color_message=style("%s", bold=True))
    assert line.endswith("\x1b[1m\\x1b[2J\x1b[0m")


def test_color_message_takes_named_arguments():
    line = default_line(
        "%(a)s", {"a": "\x07", "b": 1.5}, use_colors=True, color_message="%(a)s %(b).1f"
    )
    assert line.endswith("\\x07 1.5")


@pytest.mark.parametrize("isatty", [True, False])
def test_colours_follow_standard_output_by_default(monkeypatch, isatty):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: isatty, raising=False)
    assert DefaultFormatter().use_colors is isatty
    assert AccessFormatter().use_colors is isatty


@pytest.mark.parametrize(
    ("status", "text"), [(200, "200 OK"), (404, "404 Not Found"), (599, "599 ")]
)
def test_access_line_is_uvicorns(status, text):
    line = access_line(path="/a%20b?x=1", status=status)
    assert line == f'INFO:     127.0.0.1:5000 - "GET /a%20b?x=1 HTTP/1.1" {text}'


def test_access_line_of_a_peer_without_address():
    assert access_line(client="") == 'INFO:      - "GET / HTTP/1.1" 200 OK'


@pytest.mark.parametrize(
    ("status", "colour"), [(101, 97), (204, 32), (301, 33), (404, 31), (500, 91)]
)
def test_access_line_colours_the_status(status, colour):
    line = access_line(status=status, use_colors=True)
    assert f"\x1b[{colour}m{status} " in line
    assert '"\x1b[1mGET / HTTP/1.1\x1b[0m"' in line


def test_access_line_of_an_unknown_class_has_no_status_colour():
    assert access_line(status=700, use_colors=True).endswith('"\x1b[1mGET / HTTP/1.1\x1b[0m" 700 ')


def test_escape_leaves_no_control_character():
    assert escape("a\x00\x1b\n\x7f\x9b\xe9z") == "a\\x00\\x1b\\x0a\\x7f\\x9b\xe9z"
    assert not set(escape(CONTROLS)) & set(CONTROLS)
    assert set(escape_lines(CONTROLS)) & set(CONTROLS) == {"\n", "\t"}


@pytest.mark.parametrize("part", ["client", "method", "path", "version"])
@pytest.mark.parametrize("use_colors", [False, True])
def test_access_record_is_one_harmless_line(part, use_colors):
    # FLT-D13
    line = access_line(**{part: f'"{CONTROLS}\\'}, use_colors=use_colors)
    for colour in ("\x1b[0m", "\x1b[1m", "\x1b[32m"):
        line = line.replace(colour, "")
    assert not set(line) & set(CONTROLS)
    assert "\\x22" in line
    assert "\\x5c" in line
    assert line.count('"') == 2


def test_message_built_from_arguments_is_one_line():
    line = default_line("Refused %s", "a\nERROR:    forged\x1b[2J")
    assert line == "INFO:     Refused a\\x0aERROR:    forged\\x1b[2J"


def test_message_without_arguments_keeps_its_lines():
    # Starlette passes a whole traceback as the message of lifespan.startup.failed.
    assert default_line("one\n\ttwo\x1b") == "INFO:     one\n\ttwo\\x1b"


def test_traceback_keeps_its_lines_and_nothing_else():
    line = default_line("Exception in ASGI application\n", exc_info=raised("\x1b[2J\x9b"))
    assert line.startswith("INFO:     Exception in ASGI application\nTraceback (most recent")
    assert line.endswith("\nValueError: \\x1b[2J\\x9b")


def test_traceback_that_another_formatter_cached_is_escaped():
    cached = record("word", exc_info=raised("\x1b[2J"))
    logging.Formatter().format(cached)
    assert "\x1b" not in DefaultFormatter(DEFAULT, use_colors=False).format(cached)


def test_stack_is_escaped():
    line = default_line("word", stack_info="Stack:\n\x1b[2J")
    assert line == "INFO:     word\nStack:\n\\x1b[2J"


def test_formatting_leaves_the_record_alone():
    original = access_record(path="/\x1b")
    before = copy.copy(original.__dict__)
    AccessFormatter(ACCESS, use_colors=True).format(original)
    assert original.__dict__ == before


def test_configure_applies_the_default_dict(capfd):
    configure(copy.deepcopy(LOGGING_CONFIG), False)
    logging.getLogger("uvicorn.error").info("to stderr")
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "1.2.3.4:5", "GET", "/", "1.1", 200
    )
    out, err = capfd.readouterr()
    assert err == "INFO:     to stderr\n"
    assert out == 'INFO:     1.2.3.4:5 - "GET / HTTP/1.1" 200 OK\n'


@pytest.mark.parametrize("use_colors", [True, False])
def test_configure_writes_use_colors_into_the_dict(use_colors):
    config = copy.deepcopy(LOGGING_CONFIG)
    configure(config, use_colors)
    assert config["formatters"]["default"]["use_colors"] is use_colors
    assert config["formatters"]["access"]["use_colors"] is use_colors


def test_configure_without_a_configuration_touches_no_logger():
    before = logging.getLogger("uvicorn").handlers[:]
    configure(None, True)
    assert logging.getLogger("uvicorn").handlers == before
    assert logging.getLevelName(TRACE_LOG_LEVEL) == "TRACE"


@pytest.mark.parametrize("as_path", [str, lambda path: path])
def test_configure_reads_json(tmp_path, as_path):
    file = tmp_path / "log.json"
    file.write_text(json.dumps({"version": 1, "loggers": {"uvicorn": {"level": "ERROR"}}}))
    configure(as_path(file), None)
    assert logging.getLogger("uvicorn").level == logging.ERROR


def test_configure_reads_ini_and_keeps_loggers(tmp_path):
    file = tmp_path / "log.ini"
    file.write_text(
        "[loggers]\nkeys=root,uvicorn\n[handlers]\nkeys=\n[formatters]\nkeys=\n"
        "[logger_root]\nhandlers=\n"
        "[logger_uvicorn]\nlevel=CRITICAL\nhandlers=\nqualname=uvicorn\n"
    )
    root = logging.getLogger()
    handlers, other = root.handlers[:], logging.getLogger("somebody.else")
    try:
        configure(str(file), None)
    finally:
        root.handlers[:] = handlers
    assert logging.getLogger("uvicorn").level == logging.CRITICAL
    assert not other.disabled


def test_configure_reads_yaml(tmp_path, monkeypatch):
    class Yaml:
        @staticmethod
        def safe_load(file):
            return json.load(file)

    monkeypatch.setitem(sys.modules, "yaml", Yaml)
    file = tmp_path / "log.yaml"
    file.write_text('{"version": 1, "loggers": {"uvicorn": {"level": "ERROR"}}}')
    configure(file, None)
    assert logging.getLogger("uvicorn").level == logging.ERROR


def test_configure_says_what_yaml_needs(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match="Install the PyYAML package"):
        configure(str(tmp_path / "log.yml"), None)


def test_uvicorns_formatters_are_ours_where_uvicorn_is_not_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    formatter = {"()": "uvicorn.logging.DefaultFormatter", "fmt": DEFAULT}
    config = {"version": 1, "formatters": {"own": formatter}, "loggers": {}}
    assert resolvable(config)["formatters"]["own"] == {
        "()": "rsgi_bridge.logging.DefaultFormatter",
        "fmt": DEFAULT,
    }
    assert formatter["()"] == "uvicorn.logging.DefaultFormatter"


def test_configuration_is_as_it_was_where_uvicorn_is_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    config = {"version": 1, "formatters": {"own": {"()": "uvicorn.logging.DefaultFormatter"}}}
    assert resolvable(config) is config
