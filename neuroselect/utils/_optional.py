"""Packages that only some users need."""

import importlib
from types import ModuleType


def import_optional(module: str, extra: str, what: str) -> ModuleType:
    """Import a module of an optional package, or say which extra of neuroselect brings it.

    `what` is the thing that needs it, as the user knows it: the name of a function.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ImportError(
            f'{what} needs the package {package}: pip install "neuroselect[{extra}]".'
        ) from error
