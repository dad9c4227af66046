"""Variables of MATLAB files of all versions, as plain Python: nothing in them is run."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.exceptions import ComplexWarning
from numpy.typing import NDArray

from neuroselect.datasets._file_format import (
    WORDS,
    FileContentError,
    is_matlab_5,
    reading,
    require_format,
)
from neuroselect.datasets._mat_headers import check_variables, list_variables
from neuroselect.utils._optional import import_optional

NUMERIC = (
    "double",
    "single",
    "logical",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)
READABLE = (*NUMERIC, "char", "cell", "struct", "sparse")


def list_mat(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return shape and MATLAB class of each variable."""
    if require_format(path, ("matlab", "matlab-7.3")) == "matlab-7.3":
        with _open_hdf5(path) as file, reading(path, WORDS["matlab-7.3"]):
            return {_text(k): _shape_and_class(file[k]) for k in file if _text(k)[:1] != "#"}
    with reading(path, WORDS["matlab"]):
        found = list(list_variables(path)) if is_matlab_5(path) else _list_old(path)
    known = {name: (tuple(shape), kind) for name, shape, kind in found}
    if len(known) < len(found):
        raise FileContentError(f"{path} must not have two variables of one name.")
    return known


def read_mat(path: Path, names: Collection[str]) -> dict[str, Any]:
    """Return variables by name.

    A struct becomes a dict, an array of structs a list of dicts (column by column), a cell array
    an array of objects, text a str. Numbers keep their class and shape: a row is (1, n).

    Raises
    ------
    ValueError
        If the file is damaged, has no such variable, or the variable holds an object or a
        function.
    """
    known = list_mat(path)
    for name in names:
        if name not in known:
            raise FileContentError(f"{path} has no variable {name!r}, but {sorted(known)}.")
        if known[name][1] not in READABLE:
            _refuse(path, name, known[name][1])
    if require_format(path, ("matlab", "matlab-7.3")) == "matlab-7.3":
        with _open_hdf5(path) as file, reading(path, WORDS["matlab-7.3"]):
            return {name: _from_hdf5(path, file, file[name], name) for name in names}
    return _read_old(path, list(names))


def _read_old(path: Path, names: list[str]) -> dict[str, Any]:
    from scipy.io import loadmat

    with (
        reading(path, WORDS["matlab"]),
        open(path, "rb") as stream,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", ComplexWarning)
        if is_matlab_5(path):
            check_variables(path, names)
        try:
            content = loadmat(stream, mat_dtype=True, variable_names=names.copy())
        except (
            ComplexWarning
        ) as error:  # SciPy drops the imaginary part where MATLAB's class is real
            raise FileContentError(f"{path} holds complex numbers in one of {names}.") from error
        return {name: _from_scipy(path, content[name], name) for name in names}


def _list_old(path: Path) -> list[tuple]:
    from scipy.io import whosmat

    with open(path, "rb") as stream:
        return whosmat(stream)


def _refuse(path: Path, name: str, kind: str) -> NoReturn:
    raise FileContentError(
        f"{path} holds in {name} an object of the class {kind!r}, which is not read: only numbers,"
        " text, cells and structs are. Save it from MATLAB as one of these, e.g. with table2struct,"
        " char or double."
    )


def _from_scipy(path: Path, value: Any, name: str) -> Any:
    from scipy.io.matlab import MatlabFunction, MatlabObject, MatlabOpaque

    if isinstance(value, MatlabFunction):
        _refuse(path, name, "function_handle")
    if isinstance(value, MatlabObject):
        _refuse(path, name, value.classname)
    if isinstance(value, MatlabOpaque):
        _refuse(path, name, _text(value["s2"].item() if value.size == 1 else "unknown"))
    if not isinstance(value, np.ndarray):
        return value  # sparse
    if value.dtype.names:
        structs = [
            {key: _from_scipy(path, one[key], f"{name}.{key}") for key in value.dtype.names}
            for one in value.ravel(order="F")
        ]
        return structs[0] if len(structs) == 1 else structs
    if value.dtype.hasobject:
        return _cells([_from_scipy(path, one, f"{name}{{}}") for one in value.flat], value.shape)
    if value.dtype.kind == "U" and value.size < 2:
        return str(value.item()) if value.size else ""
    return value


def _cells(values: list, shape: tuple[int, ...]) -> NDArray[np.object_]:
    cells = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        cells[k] = value
    return cells.reshape(shape)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _open_hdf5(path: Path) -> Any:
    h5py = import_optional("h5py", "hdf5", f"Reading {path.name}")
    with reading(path, WORDS["matlab-7.3"]):
        return h5py.File(path, "r")


def _class_of(item: Any) -> str:
    if "MATLAB_sparse" in item.attrs:
        return "sparse"
    kind = _text(item.attrs.get("MATLAB_class", b"struct" if hasattr(item, "keys") else b"cell"))
    if "MATLAB_object_decode" in item.attrs and kind in READABLE:
        return "object"
    return kind


def _shape_and_class(item: Any) -> tuple[tuple[int, ...], str]:
    kind = _class_of(item)
    if hasattr(item, "keys"):
        return (1, 1), kind
    if item.attrs.get("MATLAB_empty", 0):
        return tuple(int(n) for n in item[()].ravel()), kind
    return tuple(reversed(item.shape)), kind


def _from_hdf5(path: Path, file: Any, item: Any, name: str) -> Any:
    kind = _class_of(item)
    if kind not in READABLE:
        _refuse(path, name, kind)
    if kind == "sparse":
        return _sparse(item)
    if hasattr(item, "keys"):
        return _struct(path, file, item, name)
    if item.attrs.get("MATLAB_empty", 0):
        return _empty(kind, _shape_and_class(item)[0])
    value = np.asarray(item[()]).T
    if kind == "cell":
        return _cells(
            [_from_hdf5(path, file, file[one], f"{name}{{}}") for one in value.flat], value.shape
        )
    if kind == "char":
        rows = ["".join(map(chr, row)) for row in np.atleast_2d(value)]
        return rows[0] if len(rows) == 1 else np.array(rows)
    return value.astype(bool) if kind == "logical" else value


def _empty(kind: str, shape: tuple[int, ...]) -> Any:
    if kind in ("char", "struct"):
        return "" if kind == "char" else []
    return np.empty(shape, dtype=object if kind == "cell" else np.float64)


def _struct(path: Path, file: Any, group: Any, name: str) -> Any:
    """Return a dict, or a list of dicts where the fields are references to many structs."""
    many = [
        not hasattr(item, "keys") and "MATLAB_class" not in item.attrs for item in group.values()
    ]
    if not many or not all(many):
        return {_text(k): _from_hdf5(path, file, group[k], f"{name}.{k}") for k in group}
    columns = {
        _text(key): [
            _from_hdf5(path, file, file[one], f"{name}.{key}")
            for one in np.asarray(group[key][()]).T.ravel(order="F")
        ]
        for key in group
    }
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _sparse(group: Any) -> Any:
    from scipy.sparse import csc_array

    starts = np.asarray(group["jc"][()]).astype(np.int64)
    shape = (int(group.attrs["MATLAB_sparse"]), len(starts) - 1)
    if "data" not in group:
        return csc_array(shape)
    rows = np.asarray(group["ir"][()]).astype(np.int64)
    return csc_array((np.asarray(group["data"][()]), rows, starts), shape=shape)
