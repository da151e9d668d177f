"""examples/chat.py lets people talk, tells who is there, and says no where it has to."""

from __future__ import annotations

import json
import logging

import httpx
import pytest

from examples.chat import HISTORY, MAX_BACKLOG, MAX_CHARACTERS, Member, app
from tests.compat.websocket.browser import Browser
from tests.compat.websocket.dialler import ending, hear_json, vanish


@pytest.fixture
def dial(dial_app):
    return dial_app(app, lifespan="on")


def enter(dial, name, *here):
    """A member, who has heard who else is there."""
    client = dial(f"/rooms/tea?name={name}")
    assert hear_json(client) == {"here": sorted([name, *here])}
    return client


def test_members_hear_each_other(dial):
    ada = enter(dial, "ada")
    bob = enter(dial, "bob", "ada")
    assert hear_json(ada) == {"here": ["ada", "bob"]}
    bob.send("hello <b>")
    for client in (ada, bob):
        assert hear_json(client) == {"from": "bob", "text": "hello <b>"}
    bob.close()
    assert hear_json(ada) == {"here": ["ada"]}


def test_member_that_vanishes_has_left(dial):
    """ASGI-81, O16."""
    ada, bob = enter(dial, "ada"), enter(dial, "bob", "ada")
    hear_json(ada)
    vanish(bob)
    assert hear_json(ada) == {"here": ["ada"]}
    assert dial.serving.logs.messages(logging.ERROR) == []


def test_newcomer_hears_what_was_said_last(dial):
    ada = enter(dial, "ada")
    for number in range(HISTORY + 5):
        ada.send(str(number))
        hear_json(ada)
    bob = dial("/rooms/tea?name=bob")
    heard = [hear_json(bob)["text"] for _ in range(HISTORY)]
    assert heard == [str(number) for number in range(5, HISTORY + 5)]


def test_rooms_are_apart(dial):
    enter(dial, "ada")
    other = dial("/rooms/coffee?name=ada")
    assert hear_json(other) == {"here": ["ada"]}


def test_name_that_is_taken_is_409(dial):
    """ASGI-110: and it may be had again when its owner is gone."""
    watcher = enter(dial, "watcher")
    ada = enter(dial, "ada", "watcher")
    refused = dial.refusal("/rooms/tea?name=ada")
    assert refused.status_code == 409
    assert json.loads(refused.body) == {"detail": "somebody of that name is here"}
    ada.close()
    assert [hear_json(watcher)["here"] for _ in range(2)] == [["ada", "watcher"], ["watcher"]]
    enter(dial, "ada", "watcher")


def test_name_that_is_none_is_403(dial):
    """ASGI-75."""
    for query in ("", "?name=", f"?name={'x' * 41}"):
        assert dial.refusal(f"/rooms/tea{query}").status_code == 403


def test_page_of_another_site_is_403(dial):
    """ASGI-110."""
    own = dial.url.replace("ws", "http", 1)
    assert dial("/rooms/tea?name=ada", origin=own).response.status_code == 101
    refused = dial.refusal("/rooms/tea?name=bob", origin="https://elsewhere.test")
    assert refused.status_code == 403


def test_text_that_is_too_long_ends_the_connection(dial):
    """ASGI-79."""
    ada = enter(dial, "ada")
    ada.send("x" * MAX_CHARACTERS)
    assert len(hear_json(ada)["text"]) == MAX_CHARACTERS
    ada.send("x" * (MAX_CHARACTERS + 1))
    assert ending(ada) == (1009, f"{MAX_CHARACTERS} characters at most")


def test_slow_member_misses_the_oldest():
    member = Member("slow")
    for number in range(MAX_BACKLOG + 3):
        member.tell({"text": number})
    first = member.next()
    with pytest.raises(StopIteration) as told:
        first.send(None)
    assert told.value.value == {"text": 3}


def test_page_connects(dial, tmp_path):
    """In a real browser: it enters the room that its link names."""
    ada = enter(dial, "ada")
    page = f"{dial.serving.url}/?name=page&room=tea"
    assert "<h1>Chat</h1>" in httpx.get(page, trust_env=False).text
    with Browser(page, tmp_path):
        assert json.loads(ada.recv(timeout=45)) == {"here": ["ada", "page"]}
    assert hear_json(ada) == {"here": ["ada"]}
