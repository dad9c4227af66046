"""Every public name resolves, is documented and is listed once."""

import importlib
import inspect
import pickle
import pkgutil

import pytest

import neuroselect

PACKAGES = [
    m.name for m in pkgutil.iter_modules(neuroselect.__path__) if not m.name.startswith("_")
]
PUBLIC = [
    (name, member)
    for name in PACKAGES
    if name not in ("cli", "utils")
    for member in getattr(importlib.import_module(f"neuroselect.{name}"), "__all__", [])
]


def test_front_door():
    for name in neuroselect.__all__:
        assert getattr(neuroselect, name) is not None
        assert name in dir(neuroselect)
    assert {"LesionSelectivity", "MultiTaskMLP", "RDMTransformer", "fit_many"} <= set(
        neuroselect.__all__
    )
    with pytest.raises(AttributeError, match="no_such_name"):
        neuroselect.no_such_name  # noqa: B018


def test_version_is_the_installed_one():
    from importlib.metadata import version

    assert neuroselect.__version__ == version("neuroselect")


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_public_names_are_documented(package, name):
    thing = getattr(importlib.import_module(f"neuroselect.{package}"), name)
    if not callable(thing):
        return
    assert inspect.getdoc(thing), f"neuroselect.{package}.{name} has no docstring"
    assert thing.__module__.startswith(f"neuroselect.{package}.")
    if inspect.isclass(thing):
        for method, function in inspect.getmembers(thing, inspect.isfunction):
            ours = function.__module__.startswith("neuroselect")
            if ours and not method.startswith("_"):
                assert inspect.getdoc(function), f"{name}.{method} has no docstring"


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_public_names_can_be_pickled(package, name):
    thing = getattr(importlib.import_module(f"neuroselect.{package}"), name)
    assert pickle.loads(pickle.dumps(thing)) is thing or not callable(thing)
