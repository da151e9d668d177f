"""Access records: real LogRecords with uvicorn's five arguments, one for each exchange.

As uvicorn, O34, O36, CVE-2020-7694 (no control character in a line), total_requests.
"""

from __future__ import annotations

import logging

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import answer, request

FORMAT = '%s - "%s %s HTTP/%s" %d'


async def ok(scope, receive, send):
    await answer(send)


def test_record_is_uvicorns(stage):
    """Formatters unpack exactly these five, and filters look at the third."""
    server = stage(ok)
    peer = server.connect(request("/a%20b?x=1&y=%20", method=b"DELETE"))
    peer.read_response()
    (record,) = server.access
    assert record.name == "uvicorn.access"
    assert record.levelno == logging.INFO
    assert record.msg == FORMAT
    address = f"127.0.0.1:{peer.port}"
    assert record.args == (address, "DELETE", "/a%20b?x=1&y=%20", "1.1", 200)
    assert [type(part) for part in record.args] == [str, str, str, str, int]
    assert record.getMessage() == f'{address} - "DELETE /a%20b?x=1&y=%20 HTTP/1.1" 200'
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/", "/"),
        ("/?", "/"),
        ("/a%2Fb", "/a/b"),
        ("//a//b", "//a//b"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/100%25", "/100%25"),
        ("/%zz", "/%25zz"),
        ("/%s%d%n", "/%25s%25d%25n"),
        ("/?a=%s", "/?a=%s"),
        ("/%0d%0aINFO:%20forged", "/%0D%0AINFO%3A%20forged"),
        ("/%1b[31m%07%00%7f", "/%1B%5B31m%07%00%7F"),
        ("/%c2%85%e2%80%a8", "/%C2%85%E2%80%A8"),
        ("/%ff", "/%EF%BF%BD"),
    ],
)
def test_path_is_quoted_again(stage, target, shown):
    """CVE-2020-7694: whatever was encoded, the line has no control character in it."""
    server = stage(ok)
    assert server.ask(target).status == 200
    (record,) = server.access
    assert record.args[2] == shown
    assert record.getMessage().isprintable()


def test_asterisk_is_quoted(stage):
    """As uvicorn does."""
    server = stage(ok)
    server.ask("*", method=b"OPTIONS")
    assert server.access[0].args[2] == "%2A"


def test_root_path_is_shown(stage_with):
    """As uvicorn: the scope's path, which has it in front."""
    server = stage_with(ok, root_path="/api", lifespan="off")
    server.ask("/a")
    assert server.access[0].args[2] == "/api/a"


def test_unix_client_has_no_name(stage_with, tmp_path):
    """As uvicorn does."""
    server = stage_with(ok, uds=str(tmp_path / "s"), lifespan="off")
    server.ask()
    assert server.access[0].args[0] == ""


def test_http_1_0_is_shown(stage):
    server = stage(ok)
    server.ask(version=b"1.0")
    assert server.access[0].args[3] == "1.0"


def test_scope_mutations_before_the_start_are_shown(stage):
    """As uvicorn: proxy middleware writes the real client into the scope it was given."""

    async def app(scope, receive, send):
        scope["client"] = ("9.9.9.9", 1234)
        scope["path"] = "/mutated path\n"
        scope["query_string"] = b"by=me"
        scope["method"] = "PUT"
        await answer(send)

    server = stage(app)
    server.ask("/original")
    assert server.access[0].args == ("9.9.9.9:1234", "PUT", "/mutated%20path%0A?by=me", "1.1", 200)


def test_copied_scope_does_not_change_the_record(stage):
    """Only the server's own dict counts, as frameworks that mount applications copy it."""

    async def app(scope, receive, send):
        scope = dict(scope, path="/copy", client=("9.9.9.9", 1))
        await answer(send)

    server = stage(app)
    server.ask("/original")
    assert server.access[0].args[2] == "/original"


# What goes wrong in logging is told to sys.unraisablehook, which pytest turns into a warning.
UNRAISABLE = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@UNRAISABLE
@pytest.mark.parametrize(
    "changes",
    [
        {"client": None},
        {"client": "nonsense"},
        {"client": ()},
        {"path": None},
        {"path": b"/bytes"},
        {"path": "\ud800"},
        {"query_string": b"\xff\n\x1b"},
        {"query_string": "text"},
        {"method": 5},
        {"http_version": None},
    ],
    ids=repr,
)
def test_ruined_scope_is_survived(stage, changes):
    """Invariant 9: it is logged as it can be, or the application's error; no line is forged."""

    async def app(scope, receive, send):
        scope.update(changes)
        await answer(send, b"fine")

    server = stage(app)
    for _ in range(2):
        response = server.ask()
        assert response.body == b"fine" or response.status == 500
    assert all(record.getMessage().isprintable() for record in server.access)


