"""The configuration of a sweep: read, checked, and written with what it was run with."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from neuroselect.studies._sweep_schema import check_schema

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NOTE = "# Added by neuroselect: what the results beside this file were made with.\n"


@dataclass(frozen=True)
class SweepConfig:
    """A checked configuration.

    Attributes
    ----------
    settings : dict
        Sections and their keys, as in the file: strings, numbers, booleans, lists, tables.
    path : Path or None
        The file, None for a configuration that was made in Python.
    text : str or None
        The file's contents.
    """

    settings: dict[str, Any]
    path: Path | None = None
    text: str | None = None


def read_sweep_config(config: str | os.PathLike | Mapping[str, Any]) -> SweepConfig:
    """Read the configuration of a sweep, and check its sections and keys.

    Parameters
    ----------
    config : str, path-like or mapping
        A TOML file, or the same as a mapping of sections.

    Returns
    -------
    config : SweepConfig
        With the attributes ``settings``, ``path`` and ``text``.

    Raises
    ------
    ValueError
        If the file is not valid TOML, or a section or key is unknown, missing or of the wrong
        type; the message names the file and the key.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    run_sweep : Train the networks.
    sweep_schema : What the sections may hold.

    Examples
    --------
    >>> from neuroselect.studies import read_sweep_config
    >>> config = {"task": {"name": "context_blobs"}, "estimator": {"name": "MultiTaskMLP"}}
    >>> read_sweep_config({**config, "seeds": {"n": 3}}).settings["seeds"]
    {'n': 3}
    """
    if isinstance(config, Mapping):
        settings = as_plain(config)
        check_schema(settings)
        return SweepConfig(settings)
    path = Path(config)
    if not path.is_file():
        raise FileNotFoundError(f"There is no configuration file {str(path)!r}.")
    try:
        text = path.read_bytes().decode("utf-8")
        settings = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not valid TOML: not encoded as UTF-8 ({error}).") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: not valid TOML: {error}.") from error
    with naming_file(path):
        settings = as_plain(settings)
        check_schema(settings)
    return SweepConfig(settings, path, text)


@contextmanager
def naming_file(path: Path | None) -> Iterator[None]:
    """Put the configuration's file in front of messages of the block."""
    try:
        yield
    except ValueError as error:
        if path is None:
            raise
        raise ValueError(f"{path}: {error}") from error


def as_plain(value: Any, path: str = "") -> Any:
    """Reduce a value to strings, numbers, booleans, lists and dicts; refuse the rest."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): as_plain(v, f"{path}.{key}".strip(".")) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(v, f"{path}[{k}]") for k, v in enumerate(value)]
    if value is None:
        return "none"
    if isinstance(value, (str, bool, np.bool_)):
        return bool(value) if isinstance(value, np.bool_) else value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and math.isfinite(value):
        return float(value)
    raise ValueError(
        f"{path}: expected a string, a finite number, true or false, a list or a table, got"
        f" {value!r}."
    )


def recorded_text(config: SweepConfig, recorded: Mapping[str, Any]) -> str:
    """Return the configuration with the section ``[recorded]``, as TOML."""
    settings = {name: v for name, v in config.settings.items() if name != "recorded"}
    own = (config.text or "").partition(NOTE)[0].rstrip()
    if as_plain(tomllib.loads(own)) != settings:  # made in Python, or recorded by hand
        own = to_toml(settings).rstrip()
    return f"{own}\n\n{NOTE}{to_toml({'recorded': recorded})}"


def to_toml(settings: Mapping[str, Any]) -> str:
    """Write sections of plain values."""
    heads = [f"{k} = {_value(v)}\n" for k, v in settings.items() if not isinstance(v, Mapping)]
    parts = ["".join(heads)] if heads else []
    for section, table in settings.items():
        if isinstance(table, Mapping):
            lines = [f"{_key(key)} = {_value(value)}\n" for key, value in table.items()]
            parts.append(f"[{section}]\n{''.join(lines)}")
    return "\n".join(parts)


def _key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, str):  # JSON's escapes are TOML's
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(v)}" for key, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return repr(value)
