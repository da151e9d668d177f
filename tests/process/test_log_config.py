"""`--log-config` with files of each kind, where uvicorn is installed and where it is not."""

from __future__ import annotations

import json

import pytest

from tests.process.peer import answer, request

CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "own": {
            "()": "uvicorn.logging.DefaultFormatter",
            "fmt": "own %(levelprefix)s %(message)s",
            "use_colors": False,
        },
        "access": {
            "()": "uvicorn.logging.AccessFormatter",
            "fmt": "own %(request_line)s %(status_code)s",
            "use_colors": False,
        },
    },
    "handlers": {
        "own": {"class": "logging.StreamHandler", "formatter": "own"},
        "access": {
            "class": "logging.StreamHandler",
            "formatter": "access",
            "stream": "ext://sys.stdout",
        },
    },
    "loggers": {
        "uvicorn": {"handlers": ["own"], "level": "INFO", "propagate": False},
        "uvicorn.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
    },
}
INI = """\
[loggers]
keys = root, uvicorn, access

[handlers]
keys = own, access

[formatters]
keys = own, access

[logger_root]
handlers =

[logger_uvicorn]
level = INFO
handlers = own
qualname = uvicorn
propagate = 0

[logger_access]
level = INFO
handlers = access
qualname = uvicorn.access
propagate = 0

[handler_own]
class = StreamHandler
formatter = own

[handler_access]
class = StreamHandler
formatter = access
args = (sys.stdout,)

[formatter_own]
class = uvicorn.logging.DefaultFormatter
format = own %(levelprefix)s %(message)s

[formatter_access]
class = uvicorn.logging.AccessFormatter
format = own %(request_line)s %(status_code)s
"""


def yaml_text():
    import yaml

    return yaml.safe_dump(CONFIG)


FILES = {
    "log.json": lambda: json.dumps(CONFIG),
    "log.yaml": yaml_text,
    "log.ini": lambda: INI,
}


@pytest.fixture(params=["with uvicorn", "without uvicorn"])
def environment(request, tmp_path):
    """An environment as it is, and one in which `import uvicorn` fails."""
    if request.param == "with uvicorn":
        return {}
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['uvicorn'] = None\n")
    return {"PYTHONPATH": str(hidden)}


@pytest.mark.parametrize("name", FILES)
def test_file_decides_the_lines(rsgi, tmp_path, environment, name):
    """U5.1, U1.2: also the lines that the constructor of `Config` may log."""
    path = tmp_path / name
    path.write_text(FILES[name](), encoding="utf-8")
    server = rsgi("app", "--log-config", str(path), environment=environment)
    with server.connect() as peer:
        request(peer, "/")
        answer(peer)
    assert server.stop() == 0
    assert server.out.rest() == ["own GET / HTTP/1.1 200 OK"]
    assert server.err.all
    assert all(line.startswith("own INFO:     ") for line in server.err.all)


def test_level_is_set_over_the_file(rsgi, tmp_path):
    """U5.1: `--log-level` wins."""
    path = tmp_path / "log.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    server = rsgi("app", "--log-config", str(path), "--log-level", "debug", "--port", "0")
    server.err.wait("running on")
    assert server.stop() == 0


def test_messages_at_level_trace(rsgi):
    """U5.4: the default configuration names the level."""
    server = rsgi("app", "--log-level", "trace")
    with server.connect() as peer:
        request(peer, "/")
        answer(peer)
    assert server.stop() == 0
    told = [line for line in server.err.all if line.startswith("TRACE:    ") and "ASGI [" in line]
    assert told[0].startswith("TRACE:    ASGI [1] Started scope={'type': 'lifespan'")
    assert told[-1] == "TRACE:    ASGI [1] Completed"
    assert any(
        "ASGI [2] Send {'type': 'http.response.body', 'body': '<6 bytes>'}" in x for x in told
    )
