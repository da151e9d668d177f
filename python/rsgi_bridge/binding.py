"""Claims the address that a configuration names, for whoever serves there.

What goes wrong is one line in the log and the end of the process, with uvicorn's exit codes. Knows
nothing of what is served.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

from rsgi_bridge.logging import style
from rsgi_bridge.sockets import AddressConfig, Listener, activate, bind, bind_single, where

__all__ = ["bind_socket", "claim", "exit_unbound", "log_running"]

TAKEN = 3
MISPLACED = 1

logger = logging.getLogger("uvicorn.error")


def claim(config: AddressConfig) -> list[Listener]:
    """What a server accepts from: bound, and not listening yet (O24)."""
    try:
        activated, are_some_left = activate(config)
        if are_some_left:
            logger.warning("LISTEN_FDS is not used: the server was told where to listen.")
        return activated or [bind(config)]
    except OSError as exc:
        exit_unbound(config, exc)


def bind_socket(config: AddressConfig) -> socket.socket:
    """One bound socket, for a program that hands it to processes of its own.

    It is inheritable, and the running line has been logged. Nobody but such a program removes the
    file of a Unix socket.
    """
    try:
        sock = bind_single(config)
    except OSError as exc:
        exit_unbound(config, exc)
    sock.set_inheritable(True)
    log_running(*where(config, [sock], is_inherited=config.fd is not None))
    return sock


def exit_unbound(config: AddressConfig, exc: OSError) -> NoReturn:
    """Ends the process because the address cannot be had (U1.4)."""
    logger.error("%s", exc)
    is_path = config.uds is not None and exc.errno != errno.EADDRINUSE
    is_no_address = exc.errno == errno.EINVAL
    sys.exit(MISPLACED if is_path or is_no_address or config.fd is not None else TAKEN)


def log_running(words: str, args: Sequence[object]) -> None:
    """The line that says where peers may connect (U1.3)."""
    coloured = style(words, bold=True) if "://" in words else words
    logger.info(
        f"rsgi running on {words} (Press CTRL+C to quit)",
        *args,
        extra={"color_message": f"rsgi running on {coloured} (Press CTRL+C to quit)"},
    )
