"""The WSGI environ of an ASGI scope: the only file that knows its keys. Knows no threads."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Where a scope does not say it: PEP 3333 wants a name and a port in any case.
DEFAULT_SERVER_NAME = "localhost"
DEFAULT_PORTS = {"http": "80", "https": "443"}


def build_environ(scope: Any, message: Any, body: IO[bytes]) -> WSGIEnvironment:
    """The environ of one request.

    Args:
        scope: an ASGI HTTP scope.
        message: not used; the signature is uvicorn's.
        body: becomes `wsgi.input`.
    """
    # A trusted proxy may have written `ws` or `wss` here.
    scheme = "https" if scope.get("scheme") in ("https", "wss") else "http"
    script_name, path_info = _split_path(scope.get("root_path", ""), scope["path"])
    server_name, server_port = _server(scope.get("server"), scheme)
    client = scope.get("client")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server_name,
        "SERVER_PORT": server_port,
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        # RFC 3875 wants it always; the peer of a Unix socket has none.
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": body,
        # What Flask needs to know before it reads a body without content-length.
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        # Nothing here knows how many workers there are: the answer that promises less.
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if client:
        environ["REMOTE_PORT"] = str(client[1])
    environ.update(_fields(scope.get("headers", ())))
    return environ


def _split_path(root_path: str, path: str) -> tuple[str, str]:
    """SCRIPT_NAME and PATH_INFO, both as latin-1 texts of UTF-8 bytes."""
    path_info = path.removeprefix(root_path)
    script_name = root_path.rstrip("/")
    if script_name != root_path and not path_info.startswith("/"):
        path_info = "/" + path_info  # the slash that SCRIPT_NAME may not end with
    return _tunnelled(script_name), _tunnelled(path_info)


def _tunnelled(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _server(server: Any, scheme: str) -> tuple[str, str]:
    # The port of a Unix socket is None, and its path is no name.
    if server is None or server[1] is None:
        return DEFAULT_SERVER_NAME, DEFAULT_PORTS[scheme]
    return server[0], str(server[1])


def _fields(headers: Any) -> dict[str, str]:
    # Collected first, because joining two at a time would take quadratic time.
    collected: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        collected.setdefault(name, []).append(value)
    variables = {}
    for name, values in collected.items():
        if b"_" in name:
            continue  # would pass for the field with a hyphen there, which a proxy may have checked
        variable = name.decode("latin-1").upper().replace("-", "_")
        if variable not in ("CONTENT_LENGTH", "CONTENT_TYPE"):
            variable = f"HTTP_{variable}"
        separator = b"; " if name == b"cookie" else b","
        variables[variable] = separator.join(values).decode("latin-1")
    return variables
