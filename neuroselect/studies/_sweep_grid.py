"""From the sections estimator, grid and seeds to unfitted networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from neuroselect.studies._sweep_registry import (
    SET_BY_SWEEP,
    as_parameter,
    keywords,
    network_classes,
    unknown,
)
from neuroselect.utils._sklearn import validate_parameter_constraints

if TYPE_CHECKING:
    import pandas as pd

LAST_SEED = 2**32 - 1


class Setting(NamedTuple):
    """One point of the grid."""

    values: dict[str, Any]  # swept parameters, as in the file
    params: dict[str, Any]  # all given parameters, as the estimator takes them

    def __str__(self) -> str:
        swept = ", ".join(f"{name}={as_label(v)}" for name, v in self.values.items())
        return swept or "the one setting"


def expand_grid(settings: Mapping[str, Any]) -> list[Setting]:
    """Return every combination of the grid, the first axis slowest.

    Raises
    ------
    ValueError
        If a parameter is unknown, refused, given twice or set by the sweep, if an axis repeats
        a value or mixes devices; the message begins with the key.
    """
    cls = network_classes()[settings["estimator"]["name"]]
    base = {k: v for k, v in settings["estimator"].items() if k != "name"}
    base = {k: _checked(cls, k, v, f"estimator.{k}") for k, v in base.items()}
    axes, seen = [], {}
    for key, entries in settings.get("grid", {}).items():
        axis = _axis(cls, key, entries)
        for name in {name for point in axis for name in point.values}:
            if name in seen:
                raise ValueError(
                    f"grid.{key}: {name!r} is swept by grid.{seen[name]} already. Sweep it once."
                )
            seen[name] = key
            if name in base and all(name in point.values for point in axis):
                raise ValueError(
                    f"estimator.{name}: is swept by grid.{key}, too. Give it in one place."
                )
        axes.append(axis)
    points = []
    for combination in product(*axes):
        values = {k: v for point in combination for k, v in point.values.items()}
        params = {k: v for point in combination for k, v in point.params.items()}
        points.append(Setting(values, base | params))
    return points


def sweep_seeds(settings: Mapping[str, Any]) -> list[int]:
    """Return the seeds, each of which every setting is trained from."""
    seeds = settings["seeds"]
    if ("n" in seeds) == ("values" in seeds):
        raise ValueError("seeds: give either n (and first), or values.")
    if "values" in seeds:
        if "first" in seeds:
            raise ValueError("seeds.first: goes with seeds.n, not with seeds.values.")
        values = seeds["values"]
        if len(set(values)) < len(values):
            raise ValueError(f"seeds.values: holds a seed twice: {values}.")
        return values
    first = seeds.get("first", 0)
    if first + seeds["n"] - 1 > LAST_SEED:
        raise ValueError("seeds.first: the last seed, first + n - 1, must be below 2**32.")
    return list(range(first, first + seeds["n"]))


def make_estimators(settings: Mapping[str, Any]) -> tuple[list, pd.DataFrame]:
    """Return one unfitted network for each setting and seed, and the table that describes them.

    Settings are the slow index, seeds the fast one.
    """
    import pandas as pd

    cls = network_classes()[settings["estimator"]["name"]]
    points, seeds = expand_grid(settings), sweep_seeds(settings)
    swept = dict.fromkeys(name for point in points for name in point.values)
    rows, estimators = [], []
    for point in points:
        default = cls(**point.params).get_params(deep=False)
        labels = {name: as_label(point.values.get(name, default[name])) for name in swept}
        for seed in seeds:
            rows.append({"network": len(rows), **labels, "seed": seed})
            estimators.append(cls(**point.params, random_state=seed))
    grid = pd.DataFrame(rows)
    for name in swept:  # a column holds either numbers or text
        if any(isinstance(value, str) for value in grid[name]):
            grid[name] = grid[name].map(str)
    return estimators, grid


def as_label(value: Any) -> Any:
    """Return what a table shows of a value: numbers and strings as they are, the rest as text."""
    if value is None:
        return "none"
    if isinstance(value, Mapping) and "name" in value:
        options = {k: v for k, v in value.items() if k != "name"}
        inner = ", ".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in options.items())
        return f"{value['name']}({inner})" if inner else value["name"]
    if isinstance(value, (list, tuple, Mapping)):
        return json.dumps(value, ensure_ascii=False)
    return value


def _axis(cls: type, key: str, entries: list) -> list[Setting]:
    """Points of one axis: values of a parameter, or tables of parameters set together."""
    for k, entry in enumerate(entries):
        if entry in entries[:k]:
            first = entries.index(entry)
            raise ValueError(f"grid.{key}[{k}]: {entry!r} is grid.{key}[{first}] again.")
    if key not in keywords(cls) and all(isinstance(entry, dict) and entry for entry in entries):
        points = [
            Setting(
                entry, {n: _checked(cls, n, v, f"grid.{key}[{k}].{n}") for n, v in entry.items()}
            )
            for k, entry in enumerate(entries)
        ]
    else:
        points = [
            Setting({key: entry}, {key: _checked(cls, key, entry, f"grid.{key}[{k}]")})
            for k, entry in enumerate(entries)
        ]
    devices = {point.params["device"] for point in points if "device" in point.params}
    if len(devices) > 1:
        raise ValueError(
            f"grid.{key}: mixes the devices {', '.join(sorted(devices))}. A sweep trains on one, so"
            " that its networks compare: set estimator.device, and run a sweep for each."
        )
    return points


def _checked(cls: type, name: str, value: Any, path: str) -> Any:
    """Value of a parameter as the estimator takes it."""
    known = [k for k in keywords(cls) if k not in SET_BY_SWEEP]
    if name == "random_state":
        raise ValueError(f"{path}: is set by the section [seeds].")
    if name not in known:
        raise unknown(path, f"parameter of {cls.__name__}", name, known)
    value = as_parameter(name, value, path)
    try:
        validate_parameter_constraints(
            cls._parameter_constraints, {name: value}, caller_name=cls.__name__
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return value
