"""Turns an import string such as `package.module:attribute` into the object that it names.

Knows nothing of applications: event loop factories come through here as well.
"""

from __future__ import annotations

import importlib
from typing import Any

from rsgi_bridge.exceptions import ImportFromStringError

__all__ = ["ImportFromStringError", "import_from_string"]


def import_from_string(import_str: Any) -> Any:
    """Imports what a string names; anything that is not a string is returned as it is.

    Args:
        import_str: `<module>:<attribute>`; the attribute may be dotted.

    Raises:
        ImportFromStringError: if the string is malformed or its module or attribute is missing.
            An import that fails *inside* the module is raised as it is: it is the module's own.
    """
    if not isinstance(import_str, str):
        return import_str

    module_name, _, attribute_path = import_str.partition(":")
    if not module_name or not attribute_path:
        raise ImportFromStringError(
            f'Import string "{import_str}" must be in format "<module>:<attribute>".'
        )

    try:
        instance: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        if exc.name != module_name:
            raise
        raise ImportFromStringError(f'Could not import module "{module_name}".') from None

    try:
        for attribute in attribute_path.split("."):
            instance = getattr(instance, attribute)
    except AttributeError:
        raise ImportFromStringError(
            f'Attribute "{attribute_path}" not found in module "{module_name}".'
        ) from None
    return instance
