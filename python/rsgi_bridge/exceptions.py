"""Every exception class of the package that users may catch. Imports nothing of the package."""

from __future__ import annotations


class ImportFromStringError(Exception):
    """An import string is malformed, or names a module or attribute that does not exist."""
