"""The scope's keys, the exact types of its values, and what requests share of it.

ASGI-1..5, ASGI-20..24, ASGI-29, ASGI-31, ASGI-32.
"""

from __future__ import annotations

import json

import pytest

from tests.asgi.exchange import answer, notes_scopes, request

KEYS = {
    "type",
    "asgi",
    "http_version",
    "server",
    "client",
    "scheme",
    "method",
    "root_path",
    "path",
    "raw_path",
    "query_string",
    "headers",
    "state",
}


def test_scope_has_exactly_these_keys_and_types(stage, notes):
    """ASGI-2, ASGI-3, ASGI-10, O4: plain types; no `extensions` key while there is no extension."""
    stage(notes_scopes(notes)).ask("/a?b=c")
    scope = notes.next()
    assert type(scope) is dict
    assert set(scope) == KEYS
    assert all(type(key) is str for key in scope)
    for key in ("type", "http_version", "scheme", "method", "root_path", "path"):
        assert type(scope[key]) is str, key
    for key in ("raw_path", "query_string"):
        assert type(scope[key]) is bytes, key
    assert type(scope["headers"]) is list
    assert type(scope["asgi"]) is dict
    assert type(scope["state"]) is dict


def test_scope_versions(stage, notes):
    """ASGI-3, ASGI-21, O1: spec_version 2.3, because send() after a disconnect is silent."""
    stage(notes_scopes(notes)).ask()
    scope = notes.next()
    assert scope["type"] == "http"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.3"}


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_scope_http_version(stage, notes, version):
    """ASGI-22."""
    stage(notes_scopes(notes)).ask(version=version.encode())
    assert notes.next()["http_version"] == version


@pytest.mark.parametrize(
    "method", ["GET", "POST", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "BREW"]
)
def test_scope_method(stage, notes, method):
    """ASGI-23, O8: every upper-case token reaches the application."""
    stage(notes_scopes(notes)).ask(method=method.encode())
    assert notes.next()["method"] == method


def test_lower_case_method_never_reaches_the_application(stage, notes):
    """ASGI-23, ASGI-N7, O8."""
    assert stage(notes_scopes(notes)).ask(method=b"get").status == 400
    assert notes.rest() == []


def test_scope_scheme(stage, notes):
    """ASGI-24."""
    stage(notes_scopes(notes)).ask()
    assert notes.next()["scheme"] == "http"


def test_scope_headers_are_pairs_of_bytes_with_lower_case_names(stage, notes):
    """ASGI-29: values as they came, but for surrounding blanks (O5)."""
    stage(notes_scopes(notes)).ask(
        "/", b"X-Case: MiXed", b"x-blanks: \t a b \t", b"X-Latin: \xe9\xff", b"x-no:"
    )
    headers = notes.next()["headers"]
    assert all(type(pair) is tuple and len(pair) == 2 for pair in headers)
    assert all(type(part) is bytes for pair in headers for part in pair)
    assert headers == [
        (b"host", b"test"),
        (b"x-case", b"MiXed"),
        (b"x-blanks", b"a b"),
        (b"x-latin", b"\xe9\xff"),
        (b"x-no", b""),
    ]


def test_scope_headers_group_equal_names_at_the_first(stage, notes):
    """ASGI-29, O35: duplicates are kept in order, and different names keep their order."""
    stage(notes_scopes(notes)).ask(
        "/", b"X-A: 1", b"x-b: 2", b"x-A: 3", b"x-c: 4", b"x-B: 5", b"x-a: 1"
    )
    assert notes.next()["headers"] == [
        (b"host", b"test"),
        (b"x-a", b"1"),
        (b"x-a", b"3"),
        (b"x-a", b"1"),
        (b"x-b", b"2"),
        (b"x-b", b"5"),
        (b"x-c", b"4"),
    ]


def test_scope_over_tcp_names_both_ends(stage, notes):
    """ASGI-31: tuples of a str and an int."""
    server = stage(notes_scopes(notes))
    peer = server.connect(request())
    assert peer.read_response().status == 200
    scope = notes.next()
    assert type(scope["client"]) is tuple
    assert type(scope["server"]) is tuple
    assert scope["client"] == ("127.0.0.1", peer.port)
    assert scope["server"] == ("127.0.0.1", server.serving.port)
    assert [type(part) for part in scope["client"] + scope["server"]] == [str, int, str, int]


