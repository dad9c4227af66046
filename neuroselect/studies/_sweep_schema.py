"""What the configuration of a sweep may say: a JSON Schema, and its errors in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from neuroselect.studies._sweep_registry import TASKS, keywords, network_classes, unknown

TYPES = {
    "object": "a table",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}

# Options of each analysis: their types, and the defaults that editors show.
ANALYSES: dict[str, dict[str, dict[str, Any]]] = {
    "loss_curves": {"every": {"type": "integer", "minimum": 1, "default": 1}},
    "history": {},
    "units": {
        "layer": {"type": ["integer", "string"], "default": -1},
        "method": {"type": "string", "default": "lesion"},
        "effect": {"type": "string", "default": "squared"},
        "lesion_value": {"type": "string", "default": "zero"},
        "normalize": {"type": "string", "default": "none"},
        "threshold": {"type": "number", "default": 0.1},
        "cutoff": {"type": "number", "default": 0.9},
    },
    "geometry": {
        "layer": {"type": "integer", "default": -1},
        "features": {"type": "array", "items": {"type": "string"}},
        "task": {"type": "string", "default": "task"},
        "models": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "default": ["grid", "orthogonal", "parallel"],
        },
        "context_offset": {"type": "number", "default": 0.0},
    },
    "regime": {
        "layer": {"type": "integer", "default": -1},
        "weights": {"type": "integer", "default": 0},
    },
}


def sweep_schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration of a sweep.

    Returns
    -------
    schema : dict
        Sections and their keys. Editors take it to complete and check TOML files. The
        parameters of a task and of an estimator are checked by these themselves.

    See Also
    --------
    read_sweep_config : Read and check a file.

    Examples
    --------
    >>> from neuroselect.studies import sweep_schema
    >>> sorted(sweep_schema()["properties"])
    ['analyses', 'estimator', 'grid', 'output', 'recorded', 'seeds', 'task', 'test', 'title']
    """
    sections = {
        "title": _field("string", "What this sweep is about."),
        "task": _task(),
        "estimator": _estimator(),
        "grid": {
            "description": "What is swept: a list of values for each parameter, every combination"
            " is trained. A list of tables under a name of its own sets parameters together.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "array", "minItems": 1},
        },
        "seeds": _seeds(),
        "test": _test(),
        "analyses": _analyses(),
        "output": _output(),
        "recorded": _recorded(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of neuroselect sweep",
        **_table("", sections, required=["task", "estimator", "seeds"]),
    }


def check_schema(settings: Mapping[str, Any]) -> None:
    """Raise a ValueError that says which key of the configuration is wrong, and why."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    # In JSON Schema 2.0 is an integer; in TOML it is not.
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    validator = extend(Draft202012Validator, type_checker=types)(sweep_schema())
    for error in validator.iter_errors(settings):
        path = key_path(error.absolute_path) or "the configuration"
        raise _WORDS[error.validator](path, error)


def key_path(keys: Iterable[str | int]) -> str:
    """Write a path of keys as in ``grid.init_scale[2]``."""
    path = ""
    for key in keys:
        path += f"[{key}]" if isinstance(key, int) else f".{key}"
    return path.removeprefix(".")


# -- sections --------------------------------------------------------------------------


def _field(type: str | list[str], description: str, **more) -> dict:
    return {"type": type, "description": description, **more}


def _table(description: str, properties: dict, *, more: bool = False, required=()) -> dict:
    schema = {"type": "object", "properties": properties, "additionalProperties": more}
    return schema | ({"description": description} if description else {"required": list(required)})


def _task() -> dict:
    names = {"type": ["string", "array"], "items": {"type": "string"}}
    return _table(
        "The trials: a generated task by name, with its parameters, or a file.",
        {
            "name": {"enum": sorted(TASKS), "description": "neuroselect.datasets.make_<name>"},
            "data": _field(
                "string", "Trials of one's own: a .csv or .npz file, relative to this one."
            ),
            "target": {**names, "description": "CSV: column or columns of y; default 'y'."},
            "task_column": _field(
                "string", "CSV: column of the task; default 'task', 'none' for one task."
            ),
            "conditions": {
                **names,
                "description": "CSV: columns that are no input of the network.",
            },
            "dtype": {"enum": ["float64", "float32"], "description": "Dtype of the computation."},
        },
        more=True,
    )


def _estimator() -> dict:
    classes = network_classes()
    parameters: dict[str, dict] = {}
    for cls in classes.values():
        for name, default in keywords(cls).items():
            shown = list(default) if isinstance(default, tuple) else default
            parameters[name] = {"default": "none" if shown is None else shown}
    name = {"enum": list(classes), "description": "neuroselect.networks.<name>"}
    return _table("The network and its parameters.", {"name": name, **parameters}, more=True)


def _seeds() -> dict:
    seed = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
    return _table(
        "One network for each setting and seed.",
        {
            "n": _field("integer", "Number of seeds.", minimum=1),
            "first": {**seed, "description": "The first; those after it follow by one."},
            "values": _field("array", "The seeds themselves.", items=seed, minItems=1),
        },
    )


def _test() -> dict:
    return _table(
        "Trials held out from training, and scored apart.",
        {
            "size": _field(
                "number", "Share of the trials, or of the groups.", minimum=0, maximum=1
            ),
            "groups": _field("string", "Column of the conditions: equal values stay together."),
            "random_state": _field("integer", "Seed of the choice.", minimum=0),
        },
    )


def _analyses() -> dict:
    options = {
        name: _table("true, false, or options", keys) | {"type": ["boolean", "object"]}
        for name, keys in ANALYSES.items()
    }
    return _table("Tables beside the scores.", options)


def _output() -> dict:
    weights = {
        "enum": ["npz", "safetensors", False],
        "description": "Format of the trained networks; false keeps none.",
    }
    tables = {"enum": ["csv", "parquet"], "description": "Format of the tables."}
    return _table("What is written.", {"format": tables, "weights": weights})


def _recorded() -> dict:
    return _table(
        "Written by neuroselect: what the results were made with.",
        {
            "versions": {"type": "object", "additionalProperties": {"type": "string"}},
            "data_sha256": {"type": "string"},
            "data_folder": {"type": "string"},
        },
    )


# -- errors in words -------------------------------------------------------------------


def _wrong_type(path, error) -> ValueError:
    types = error.validator_value
    names = [TYPES[name] for name in ([types] if isinstance(types, str) else types)]
    return ValueError(f"{path}: expected {' or '.join(names)}, got {error.instance!r}.")


def _not_in_enum(path, error) -> ValueError:
    known = ["false" if value is False else value for value in error.validator_value]
    return unknown(path, "name" if path.endswith(".name") else "value", error.instance, known)


def _unknown_key(path, error) -> ValueError:
    known = error.schema["properties"]
    name = next(name for name in error.instance if name not in known)
    what = "section" if path == "the configuration" else "key"
    return unknown(path, what, name, known)


def _missing(path, error) -> ValueError:
    missing = [name for name in error.validator_value if name not in error.instance]
    return ValueError(f"{path}: the section [{missing[0]}] is missing.")


def _out_of_bounds(path, error) -> ValueError:
    bound = "least" if error.validator == "minimum" else "most"
    return ValueError(f"{path}: must be at {bound} {error.validator_value}, got {error.instance}.")


def _empty(path, error) -> ValueError:
    advice = " Leave the section out to train one setting." if path == "grid" else ""
    return ValueError(f"{path}: is empty, expected at least one entry.{advice}")


_WORDS: dict[str, Callable[..., ValueError]] = {
    "type": _wrong_type,
    "enum": _not_in_enum,
    "additionalProperties": _unknown_key,
    "required": _missing,
    "minimum": _out_of_bounds,
    "maximum": _out_of_bounds,
    "minItems": _empty,
    "minProperties": _empty,
}
