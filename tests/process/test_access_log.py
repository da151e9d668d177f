"""The access line of a real server, and that no peer can drive a terminal through it."""

from __future__ import annotations

from tests.process.peer import answer, request


def test_line_is_uvicorns_on_standard_output(rsgi):
    server = rsgi()
    with server.connect() as peer:
        host, port = peer.getsockname()
        request(peer, "/a%20b?x=1&y=%2F")
        answer(peer)
    server.stop()
    assert server.out.rest() == [
        f'INFO:     {host}:{port} - "GET /a%20b?x=1&y=%2F HTTP/1.1" 200 OK'
    ]


def test_no_access_log_prints_nothing(rsgi):
    server = rsgi("app", "--no-access-log")
    with server.connect() as peer:
        request(peer)
        answer(peer)
    server.stop()
    assert server.out.rest() == []


def test_line_in_colour(rsgi):
    server = rsgi("app", "--use-colors")
    with server.connect() as peer:
        host, port = peer.getsockname()
        request(peer)
        answer(peer)
    server.stop()
    assert server.out.rest() == [
        f'\x1b[32mINFO\x1b[0m:     {host}:{port} - "\x1b[1mGET / HTTP/1.1\x1b[0m" '
        "\x1b[32m200 OK\x1b[0m"
    ]


def test_target_cannot_forge_a_line(rsgi):
    # FLT-D13
    targets = ["/%1b[2J%0d%0aINFO:%20forged", "/?%1b[2J%0d%0a", "/?back\\slash", "/%7f%c2%9b31m"]
    server = rsgi()
    with server.connect() as peer:
        for target in targets:
            request(peer, target)
            answer(peer)
    server.stop()
    lines = server.out.rest()
    assert len(lines) == len(targets)
    for line in lines:
        assert line.isascii()
        assert line.isprintable()
        assert "\\" not in line.replace("\\x5c", "")
        assert line.endswith(' HTTP/1.1" 200 OK')
