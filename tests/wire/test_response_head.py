"""Status line and fields of a response, and who says `connection`: O13, O35, ASGI-N14, FLT-C16."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.apps import answers, body, sends, start
from tests.clients.response import DATE

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
FRAMING = {"content-length", "transfer-encoding", "connection"}


def ask(wire, headers=(), status=200, request=GET):
    connection = wire.ask(answers(b"x", status, headers), request)
    return connection, connection.read_response()


@pytest.mark.parametrize("status", [s for s in HTTPStatus if s >= 200 and s < 600], ids=str)
def test_known_status_has_its_phrase(wire, status) -> None:
    _, response = ask(wire, status=int(status))
    assert response.status == status
    assert response.phrase.isprintable()
    if status in {200, 201, 204, 301, 302, 304, 400, 401, 403, 404, 405, 500, 502, 503}:
        assert response.phrase == status.phrase
    else:
        assert response.phrase


@pytest.mark.parametrize("status", [209, 299, 399, 419, 499, 599])
def test_unknown_status_has_an_empty_phrase(wire, status) -> None:
    connection = wire.ask(answers(status=status), GET)
    assert connection.read_line() == b"HTTP/1.1 %d " % status


def test_default_fields_are_date_and_server(wire) -> None:
    _, response = ask(wire)
    assert DATE.fullmatch(response.one("date"))
    assert response.one("server") == "rsgi"
    assert [name for name in response.names if name not in FRAMING] == ["date", "server"]


def test_names_are_lower_case(wire) -> None:
    """FLT-C16."""
    _, response = ask(wire, [(b"X-Upper", b"Kept"), (b"CONTENT-TYPE", b"text/html")])
    assert all(name == name.lower() for name in response.names)
    assert response.one("x-upper") == "Kept"
    assert response.one("content-type") == "text/html"


def test_order_of_names_is_the_applications(wire) -> None:
    """O35."""
    headers = [(b"x-c", b"1"), (b"x-a", b"2"), (b"content-type", b"text/plain"), (b"x-b", b"3")]
    _, response = ask(wire, headers)
    names = [name for name in response.names if name not in FRAMING]
    assert names == ["date", "server", "x-c", "x-a", "content-type", "x-b"]


def test_equal_names_are_grouped_at_the_first(wire) -> None:
    """O35: values in order, at the place of the first."""
    headers = [(b"x-a", b"1"), (b"x-b", b"2"), (b"X-A", b"3"), (b"x-c", b"4"), (b"x-a", b"5")]
    _, response = ask(wire, headers)
    ours = [pair for pair in response.fields if pair[0].startswith("x-")]
    assert ours == [("x-a", "1"), ("x-a", "3"), ("x-a", "5"), ("x-b", "2"), ("x-c", "4")]


def test_set_cookie_is_never_joined(wire) -> None:
    _, response = ask(wire, [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")])
    assert response.every("set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("value", [b"", b"a\tb", b"\x80\xff", b'"q", w/"x"', b"x" * 9000])
def test_values_are_sent_as_they_are(wire, value) -> None:
    _, response = ask(wire, [(b"x-v", value)])
    assert response.one("x-v") == value.decode("latin-1")


def test_date_and_server_of_the_application_win(wire) -> None:
    """O13, ASGI-N14."""
    date = b"Sun, 06 Nov 2094 08:49:37 GMT"
    _, response = ask(wire, [(b"Date", date), (b"Server", b"mine")])
    assert response.one("date") == date.decode()
    assert response.one("server") == "mine"


def test_date_and_server_options_off(wire_with) -> None:
    _, response = ask(wire_with(date_header=False, server_header=False))
    assert response.every("date") == response.every("server") == []


def test_header_option_precedence(wire_with) -> None:
    """O13: the application, then `--header`, then the server's default; never two of those."""
    headers = [("Server", "configured"), ("Date", "then"), ("X-A", "1"), ("X-A", "2"), ("x-b", "3")]
    wire = wire_with(headers=headers)
    _, response = ask(wire)
    assert response.one("server") == "configured"
    assert response.one("date") == "then"
    assert response.every("x-a") == ["1", "2"]
    _, response = ask(wire, [(b"server", b"mine"), (b"date", b"now"), (b"x-a", b"3")])
    assert response.one("server") == "mine"
    assert response.one("date") == "now"
    assert response.every("x-a") == ["1", "2", "3"]
    assert response.every("x-b") == ["3"]


def test_header_option_comes_before_the_applications(wire_with) -> None:
    _, response = ask(wire_with(headers=[("x-config", "1")]), [(b"x-app", b"2")])
    names = [name for name in response.names if name not in FRAMING]
    assert names == ["date", "server", "x-config", "x-app"]


def test_header_option_reaches_the_servers_own_answers(wire_with) -> None:
    wire = wire_with(headers=[("x-config", "1")])
    refusal = wire.ask(answers(), b"GET / HTTP/1.1\r\n\r\n").read_response()
    assert refusal.status == 400
    assert refusal.one("x-config") == "1"

    async def fails(scope, receive, send):
        raise RuntimeError("on purpose")

    failure = wire.ask(fails, GET).read_response()
    assert failure.status == 500
    assert failure.one("x-config") == "1"


def test_server_header_option_off_but_given(wire_with) -> None:
    _, response = ask(wire_with(server_header=False, headers=[("server", "configured")]))
    assert response.one("server") == "configured"


@pytest.mark.parametrize("value", [b"close", b"Close", b"CLOSE", b"x, close", b"close, x"])
def test_close_of_the_application_closes(wire, value) -> None:
    """FLT-A55."""
    connection, response = ask(wire, [(b"connection", value)])
    assert response.every("connection") in ([value.decode()], [value.decode(), "close"])
    connection.send(GET)
    connection.expect_end()


def test_close_of_the_client_is_said_back(wire) -> None:
    connection, response = ask(
        wire, request=b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    assert response.every("connection") == ["close"]
    connection.expect_end()


def test_close_of_both_is_said_once(wire) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    connection, response = ask(wire, [(b"connection", b"close")], request=request)
    assert response.every("connection") == ["close"]
    connection.expect_end()


def test_close_of_the_client_ends_a_stream(wire) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    connection = wire.ask(sends(start(), body(b"a", more=True), body(b"b")), request)
    response = connection.read_response()
    assert response.body == b"ab"
    assert response.closes
    connection.expect_end()


def test_keep_alive_of_the_application_keeps(wire) -> None:
    connection, response = ask(wire, [(b"connection", b"keep-alive")])
    assert not response.closes
    connection.send(GET)
    assert connection.read_response().status == 200


def test_nothing_is_said_about_a_connection_that_stays(wire) -> None:
    connection, response = ask(wire)
    assert response.every("connection") == []
    connection.send(GET)
    assert connection.read_response().status == 200


def test_thousand_requests_on_one_connection(wire) -> None:
    connection = wire.ask(answers(b"x"))
    for _ in range(1000):
        connection.send(GET)
        assert connection.read_response().body == b"x"
