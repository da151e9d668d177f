"""logging.py: lines to the letter, colours, and no control character that reaches a terminal."""

from __future__ import annotations

import copy
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
    # U5.3
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
    # U5.3
    line = default_line("word", level=level, use_colors=True)
    assert line.startswith(f"\x1b[{colour}m{logging.getLevelName(level)}\x1b[0m:")


def test_unknown_level_has_no_colour():
    assert default_line("word", level=42, use_colors=True) == "Level 42: word"


def test_color_message_replaces_the_message_only_in_colour():
    # U5.3
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
    # U5.3: for all formatters, also for what goes to standard error.
    monkeypatch.setattr(sys.stdout, "isatty", lambda: isatty, raising=False)
    assert DefaultFormatter().use_colors is isatty
    assert AccessFormatter().use_colors is isatty


@pytest.mark.parametrize("use_colors", ["auto", "", 2])
def test_any_other_word_means_automatic_colours(monkeypatch, use_colors):
    # U5.3: as uvicorn; a configuration file may hold anything.
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert DefaultFormatter(use_colors=use_colors).use_colors is False


def test_process_without_standard_output_has_no_colours(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert DefaultFormatter().use_colors is False


@pytest.mark.parametrize(
    ("status", "text"), [(200, "200 OK"), (404, "404 Not Found"), (599, "599 ")]
)
def test_access_line_is_uvicorns(status, text):
    # U5.2
    line = access_line(path="/a%20b?x=1", status=status)
    assert line == f'INFO:     127.0.0.1:5000 - "GET /a%20b?x=1 HTTP/1.1" {text}'


def test_access_line_of_a_peer_without_address():
    assert access_line(client="") == 'INFO:      - "GET / HTTP/1.1" 200 OK'


@pytest.mark.parametrize(
    ("status", "colour"), [(101, 97), (204, 32), (301, 33), (404, 31), (500, 91)]
)
def test_access_line_colours_the_status(status, colour):
    # U5.3
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
