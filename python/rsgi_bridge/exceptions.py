"""Every exception class of the package that users may catch. Imports nothing of the package."""

from __future__ import annotations


class ClientDisconnected(OSError):
    """A message cannot be sent, because the peer of its WebSocket has left."""


class ConfigError(ValueError):
    """An option has a value that it cannot have, or asks for what is not there.

    Attributes:
        exit_code: how the command ends that was given such an option.
    """

    exit_code = 2


class UnreadableError(ConfigError):
    """A header or a variable cannot be read. The exit code is uvicorn's for its traceback."""

    exit_code = 1


class MissingPackageError(ConfigError, ImportError):
    """An option needs a package that is not installed. The exit code is as for any import."""

    exit_code = 1


class ImportFromStringError(Exception):
    """An import string is malformed, or names a module or attribute that does not exist."""


class UvicornDeprecationWarning(UserWarning):
    """What uvicorn calls its warnings of deprecation; for filters that name it. Never issued."""
