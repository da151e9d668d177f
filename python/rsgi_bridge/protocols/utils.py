"""Re-export: uvicorn's import path of what its protocols share with programs."""

from __future__ import annotations

from rsgi_bridge.addresses import (
    get_client_addr,
    get_local_addr,
    get_path_with_query_string,
    get_remote_addr,
    is_ssl,
)
from rsgi_bridge.exceptions import ClientDisconnected

__all__ = [
    "ClientDisconnected",
    "get_client_addr",
    "get_local_addr",
    "get_path_with_query_string",
    "get_remote_addr",
    "is_ssl",
]
