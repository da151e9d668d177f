"""A Flask site through `--interface wsgi`: in threads on both loops, and by the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.raw import RawConnection

SITE = "tests.compat.sites.flask_site:app"
OPTIONS = {"interface": "wsgi", "root_path": "/api"}
FILE = Path(__file__).parent / "sites" / "flask_site.py"

pytestmark = pytest.mark.usefixtures("site")


def test_request(site):
    """WSGI-1, WSGI-11."""
    port = site.base_url.port
    assert site.get("/where/J%C3%BCrgen?a=1&a=%C3%A9").json() == {
        "name": "Jürgen",
        "path": "/where/Jürgen",
        "root": "/api",
        "url": f"http://127.0.0.1:{port}/api/where/Jürgen?a=1&a=é",
        "a": ["1", "é"],
        "client": "127.0.0.1",
        "main": False,
    }


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_form_with_a_file(site, size):
    """WSGI-4: also when it is larger than what is kept in memory."""
    answer = site.post("/form", data={"a": ["1", "é"]}, files={"file": b"x" * size})
    assert answer.json() == {"fields": {"a": ["1", "é"]}, "files": {"file": size}}


def test_json(site):
    assert site.post("/json", json={"é": [1, None]}).json() == {"é": [1, None]}
    assert site.post("/json", content=b"{", headers={"content-type": "application/json"}).is_error


def test_body_without_a_length(site):
    """WSGI-4: Flask asks `wsgi.input_terminated` before it reads one."""
    assert site.post("/raw", content=iter([b"x" * 1000] * 100)).text == "100000"
    assert site.post("/raw", content=b"").text == "0"


def test_both_bodies_are_streams(site):
    """WSGI-4, WSGI-6: a line is answered before the next one is sent."""
    with RawConnection((site.base_url.host, site.base_url.port)) as peer:
        peer.send(b"POST /upper HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n")
        peer.send(b"4\r\none\n\r\n")
        peer.read_head()
        assert peer.read_chunk() == b"ONE\n"
        peer.send(b"3\r\ntwo\r\n0\r\n\r\n")
        assert peer.read_chunk() == b"TWO"
        assert peer.read_chunk() == b""


def test_stream(site):
    """WSGI-6."""
    assert site.get("/count/500").text == "".join(f"{number}\n" for number in range(500))
    assert site.get("/count/0").text == ""


def test_file(site):
    """WSGI-6, ASGI-53: whole, a part of it, not again, and its head."""
    content = FILE.read_bytes()
    whole = site.get("/me")
    assert whole.content == content
    part = site.get("/me", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    assert site.get("/me", headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    head = site.head("/me")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(content)))


def test_session_and_messages(site):
    """WSGI-2: cookies there and back, several in one answer."""
    site.cookies.clear()
    assert [site.get("/visits").text for _ in range(3)] == ["1", "2", "3"]
    response = site.post("/note", data={"text": "noted"}, follow_redirects=False)
    assert response.headers["location"] == "/api/notes"
    notes = site.get("/notes")
    assert notes.json() == ["noted"]
    names = [field.partition("=")[0] for field in notes.headers.get_list("set-cookie")]
    assert names[:2] == ["a", "b"]
    assert site.get("/notes").json() == []


def test_external_link(site):
    """WSGI-1, WSGI-2: made of Host, scheme and root path."""
    link = site.get("/inner/link", headers={"host": "example.com"}).text
    assert link == "http://example.com/api/where/x"


def test_errors(site):
    """WSGI-9: an error page, a handler, and a fault that Flask answers by itself."""
    assert site.get("/teapot").status_code == 418
    assert site.get("/missing").json() == {"error": "Not Found"}
    broken = site.get("/broken")
    assert (broken.status_code, broken.headers["x-stamp"]) == (500, "GET")


def test_methods(site):
    """OPTIONS is Flask's own; what a route does not know is 405."""
    assert "GET" in site.options("/visits").headers["allow"]
    assert site.put("/visits").status_code == 405
