"""wsgi/environ.py: the environ of a scope, by PEP 3333 and by what frameworks expect of it."""

from __future__ import annotations

import io
import sys
from wsgiref.util import request_uri
from wsgiref.validate import check_environ

import pytest

from rsgi_bridge.wsgi.environ import build_environ


def scope_of(*headers, **changes):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "root_path": "",
        "path": "/",
        "query_string": b"",
        "headers": list(headers),
        "client": ("192.0.2.7", 5000),
        "server": ("127.0.0.1", 8000),
        **changes,
    }


def environ_of(*headers, **changes):
    environ = build_environ(scope_of(*headers, **changes), None, io.BytesIO())
    check_environ(environ)
    return environ


def test_environ_of_a_plain_request():
    # WSGI-1, ASGI-120
    body = io.BytesIO()
    scope = scope_of(
        (b"host", b"example.com"),
        (b"content-type", b"text/plain"),
        (b"content-length", b"3"),
        (b"x-request-id", b"7"),
        method="POST",
        path="/a b",
        query_string=b"x=%20&y",
    )
    environ = build_environ(scope, None, body)
    assert environ == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "x=%20&y",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "REMOTE_PORT": "5000",
        "HTTP_HOST": "example.com",
        "HTTP_X_REQUEST_ID": "7",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    check_environ(environ)
    assert request_uri(environ) == "http://example.com/a%20b?x=%20&y"


def test_each_request_has_an_environ_of_its_own():
    # PEP 3333: applications write into it.
    assert environ_of() is not environ_of()


@pytest.mark.parametrize(
    ("root_path", "path", "script_name", "path_info"),
    [
        ("", "/", "", "/"),
        ("", "//a//b", "", "//a//b"),
        ("/api", "/api/a", "/api", "/a"),
        ("/api", "/api", "/api", ""),
        ("/api", "/api/api/a", "/api", "/api/a"),
        ("/api/", "/api//a", "/api", "/a"),
        ("/api/", "/api/a", "/api", "/a"),
        ("/", "//a", "", "/a"),
        ("/api", "/other", "/api", "/other"),  # middleware has changed the one and not the other
        ("/größe", "/größe/é", "/grÃ¶Ã\x9fe", "/Ã©"),
        ("", "/\ufffd", "", "/ï¿½"),
    ],
)
def test_path_is_split_and_tunnelled(root_path, path, script_name, path_info):
    # WSGI-1: texts of PEP 3333 hold the bytes of UTF-8, one for each character.
    environ = environ_of(root_path=root_path, path=path)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script_name, path_info)
    for text in (script_name, path_info):
        text.encode("latin-1").decode("utf-8")


def test_asterisk_stays():
    environ = build_environ(scope_of(method="OPTIONS", path="*"), None, io.BytesIO())
    assert environ["PATH_INFO"] == "*"


def test_query_may_hold_any_byte():
    # WSGI-1
    assert environ_of(query_string=b"a=\xff")["QUERY_STRING"] == "a=\xff"


@pytest.mark.parametrize(
    ("scheme", "shown"),
    [("http", "http"), ("https", "https"), ("ws", "http"), ("wss", "https"), ("", "http")],
)
def test_url_scheme_is_http_or_https(scheme, shown):
    # WSGI-1; U2.5: a trusted proxy may say `wss`.
    assert environ_of(scheme=scheme)["wsgi.url_scheme"] == shown


def test_http_1_0_is_shown():
    assert environ_of(http_version="1.0")["SERVER_PROTOCOL"] == "HTTP/1.0"


@pytest.mark.parametrize("server", [None, ("/run/app.sock", None)])
@pytest.mark.parametrize(("scheme", "port"), [("http", "80"), ("https", "443")])
def test_server_always_has_a_name_and_a_port(server, scheme, port):
    # WSGI-3
    environ = environ_of(server=server, scheme=scheme)
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", port)
    assert request_uri(environ) == f"{scheme}://localhost/"


def test_peer_without_an_address():
    # WSGI-3: frameworks read REMOTE_ADDR without asking whether it is there.
    environ = environ_of(client=None)
    assert environ["REMOTE_ADDR"] == ""
    assert "REMOTE_PORT" not in environ


@pytest.mark.parametrize(
    ("fields", "variable", "value"),
    [
        ([(b"accept", b"a"), (b"x", b""), (b"accept", b"b")], "HTTP_ACCEPT", "a,b"),
        ([(b"cookie", b"a=1"), (b"cookie", b"b=2")], "HTTP_COOKIE", "a=1; b=2"),
        ([(b"x-text", b"caf\xe9")], "HTTP_X_TEXT", "caf\xe9"),
        ([(b"x-empty", b"")], "HTTP_X_EMPTY", ""),
        ([(b"content-type", b"a"), (b"content-type", b"b")], "CONTENT_TYPE", "a,b"),
        ([(b"x-content-length", b"7")], "HTTP_X_CONTENT_LENGTH", "7"),
    ],
)
def test_fields_are_joined(fields, variable, value):
    # WSGI-2
    assert environ_of(*fields)[variable] == value


def test_content_fields_have_no_http_name():
    environ = environ_of((b"content-length", b"3"), (b"content-type", b"a"))
    assert not {"HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"} & environ.keys()
    assert not {"CONTENT_LENGTH", "CONTENT_TYPE"} & environ_of().keys()


@pytest.mark.parametrize("name", [b"x_forwarded_for", b"content_length", b"x-remote_user"])
def test_field_that_could_pass_for_another_is_dropped(name):
    # WSGI-2: a proxy that removes `X-Remote-User` lets `X_Remote_User` through.
    environ = environ_of((name, b"forged"), (b"x-remote-user", b"real"))
    assert "forged" not in environ.values()
    assert environ["HTTP_X_REMOTE_USER"] == "real"


def test_repeated_fields_take_linear_time():
    # WSGI-2, ASGI-122: 64 KiB of fields are at most so many; joined two at a time this takes hours.
    value = environ_of(*[(b"a", b"b" * 1000)] * 50_000)["HTTP_A"]
    assert len(value) == 50_000 * 1001 - 1
