"""The WSGI application that the process tests start by name, and nothing else: no test code."""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger("uvicorn.error")


def app(environ, start_response):
    """Answers every request, in a way that its path chooses."""
    logger.info("request entered")
    if environ["PATH_INFO"] == "/hang":
        threading.Event().wait()
    print("said on wsgi.errors", file=environ["wsgi.errors"], flush=True)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"served"]
