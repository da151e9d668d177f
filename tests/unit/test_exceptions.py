"""exceptions.py: the classes that users catch, where uvicorn's users look for them."""

from __future__ import annotations

from rsgi_bridge import exceptions, importer


def test_import_from_string_error_is_caught_under_uvicorns_path():
    assert importer.ImportFromStringError is exceptions.ImportFromStringError
    assert issubclass(exceptions.ImportFromStringError, Exception)