@UNRAISABLE
def test_emptied_scope_is_survived(stage):
    """Invariant 9."""

    async def app(scope, receive, send):
        scope.clear()
        await answer(send, b"fine")

    server = stage(app)
    for _ in range(2):
        response = server.ask()
        assert response.body == b"fine" or response.status == 500


def test_record_is_there_when_the_client_sees_the_head(stage):
    """O36: at the commitment of the head, not at the end of the response."""
    gate = Gate()

    async def app(scope, receive, send):
        await send(start(201))
        await send(body(b"a", more=True))
        await gate.wait()
        await send(body(b"b"))

    server = stage(app)
    peer = server.connect(request())
    peer.read_head()
    assert [record.args[4] for record in server.access] == [201]
    gate.open()
    for _ in range(2):
        peer.read_chunk()
    assert len(server.access) == 1


def test_one_record_for_each_exchange(stage):
    """O36: also for failures, HEAD and pipelined requests, each with the status that was sent."""

    async def app(scope, receive, send):
        if scope["path"] == "/fails":
            raise ValueError
        if scope["path"] == "/cut":
            await send(start(202))
            await send(body(b"a", more=True))
            return
        await answer(send, status=int(scope["path"][1:]))

    server = stage(app)
    peer = server.connect(b"".join(request(f"/{status}") for status in (200, 404, 204)))
    for _ in range(3):
        peer.read_response()
    server.ask("/304", method=b"HEAD")
    server.ask("/fails")
    server.connect(request("/cut")).read_cut_response()
    shown = [record.args[4] for record in server.access]
    assert shown == [200, 404, 204, 304, 500, 202]


def test_refused_request_has_no_record(stage):
    """O34: a warning in uvicorn's words, and no access line."""
    server = stage(ok)
    peer = server.connect(b"nonsense\r\n\r\n")
    assert peer.read_response().status == 400
    assert server.access == []
    warning = server.logs.wait("Invalid HTTP request received.")
    assert (warning.name, warning.levelno) == ("uvicorn.error", logging.WARNING)


def test_filter_added_at_run_time_counts(stage):
    """The health-check filter that everybody copies."""

    class NoHealth(logging.Filter):
        def filter(self, record):
            return record.args[2] != "/health"

    server = stage(ok)
    server.ask("/health")
    logger = logging.getLogger("uvicorn.access")
    silence = NoHealth()
    logger.addFilter(silence)
    try:
        server.ask("/health")
        server.ask("/other")
    finally:
        logger.removeFilter(silence)
    assert [record.args[2] for record in server.access] == ["/health", "/other"]


@UNRAISABLE
def test_filter_that_raises_is_survived(stage):
    """Invariant 9: logging is not worth a server."""

    class Broken(logging.Filter):
        def filter(self, record):
            raise RuntimeError("broken filter")

    server = stage(ok)
    logger = logging.getLogger("uvicorn.access")
    broken = Broken()
    logger.addFilter(broken)
    try:
        response = server.ask()
    finally:
        logger.removeFilter(broken)
    assert response.status in (200, 500)
    assert server.ask().status == 200


def test_level_changed_at_run_time_counts(stage):
    server = stage(ok)
    logger = logging.getLogger("uvicorn.access")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        server.ask("/quiet")
    finally:
        logger.setLevel(level)
    server.ask("/loud")
    assert [record.args[2] for record in server.access] == ["/loud"]


def test_access_log_can_be_turned_off(stage_with):
    server = stage_with(ok, access_log=False, lifespan="off")
    assert server.ask().status == 200
    assert server.access == []


def test_total_requests_counts_completed_responses(stage_with, notes):
    """As uvicorn: 500s are counted, refused requests are not."""

    async def app(scope, receive, send):
        if scope["path"] == "/fails":
            raise ValueError
        if scope["path"] == "/total":
            notes(server.serving.server.server_state.total_requests)
        await answer(send)

    server = stage_with(app, lifespan="off")
    peer = server.connect()
    for _ in range(3):
        peer.send(request())
        peer.read_response()
    server.ask("/fails")
    server.connect(b"nonsense\r\n\r\n").read_response()
    server.ask()
    server.ask("/total")
    assert notes.next() == 5
