"""A page in a real Chromium talks to the server that served it, and posts what it has found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.serving import Serving
from tests.compat.sites.counterpart import Counterpart
from tests.compat.websocket.browser import Browser

PAGE = Path(__file__).parents[1] / "sites" / "browser_page.html"


@pytest.fixture(scope="module")
def visit(loop_name, tmp_path_factory):
    """The application and what the page found, once the browser has run it and is gone."""
    app = Counterpart(PAGE.read_bytes())
    with Serving(app, loop_name=loop_name) as serving:
        with Browser(serving.url, tmp_path_factory.mktemp("profile")) as browser:
            found = browser.wait_for(app.posted)
        yield app, found


@pytest.fixture
def found(visit):
    return visit[1]


def seen(visit, name):
    """How the connection of that name ended for the application."""
    return visit[0].notes[name].next()


def test_messages(found):
    """ASGI-77, ASGI-78: of both kinds and every length, in their order."""
    expected = {"text": "echoed", "binary": "a blob", "large": "echoed", "order": "kept"}
    assert {name: found[name] for name in expected} == expected


def test_several_connections(found):
    assert found["twenty_at_once"] == ",".join(map(str, range(20)))


def test_handshake(found):
    """ASGI-74, RFC 7692 7.1: compression is on by default, and Chromium has taken it."""
    assert found["extensions"].startswith("permessage-deflate")
    assert found["subprotocol"] == "v2"


def test_application_closes(visit, found):
    """ASGI-79."""
    assert found["application_closes"] == [4321, "Tschüß", True]
    assert seen(visit, "told") == (4321, "Tschüß")
    assert found["messages_before_the_end"] == [1000, "", True]


def test_page_closes(visit, found):
    """ASGI-80: with a code and a reason, and with neither."""
    assert found["page_closes"] == [4000, "Tschüß", True]
    assert seen(visit, "page-closes") == (4000, "Tschüß")
    assert found["page_closes_without_a_code"] == [1005, "", True]
    assert seen(visit, "no-code") == (1005, "")


def test_denials(found):
    """ASGI-75, ASGI-110: a page is told no more than that there is no connection."""
    for name in ("refusal", "denial"):
        assert found[name] == ["error", 1006, "", False]


def test_browser_that_is_gone(visit, found):
    """O16: killed with a connection open."""
    assert found["left_open"] == "open"
    assert seen(visit, "left-open") == (1005, "")
