"""Missing optional packages are named, with the extra that brings them."""

import sys

import pytest

from neuroselect.utils._optional import import_optional


def test_what_is_there():
    assert import_optional("scipy.stats", "any", "this").__name__ == "scipy.stats"


def test_what_is_missing():
    message = r'to_that needs the package no_such_package: pip install "neuroselect\[that\]"'
    with pytest.raises(ImportError, match=message):
        import_optional("no_such_package.io", "that", "to_that")


def test_a_package_that_misses_another_one_says_so_itself(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_package'"):
        import_optional("broken_package", "that", "to_that")
    assert "broken_package" not in sys.modules
