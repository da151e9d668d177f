"""What is taken from the process's environment beside options, and files that add to it.

The variables of single options belong to the command line. Must not know of a `Config`.
"""

from __future__ import annotations

import importlib
import logging
import os

from rsgi_bridge.exceptions import MissingPackageError, UnreadableError

logger = logging.getLogger("uvicorn.error")


def load_env_file(path: str | os.PathLike[str]) -> None:
    """Sets the variables that a file lists, except those that are set already."""
    try:
        dotenv = importlib.import_module("dotenv")
    except ImportError as exc:
        raise MissingPackageError(
            "Install the python-dotenv package or rsgi-bridge[standard] to use an env file."
        ) from exc
    logger.info("Loading environment from '%s'", path)
    dotenv.load_dotenv(dotenv_path=path)


def web_concurrency() -> int:
    """The number of workers that `WEB_CONCURRENCY` asks for; for now that is always one.

    Platforms set that variable without being asked: it must not keep a server from starting.
    """
    text = os.environ.get("WEB_CONCURRENCY", "")
    try:
        workers = int(text or "1")
    except ValueError:
        raise UnreadableError(f"WEB_CONCURRENCY must be an integer: {text!r}") from None
    if workers > 1:
        logger.warning(
            "WEB_CONCURRENCY=%d has no effect yet: one process serves, rsgi has no worker "
            "processes.",
            workers,
        )
    return 1


def allowed_proxies() -> str:
    """The proxies that `FORWARDED_ALLOW_IPS` trusts, or else those of this machine."""
    return os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")
