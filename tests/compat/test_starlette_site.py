"""A whole Starlette site: forms, sessions, files and errors, driven as a browser would."""

from __future__ import annotations

from pathlib import Path

import pytest

SITE = "tests.compat.sites.starlette_site:app"
OPTIONS = {"root_path": "/api"}
FILE = Path(__file__).parent / "sites" / "starlette_site.py"

pytestmark = pytest.mark.usefixtures("site")


def test_urlencoded_form(site):
    """ASGI-40: repeated and empty fields, and what is not ASCII."""
    content = "a=1&a=2&empty=&name=J%C3%BCrgen+H"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert site.post("/form", content=content, headers=kind).json() == {
        "fields": [["a", "1"], ["a", "2"], ["empty", ""], ["name", "Jürgen H"]],
        "file": None,
    }


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_multipart_upload(site, size):
    """ASGI-40: also when it is larger than what is kept in memory."""
    files = {"file": ("größe.bin", b"x" * size, "application/x-test")}
    assert site.post("/form", data={"a": "1"}, files=files).json() == {
        "fields": [["a", "1"]],
        "file": ["größe.bin", size, "application/x-test"],
    }


def test_session_by_cookie(site):
    """The session's cookie comes back with the next request."""
    site.cookies.clear()
    assert site.get("/who").json() == {"name": None}
    assert site.post("/sign-in", json={"name": "Ada"}).status_code == 204
    assert site.get("/who").json() == {"name": "Ada"}
    site.cookies.clear()


def test_repeated_set_cookie_fields(site):
    """ASGI-29, O35: three fields of one name, in their order."""
    response = site.get("/cookies", headers={"cookie": "x=1; y=2"})
    assert response.json() == {"x": "1", "y": "2"}
    assert [field.partition("=")[0] for field in response.headers.get_list("set-cookie")] == [
        "a",
        "b",
        "gone",
    ]
    site.cookies.clear()


def test_redirect(site):
    """ASGI-28: the location is made of Host and root path."""
    response = site.get("/moved")
    assert response.status_code == 307
    assert response.headers["location"] == f"{site.base_url}/api/who"


def test_missing_slash_is_redirected(site):
    response = site.get("/inner/where/")
    assert response.status_code == 307
    assert response.headers["location"] == f"{site.base_url}/api/inner/where"


@pytest.mark.parametrize("path", ["/long-text", "/long-stream"])
def test_gzip(site, path):
    """ASGI-47: the middleware takes content-length away, or replaces it."""
    plain = site.get(path, headers={"accept-encoding": "identity"})
    zipped = site.get(path, headers={"accept-encoding": "gzip"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.text == plain.text
    assert "content-encoding" not in plain.headers


def test_cors(site):
    """The preflight is answered by the middleware, and an answer is marked."""
    asking = {"origin": "https://friend.test", "access-control-request-method": "PUT"}
    preflight = site.options("/who", headers=asking)
    assert preflight.status_code == 200
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    answer = site.get("/who", headers={"origin": "https://friend.test"})
    assert answer.headers["access-control-allow-origin"] == "https://friend.test"


def test_head_and_options(site):
    """ASGI-53: HEAD has the fields of GET and no body; OPTIONS is nobody's here."""
    head, answer = site.head("/page"), site.get("/page")
    assert head.content == b""
    assert head.headers["content-length"] == answer.headers["content-length"]
    assert answer.text == "<h1>Grüße</h1>"
    assert site.options("/page").status_code == 405


@pytest.mark.parametrize(("path", "status"), [("/no-content", 204), ("/not-modified", 304)])
def test_answers_without_a_body(site, path, status):
    """ASGI-53: and the connection goes on."""
    response = site.get(path)
    assert (response.status_code, response.content) == (status, b"")
    assert "transfer-encoding" not in response.headers
    assert site.get("/who").status_code == 200


def test_file_and_ranges(site):
    """ASGI-47: whole, a part, several parts, beyond the end, unchanged since."""
    data = FILE.read_bytes()
    whole = site.get("/file")
    assert whole.content == data
    assert "filename*=utf-8''na%C3%AFve.py" in whole.headers["content-disposition"]
    part = site.get("/file", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    assert site.get("/file", headers={"range": "bytes=0-0,5-9"}).status_code == 206
    assert site.get("/file", headers={"range": f"bytes={len(data)}-"}).status_code == 416
    stale = {"range": "bytes=0-9", "if-range": '"another"'}
    assert site.get("/file", headers=stale).status_code == 200


def test_static_files(site):
    """304 for what the client has, 404 for what is not there, nothing from outside."""
    response = site.get("/static/starlette_site.py")
    assert response.content == FILE.read_bytes()
    known = {"if-none-match": response.headers["etag"]}
    assert site.get("/static/starlette_site.py", headers=known).status_code == 304
    assert site.get("/static/missing").status_code == 404
    assert site.get("/static/..%2f..%2fconftest.py").status_code == 404


def test_exception_handlers(site):
    """What an application maps to an answer is no matter for the server."""
    assert site.get("/sold-out").json() == {"sold out": "tea"}
    teapot = site.get("/teapot")
    assert (teapot.status_code, teapot.text) == (418, "short and stout")
    assert teapot.headers["x-spout"] == "yes"


def test_debug_page(site):
    """FLT-C1: Starlette answers with the traceback and raises again, after its answer.

    The server then closes the connection, as uvicorn does: nobody should ask on it again.
    """
    last = {"connection": "close"}
    text = site.get("/broken", headers=last)
    assert text.status_code == 500
    assert "LookupError: nothing here" in text.text
    html = site.get("/broken", headers={"accept": "text/html", **last})
    assert html.headers["content-type"].startswith("text/html")
    assert "nothing here" in html.text
    assert site.get("/who").status_code == 200


def test_background_tasks(site):
    """They run after the answer, in their order; ASGI-32 for the state that they share."""
    assert site.get("/background").text == "later"
    assert site.get("/journal").json() == [0, 1, 2]


def test_mounts_below_a_root_path(site):
    """ASGI-28: routes are found below it, and URLs are built with it."""
    assert site.get("/inner/where").json() == {
        "path": "/api/inner/where",
        "root_path": "/api/inner",
        "url_for": f"{site.base_url}/api/inner/where",
    }
    assert site.get("/raw/deep/er").text == "/api/raw /api/raw/deep/er"


def test_behind_a_proxy(site):
    """U2.5: URLs are built with the scheme of the client's own request, sessions are its own."""
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-for": "9.9.9.9", "host": "public.test"}
    answer = site.get("/inner/where", headers=forwarded).json()
    assert answer["url_for"] == "https://public.test/api/inner/where"
