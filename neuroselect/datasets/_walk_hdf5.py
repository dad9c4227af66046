"""Look at everything in an HDF5 file, in a process of its own.

The HDF5 library can end the process on damaged files, which no Python code can catch. This file
is run as a script (it must import nothing of the package), and only whether it comes to its end
counts.
"""

import sys
from contextlib import suppress

SMALL = 2**20  # bytes


def walk(path):
    """Read all attributes, and all datasets that are small or have entries of unequal length."""
    import h5py

    with h5py.File(path, "r") as file:
        look_at("", file)
        file.visititems(look_at)


def look_at(_name, item):
    """Read one object, whatever errors it has."""
    with suppress(Exception):
        for key in list(item.attrs):
            with suppress(Exception):
                item.attrs[key]
    with suppress(Exception):
        if hasattr(item, "dtype"):
            small = item.dtype.hasobject or item.nbytes <= SMALL
            item[() if small else (0,) * item.ndim]


if __name__ == "__main__":
    with suppress(Exception):
        walk(sys.argv[1])
