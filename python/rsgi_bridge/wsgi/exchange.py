"""`Exchange`: one request and its response, between the loop and the thread of the application.

PEP 3333 is here: what `start_response` and `write` may do, when the head leaves, when `close` is
called. How bytes cross from thread to thread is not.
"""

from __future__ import annotations

import contextvars
import io
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rsgi_bridge.wsgi.environ import build_environ
from rsgi_bridge.wsgi.request_body import Abandoned, ClientLeft, RequestBody
from rsgi_bridge.wsgi.response_queue import ResponseQueue
from rsgi_bridge.wsgi.threads import Threads

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger("uvicorn.error")


class Exchange:
    """Runs a WSGI application once.

    Args:
        app: the WSGI application.
        scope: an ASGI HTTP scope.
        receive: its ASGI callable.
    """

    def __init__(self, app: WSGIApplication, scope: Any, receive: Callable[[], Any]) -> None:
        self._app = app
        self._scope = scope
        self._queue = ResponseQueue()
        self._body = RequestBody(receive, on_leave=self._on_leave)
        # The thread's: a head that has not left, whether one has, and how the application ended.
        self._head: dict[str, Any] | None = None
        self._has_begun = False
        self._error: BaseException | None = None

    async def run(self, threads: Threads, send: Callable[[Any], Any]) -> None:
        """Has the application run in a thread and sends what it answers; raises what it raised."""
        context = contextvars.copy_context()
        threads.run(lambda: context.run(self._run_application))
        try:
            await self._transmit(send)
        finally:
            self._body.stop()
            self._queue.abandon()
        error, self._error = self._error, None
        if error is None or isinstance(error, ClientLeft):
            return
        try:
            raise error
        finally:
            del error  # it holds this frame

    # --- On the loop ---

    async def _transmit(self, send: Callable[[Any], Any]) -> None:
        finished = False
        while not finished:
            messages, finished = await self._queue.take()
            for message in messages:
                await send(message)
                self._queue.sent(message)
            if not finished and messages and messages[-1]["more_body"]:
                self._body.listen()

    def _on_leave(self) -> None:
        self._queue.stop(ClientLeft("The client has left."))

    # --- In the thread ---

    def _run_application(self) -> None:
        if self._queue.is_abandoned:
            return  # while it waited for a thread
        try:
            self._answer()
        except BaseException as exc:  # SystemExit included: the server has a word for each
            self._error = exc
        if not self._queue.finish():
            # Nobody is left to raise it to.
            if not isinstance(self._error, Abandoned | None):
                logger.error("Exception in WSGI application\n", exc_info=self._error)
            self._error = None

    def _answer(self) -> None:
        environ = build_environ(self._scope, None, io.BufferedReader(self._body))
        blocks = self._app(environ, self._start_response)
        try:
            # PEP 3333: such an answer is all there will be, and then its length is known.
            is_whole = isinstance(blocks, list | tuple) and len(blocks) == 1 and bool(blocks[0])
            for block in blocks:
                self._write(block, more=not is_whole)
            if not is_whole:
                self._end()
        finally:
            if hasattr(blocks, "close"):
                blocks.close()

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        if exc_info is not None:
            try:
                if self._has_begun and exc_info[1] is not None:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # it holds this frame
        elif self._head is not None or self._has_begun:
            raise RuntimeError("start_response was called a second time, without exc_info.")
        self._head = _response_start(status, headers)
        return self._write

    def _write(self, block: bytes, more: bool = True) -> None:
        if not isinstance(block, bytes):
            raise TypeError(f"A WSGI application answers with bytes, not {type(block).__name__}.")
        if not block:
            return
        message = {"type": "http.response.body", "body": block, "more_body": more}
        if self._has_begun:
            self._queue.wait_for_room()
            self._queue.put(message)
        else:
            # Never refused: a client that has closed its sending side alone gets a whole answer.
            self._begin(message)

    def _end(self) -> None:
        message = {"type": "http.response.body", "body": b"", "more_body": False}
        if self._has_begun:
            self._queue.put(message)
        else:
            self._begin(message)

    def _begin(self, message: dict[str, Any]) -> None:
        if self._head is None:
            raise RuntimeError("The WSGI application did not call start_response.")
        head, self._head = self._head, None
        self._has_begun = True
        self._queue.put(head, message)


def _response_start(status: str, headers: list[tuple[str, str]]) -> dict[str, Any]:
    code, _, _ = status.partition(" ")
    if not (len(code) == 3 and code.isascii() and code.isdigit()):
        raise ValueError(f"A WSGI status begins with three digits and a blank: {status!r}")
    return {
        "type": "http.response.start",
        "status": int(code),
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ],
    }
