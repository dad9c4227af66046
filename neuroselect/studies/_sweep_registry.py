"""What a sweep's configuration can name: networks, tasks, curricula, consolidation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from neuroselect import datasets
from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.curricula import CURRICULA

CONSOLIDATION: dict[str, Callable] = {
    "EWC": EWC,
    "EWC.published": EWC.published,
    "SynapticIntelligence": SynapticIntelligence,
}

TASKS: dict[str, Callable] = {
    name.removeprefix("make_"): getattr(datasets, name)
    for name in datasets.__all__
    if name.startswith("make_")
}

# Columns of the conditions that hold two features, the one relevant in the first task first.
FEATURES = {"context_blobs": ("leafiness", "branchiness")}

SET_BY_SWEEP = ("random_state", "verbose")


def network_classes() -> dict[str, type]:
    """All estimators of :mod:`neuroselect.networks`, by name."""
    from neuroselect import networks

    things = {name: getattr(networks, name) for name in networks.__all__}
    return {name: thing for name, thing in things.items() if inspect.isclass(thing)}


def keywords(function: Callable) -> dict[str, Any]:
    """Names and defaults of the arguments that a function or class takes."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.name != "self"}


def unknown(path: str, what: str, name: object, known) -> ValueError:
    """Error that lists what is known, and what was probably meant."""
    known = list(known)
    close = get_close_matches(str(name), known, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    return ValueError(f"{path}: unknown {what} {name!r}.{meant} Known: {', '.join(known)}.")


def call(function: Callable, options: Mapping[str, Any], path: str, what: str = "key"):
    """Call with the options of a table; errors say where it is in the configuration."""
    known = keywords(function)
    for name in options:
        if name not in known:
            raise unknown(path, what, name, known)
    try:
        return function(**options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def as_parameter(name: str, value: Any, path: str) -> Any:
    """Turn what stands in the file into what the estimator takes; "none" is None."""
    if value == "none":
        return None
    if name == "curriculum":
        name, options = _named(value, path, "curriculum", CURRICULA)
        return call(CURRICULA[name], options, path) if options else name
    if name == "consolidation":
        name, options = _named(value, path, "consolidation", CONSOLIDATION)
        return call(CONSOLIDATION[name], options, path)
    if isinstance(value, list):
        return [None if entry == "none" else entry for entry in value]
    return value


def _named(value, path, what, known) -> tuple[str, dict]:
    """Name and options of ``"name"`` or ``{name = "name", ...}``."""
    table = {"name": value} if isinstance(value, str) else value
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        example = f'{{name = "{next(iter(known))}", ...}}'
        raise ValueError(
            f"{path}: expected the name of a {what}, or a table such as {example}, got {value!r}."
        )
    options = {
        key: None if option == "none" else option for key, option in table.items() if key != "name"
    }
    if table["name"] not in known:
        raise unknown(path, what, table["name"], known)
    return table["name"], options
