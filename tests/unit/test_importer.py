"""importer.py: what an import string may be, and the words for one that may not."""

from __future__ import annotations

import pytest

from rsgi_bridge.importer import ImportFromStringError, import_from_string


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A directory on `sys.path` for modules that a test writes."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_attribute_of_a_module_is_returned():
    import os

    assert import_from_string("os:getcwd") is os.getcwd


def test_dotted_attribute_is_followed():
    import os

    assert import_from_string("os:path.join") is os.path.join


def test_object_that_is_no_string_is_returned_as_it_is():
    instance = object()
    assert import_from_string(instance) is instance


@pytest.mark.parametrize("text", ["", "os", ":getcwd", "os:"])
def test_malformed_string_is_refused(text):
    with pytest.raises(ImportFromStringError) as caught:
        import_from_string(text)
    assert str(caught.value) == (
        f'Import string "{text}" must be in format "<module>:<attribute>".'
    )


def test_missing_module_is_refused():
    with pytest.raises(ImportFromStringError, match=r'^Could not import module "no_such_module".$'):
        import_from_string("no_such_module:app")


def test_missing_attribute_is_refused():
    with pytest.raises(
        ImportFromStringError, match=r'^Attribute "path.no" not found in module "os".$'
    ):
        import_from_string("os:path.no")


def test_missing_parent_package_is_raised_as_it_is():
    with pytest.raises(ModuleNotFoundError):
        import_from_string("no_such_package.module:app")


def test_import_error_inside_the_module_is_raised_as_it_is(package):
    (package / "needs_more.py").write_text("import no_such_dependency\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        import_from_string("needs_more:app")


def test_syntax_error_inside_the_module_is_raised_as_it_is(package):
    (package / "broken.py").write_text("def app(:\n")
    with pytest.raises(SyntaxError):
        import_from_string("broken:app")