def test_scope_over_ipv6_has_no_brackets_and_no_flow(stage_with, notes):
    """ASGI-31."""
    try:
        server = stage_with(notes_scopes(notes), host="::1", lifespan="off")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    peer = server.connect(request())
    assert peer.read_response().status == 200
    scope = notes.next()
    assert scope["client"] == ("::1", peer.port)
    assert scope["server"] == ("::1", server.serving.port)


def test_scope_over_unix_socket(stage_with, notes, tmp_path):
    """ASGI-31: the server is the path as configured, and the client has no name."""
    path = str(tmp_path / "s")
    stage_with(notes_scopes(notes), uds=path, lifespan="off").ask()
    scope = notes.next()
    assert scope["server"] == (path, None)
    assert type(scope["server"]) is tuple
    assert scope["client"] is None


def test_application_is_called_once_for_each_request(stage, notes):
    """ASGI-1, ASGI-20: a scope of its own each time."""
    peer = stage(notes_scopes(notes)).connect()
    for _ in range(3):
        peer.send(request())
        peer.read_response()
    calls = notes.rest()
    assert len(calls) == 3
    assert len({id(scope) for scope in calls}) == 3


def test_scope_mutations_do_not_reach_the_next_request(stage, notes):
    """ASGI-20: nothing mutable is shared between the requests of a connection."""

    async def app(scope, receive, send):
        notes({**scope, "asgi": dict(scope["asgi"]), "headers": list(scope["headers"])})
        scope["asgi"]["mine"] = 1
        scope["headers"].append((b"x-mine", b"1"))
        scope["mine"] = 1
        scope["client"] = scope["server"] = None
        await answer(send)

    peer = stage(app).connect()
    for _ in range(2):
        peer.send(request())
        peer.read_response()
    first, second = notes.next(), notes.next()
    assert first == second


def test_state_is_empty_without_lifespan(stage_with, notes):
    """ASGI-32: present all the same, as in uvicorn."""
    stage_with(notes_scopes(notes), lifespan="off").ask()
    assert notes.next()["state"] == {}


def test_state_is_a_shallow_copy_for_each_request(stage_with, notes):
    """ASGI-32, ASGI-97: keys are private to a request, the objects behind them shared."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["shared"] = []
            scope["state"]["count"] = 0
            await send({"type": "lifespan.startup.complete"})
            await receive()
            notes(dict(scope["state"]))
            await send({"type": "lifespan.shutdown.complete"})
            return
        notes({**scope["state"], "shared": list(scope["state"]["shared"])})
        scope["state"]["count"] += 1
        scope["state"]["mine"] = True
        scope["state"]["shared"].append("notes")
        await answer(send)

    server = stage_with(app, lifespan="on")
    peer = server.connect()
    for _ in range(2):
        peer.send(request())
        peer.read_response()
    server.close_connections()
    server.serving.stop()
    assert notes.next() == {"count": 0, "shared": []}
    assert notes.next() == {"count": 0, "shared": ["notes"]}
    assert notes.next() == {"count": 0, "shared": ["notes", "notes"]}


def test_scope_that_cannot_be_dumped_is_the_applications_error(stage_with):
    """ASGI-2, ASGI-8: json.dumps refuses bytes; the server answers 500 and lives."""

    async def app(scope, receive, send):
        json.dumps(scope)

    server = stage_with(app, lifespan="auto")
    assert server.ask().status == 500
    assert server.ask().status == 500
    server.logs.wait("Exception in ASGI application")


def test_scope_can_be_printed_and_copied(stage, notes):
    """ASGI-2: repr, deep copy, pickle: a scope is plain data."""

    async def app(scope, receive, send):
        import copy
        import pickle

        notes(copy.deepcopy(scope) == scope == pickle.loads(pickle.dumps(scope)))
        notes(repr(scope))
        await answer(send)

    stage(app).ask("/x", b"x-a: 1")
    assert notes.next() is True
    assert "'x-a'" in notes.next()


def test_version_is_that_of_the_applications_form(stage_with, notes):
    """U3.1: an application of two calls is told so, though the server makes one of it."""

    def app(scope):
        async def instance(receive, send):
            notes(scope["asgi"])
            await answer(send)

        return instance

    server = stage_with(app, lifespan="off")
    assert server.ask().status == 200
    assert notes.next() == {"version": "2.0", "spec_version": "2.3"}
