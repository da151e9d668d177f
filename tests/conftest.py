"""Fixtures that every kind of test may use: the event loop under test, and servers in threads.

Knows nothing of HTTP; fixtures of one kind of test live in that folder's own conftest.
"""

from __future__ import annotations

import importlib.util
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
