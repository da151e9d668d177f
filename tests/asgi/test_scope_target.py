"""How the request target becomes path, raw_path, query_string and root_path.

ASGI-25..28, ASGI-N6, ASGI-N9.
"""

from __future__ import annotations

import random
from urllib.parse import unquote

import pytest

from tests.asgi.exchange import notes_scopes, request

PATHS = [
    pytest.param("/", "/", id="root"),
    pytest.param("/a%2Fb%20%C3%A9", "/a/b é", id="slash-blank-utf8"),
    pytest.param("/%252F", "/%2F", id="decoded-once"),
    pytest.param("/a%2fb", "/a/b", id="lower-case-hex"),
    pytest.param("/%ff", "/\ufffd", id="invalid-utf8"),
    pytest.param("/%C3", "/\ufffd", id="truncated-utf8"),
    pytest.param("/%E2%82x", "/\ufffdx", id="truncated-three-bytes"),
    pytest.param("/%ED%A0%80", "/\ufffd\ufffd\ufffd", id="surrogate"),
    pytest.param("/%F0%9F%98%80", "/\U0001f600", id="four-bytes"),
    pytest.param("/%zz", "/%zz", id="bad-hex"),
    pytest.param("/%", "/%", id="bare-percent"),
    pytest.param("/%4", "/%4", id="half-escape"),
    pytest.param("/%4g%41", "/%4gA", id="bad-then-good"),
    pytest.param("/%00", "/\0", id="nul"),
    pytest.param("/%0d%0a", "/\r\n", id="crlf"),
    pytest.param("/a+b", "/a+b", id="plus"),
    pytest.param("//a//b", "//a//b", id="double-slash"),
    pytest.param("/a/../b/./c", "/a/../b/./c", id="dots"),
    pytest.param("/%2e%2E/x", "/../x", id="encoded-dots"),
    pytest.param("/a;b=c,d:e@f!$&'()*=~_-", "/a;b=c,d:e@f!$&'()*=~_-", id="sub-delims"),
]


@pytest.mark.parametrize(("target", "path"), PATHS)
def test_path_is_decoded_once_and_raw_path_not_at_all(stage, notes, target, path):
    """ASGI-25, ASGI-26, ASGI-N6, O38."""
    stage(notes_scopes(notes)).ask(target)
    scope = notes.next()
    assert scope["path"] == path
    assert scope["raw_path"] == target.encode()


def test_path_is_decoded_as_urllib_does(stage, notes):
    """ASGI-25: any percent-encoded bytes give what `unquote` gives, U+FFFD for U+FFFD."""
    dice = random.Random(25)
    peer = stage(notes_scopes(notes)).connect()
    for _ in range(200):
        octets = dice.choices([65, 195, 169, 226, 130, 240, 159, 255], k=dice.randrange(1, 12))
        target = "/" + "".join(f"%{octet:02x}" for octet in octets)
        peer.send(request(target))
        peer.read_response()
        assert notes.next()["path"] == unquote(target), target


QUERIES = [
    pytest.param("/", b"", id="none"),
    pytest.param("/?", b"", id="empty"),
    pytest.param("/?a=%20&b=+", b"a=%20&b=+", id="stays-encoded"),
    pytest.param("/??", b"?", id="second-question-mark"),
    pytest.param("/?a?b", b"a?b", id="question-mark-inside"),
    pytest.param("/?%zz%ff", b"%zz%ff", id="bad-escapes"),
    pytest.param("/?a=/b/../c", b"a=/b/../c", id="slashes"),
]


@pytest.mark.parametrize(("target", "query"), QUERIES)
def test_query_string_is_raw_and_not_part_of_the_path(stage, notes, target, query):
    """ASGI-27."""
    stage(notes_scopes(notes)).ask(target)
    scope = notes.next()
    assert scope["query_string"] == query
    assert scope["path"] == "/"
    assert scope["raw_path"] == b"/"


def test_root_path_defaults_to_empty(stage, notes):
    """ASGI-28."""
    stage(notes_scopes(notes)).ask("/a")
    assert notes.next()["root_path"] == ""


def test_root_path_is_prepended_to_path_and_raw_path(stage_with, notes):
    """ASGI-28, ASGI-N9."""
    stage_with(notes_scopes(notes), root_path="/api/v1", lifespan="off").ask("/a%20b?c")
    scope = notes.next()
    assert scope["root_path"] == "/api/v1"
    assert scope["path"] == "/api/v1/a b"
    assert scope["raw_path"] == b"/api/v1/a%20b"
    assert scope["query_string"] == b"c"


def test_absolute_form_gives_its_path_and_its_authority_as_host(stage, notes):
    """ASGI-25, O7: RFC 9112 3.2.2."""
    stage(notes_scopes(notes)).ask("http://example.org:8080/a%20b?c=d", b"x-a: 1")
    scope = notes.next()
    assert scope["path"] == "/a b"
    assert scope["raw_path"] == b"/a%20b"
    assert scope["query_string"] == b"c=d"
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"example.org:8080"]
    assert (b"x-a", b"1") in scope["headers"]


def test_asterisk_form(stage, notes):
    """ASGI-25: `OPTIONS *`."""
    stage(notes_scopes(notes)).ask("*", method=b"OPTIONS")
    scope = notes.next()
    assert scope["path"] == "*"
    assert scope["raw_path"] == b"*"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        pytest.param('/?q={"a":1}', "/", b"q={%22a%22:1}", id="json"),
        pytest.param("/a<b>c", "/a<b>c", b"", id="angles-in-the-path"),
        pytest.param("/`?`<>", "/`", b"%60%3C%3E", id="all-of-them"),
        pytest.param("/%22?%22", '/"', b"%22", id="escaped-already"),
    ],
)
def test_raw_quotes_reach_the_application_escaped(stage, notes, target, path, query):
    """ASGI-25, ASGI-27: browsers and curl send them as they are."""
    stage(notes_scopes(notes)).ask(target)
    scope = notes.next()
    assert scope["path"] == path
    assert scope["query_string"] == query


def test_thousands_of_raw_quotes_are_served(stage, notes):
    """ASGI-27: each once cost a look at all that followed it."""
    assert stage(notes_scopes(notes)).ask("/?" + '"' * 5000).status == 200
    assert notes.next()["query_string"] == b"%22" * 5000
