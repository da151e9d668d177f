"""Fixtures that every kind of test may use: the event loop under test, and servers in threads.

Knows nothing of HTTP; fixtures of one kind of test live in that folder's own conftest.
"""

from __future__ import annotations

import importlib.util
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
pytest.register_assert_rewrite("tests.clients.verdict", "tests.clients.raw", "tests.apps")

from tests.clients.serving import Serving  # noqa: E402  (the path above comes first)

UVLOOP_MISSING = importlib.util.find_spec("uvloop") is None
LOOPS = [
    "asyncio",
    pytest.param("uvloop", marks=pytest.mark.skipif(UVLOOP_MISSING, reason="uvloop is missing")),
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rounds", type=int, default=1, help="run each test of the life cycle so many times"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    rounds = metafunc.config.getoption("rounds")
    if rounds > 1 and metafunc.definition.get_closest_marker("life_cycle"):
        metafunc.fixturenames.append("round_number")
        metafunc.parametrize("round_number", range(rounds))


def pytest_configure() -> None:
    """Lets the servers that tests start be interrupted and hung up, however this run was started.

    A shell's background job ignores SIGINT, nohup's program SIGHUP, and children inherit that.
    """
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses names with an address in them: pytest-xdist needs the same ones in every process."""
    unstable = [item.nodeid for item in items if re.search(r" at 0x[0-9a-f]+", item.nodeid)]
    if unstable:
        raise pytest.UsageError(f"names that change from run to run: {unstable}")


@pytest.fixture(scope="session", params=LOOPS)
def loop_name(request: pytest.FixtureRequest) -> str:
    """Each event loop that the server supports."""
    return request.param


@pytest.fixture
def serve(loop_name: str) -> Iterator[Callable[..., Serving]]:
    """Starts servers on the loop under test: `serve(app, **options)`; stops them all at the end."""
    with ExitStack() as running:

        def start(app: Any, **options: Any) -> Serving:
            options.setdefault("loop_name", loop_name)
            return running.enter_context(Serving(app, **options))

        yield start
