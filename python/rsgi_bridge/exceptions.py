"""Every exception class of the package that users may catch. Imports nothing of the package."""

from __future__ import annotations


class ClientDisconnected(OSError):
    """A message cannot be sent, because the peer of its WebSocket has left."""


class ConfigError(ValueError):
    """An option has a value that it cannot have, or asks for what is not there."""


class ImportFromStringError(Exception):
    """An import string is malformed, or names a module or attribute that does not exist."""


class UvicornDeprecationWarning(UserWarning):
    """What uvicorn calls its warnings of deprecation; for filters that name it. Never issued."""
