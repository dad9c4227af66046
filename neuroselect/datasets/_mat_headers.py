"""What variables a MATLAB file of version 5 to 7.2 has.

SciPy's ``whosmat`` fails on files that hold a string, table or other object of a newer class
beside the variables that are wanted.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from neuroselect.datasets._file_format import FileContentError

_MATRIX, _COMPRESSED, _OPAQUE, _LOGICAL = 14, 15, 17, 0x200
_CLASSES = (
    *("", "cell", "struct", "object", "char", "sparse", "double", "single", "int8", "uint8"),
    *("int16", "uint16", "int32", "uint32", "int64", "uint64", "function_handle", "opaque"),
)
_HEAD = 4096  # more than the flags, the lengths of the axes and the name can take


def list_variables(path: Path) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Yield name, shape and class of each variable.

    Raises
    ------
    ValueError
        If the file ends within a variable.
    struct.error, zlib.error, UnicodeDecodeError, IndexError
        If a header makes no sense.
    """
    size = path.stat().st_size
    with open(path, "rb") as stream:
        order = "<" if stream.read(128)[126:128] == b"IM" else ">"
        while stream.tell() < size:
            kind, length = struct.unpack(order + "II", stream.read(8))
            end = stream.tell() + length
            if end > size or kind not in (_MATRIX, _COMPRESSED):
                raise FileContentError(
                    f"{path} is damaged or incomplete: it has {size} bytes, and one of its"
                    f" variables, of the type {kind}, ends at byte {end}."
                )
            name, shape, what = _header(_head(stream, kind, length), order)
            if name:
                yield name, shape, what
            stream.seek(end)


def _head(stream: BinaryIO, kind: int, length: int) -> bytes:
    """Return the start of a matrix, after its tag."""
    if kind == _MATRIX:
        return stream.read(min(length, _HEAD))
    return zlib.decompressobj().decompress(stream.read(min(length, 2 * _HEAD)), _HEAD)[8:]


def _header(head: bytes, order: str) -> tuple[str, tuple[int, ...], str]:
    flags, at = _element(head, 0, order)
    flags = struct.unpack(order + "I", flags[:4])[0]
    kind = _CLASSES[flags & 0xFF]
    if flags & 0xFF == _OPAQUE:
        name, at = _element(head, at, order)
        _, at = _element(head, at, order)
        kind, _ = _element(head, at, order)
        return name.decode(), (1, 1), kind.decode()
    shape, at = _element(head, at, order)
    name, _ = _element(head, at, order)
    shape = struct.unpack(f"{order}{len(shape) // 4}i", shape)
    return name.decode(), shape, "logical" if flags & _LOGICAL and kind != "sparse" else kind


def _element(head: bytes, at: int, order: str) -> tuple[bytes, int]:
    """Return the content of the element at a position, and the position of the next."""
    code = struct.unpack(order + "I", head[at : at + 4])[0]
    if code >> 16:  # up to four bytes within the tag
        return head[at + 4 : at + 4 + (code >> 16)], at + 8
    length = struct.unpack(order + "I", head[at + 4 : at + 8])[0]
    return head[at + 8 : at + 8 + length], at + 8 + -(-length // 8) * 8
