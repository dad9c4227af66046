"""A fingerprint of values that is the same in every process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from types import (
    BuiltinFunctionType,
    CodeType,
    EllipsisType,
    FunctionType,
    MethodType,
    ModuleType,
)

import numpy as np

ATOMS = (bool, int, float, complex, str, bytes, type(None), EllipsisType)
NAMED = (type, ModuleType, np.ufunc)
RAW_KINDS = "biufcSUmM"  # the memory of other arrays holds addresses


def digest(value) -> str:
    """SHA-256 of a value and all it is made of, in hexadecimal digits.

    Equal values have equal digests, in every process and whatever the order of sets and
    mappings. A function is known by its name, docstring, code, defaults and the variables that
    it closes over, not by the globals that it reads; another object by its class, the class's
    ``__call__`` and its own attributes.

    Raises
    ------
    TypeError
        If part of the value cannot be told from others of its kind.
    """
    return _digest(value, ()).hex()


def _digest(value, above: tuple[int, ...]) -> bytes:
    """Digest of a value within others, whose identities are ``above``."""
    if id(value) in above:
        return _sha("a value within itself", [str(above.index(id(value))).encode()])
    if type(value) in ATOMS:
        return _sha(_name(type(value)), [repr(value).encode("utf-8", "surrogatepass")])
    if isinstance(value, NAMED):
        return _sha("name", [_name(value).encode()])
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in RAW_KINDS:
        head = f"{value.dtype.str} {value.shape}".encode()
        return _sha("array", [head, np.ascontiguousarray(value).tobytes()])

    above = (*above, id(value))
    if isinstance(value, Mapping):
        parts = sorted(_digest(item, above) for item in value.items())
    elif isinstance(value, (set, frozenset)):
        parts = sorted(_digest(item, above) for item in value)
    else:
        parts = [_digest(part, above) for part in _parts(value)]
    return _sha(_name(type(value)), parts)


def _parts(value) -> list | tuple:
    """What an object is made of."""
    if isinstance(value, (tuple, list)):
        return value
    if isinstance(value, np.ndarray):
        return value.shape, value.tolist()
    if isinstance(value, np.random.SeedSequence):
        return [value.state]
    if isinstance(value, np.random.Generator):
        return [value.bit_generator.state]
    if isinstance(value, CodeType):
        return value.co_code, value.co_consts, value.co_names
    if isinstance(value, FunctionType):
        held = [cell.cell_contents for cell in value.__closure__ or ()]
        given = value.__defaults__, value.__kwdefaults__
        return _name(value), value.__doc__, value.__code__, given, held
    if isinstance(value, BuiltinFunctionType):
        return _name(value), value.__self__
    if isinstance(value, MethodType):
        return value.__func__, value.__self__
    if isinstance(value, partial):
        return value.func, value.args, value.keywords
    if hasattr(value, "__dict__"):
        call = vars(type(value)).get("__call__")
        return type(value).__doc__, call, vars(value)
    raise TypeError(
        f"{value!r} cannot be told from other objects of its class {_name(type(value))}, which"
        " has neither a value nor attributes."
    )


def _name(thing) -> str:
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', thing.__name__)}"


def _sha(kind: str, parts: list[bytes]) -> bytes:
    state = hashlib.sha256(f"{kind} {[len(part) for part in parts]} ".encode())
    for part in parts:
        state.update(part)
    return state.digest()
