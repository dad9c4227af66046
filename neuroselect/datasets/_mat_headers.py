"""What variables a MATLAB file of version 5 to 7.2 has, and whether they are whole.

SciPy's ``whosmat`` fails on files that hold a string, table or other object of a newer class
beside the variables that are wanted, and its reader crashes on some damaged variables.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from neuroselect.datasets._file_format import FileContentError

_MATRIX, _COMPRESSED, _OPAQUE, _LOGICAL = 14, 15, 17, 0x200
_CLASSES = (
    *("", "cell", "struct", "object", "char", "sparse", "double", "single", "int8", "uint8"),
    *("int16", "uint16", "int32", "uint32", "int64", "uint64", "function_handle", "opaque"),
)
_TYPES = frozenset((*range(1, 8), 9, *range(12, 19)))  # of elements; others crash SciPy
_DEEPEST = 100
_PIECE = 2**20
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
    for stream, order, kind, length in _variables(path):
        name, shape, what = _header(_head(stream, kind, length), order)
        if name:
            yield name, shape, what


def check_variables(path: Path, names: Collection[str]) -> None:
    """Check that variables are whole: checksums where compressed, else types and lengths.

    Raises
    ------
    ValueError, struct.error, zlib.error
        If one is not.
    """
    for stream, order, kind, length in _variables(path):
        start = stream.tell()
        name, _, _ = _header(_head(stream, kind, length), order)
        if name not in names:
            continue
        stream.seek(start)
        if kind == _COMPRESSED:
            _check_sum(stream, length)
        else:
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                _check_matrix(content, start, start + length, order, 0)


def _variables(path: Path) -> Iterator[tuple[BinaryIO, str, int, int]]:
    """Yield stream (at the content), byte order, type and length of each variable."""
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
            yield stream, order, kind, length
            stream.seek(end)


def _check_sum(stream: BinaryIO, length: int) -> None:
    unpacker, tail = zlib.decompressobj(), b""
    while not unpacker.eof:
        piece = tail or stream.read(min(length, _PIECE))
        length -= 0 if tail else len(piece)
        out, tail = unpacker.decompress(piece, _PIECE), unpacker.unconsumed_tail
        if not (piece or out or unpacker.eof):
            raise ValueError("a compressed variable ends too early")


def _check_matrix(content: Any, at: int, end: int, order: str, depth: int) -> None:
    """Check the elements of a matrix, and of the matrices in it."""
    if depth > _DEEPEST:
        raise ValueError(f"variables are nested more than {_DEEPEST} times")
    first = at
    while at < end:
        code = struct.unpack_from(order + "I", content, at)[0]
        if code >> 16:
            kind, length, start, after = code & 0xFFFF, code >> 16, at + 4, at + 8
        else:
            length = struct.unpack_from(order + "I", content, at + 4)[0]
            kind, start = code, at + 8
            after = start + -(-length // 8) * 8
        if kind not in _TYPES or start + length > end or (code >> 16 and length > 4):
            raise ValueError(f"an element of type {kind} and {length} bytes at byte {at}")
        if at == first and (kind != 6 or length != 8):
            raise ValueError(f"a matrix without flags at byte {at}")
        if kind == _MATRIX and length:
            _check_matrix(content, start, start + length, order, depth + 1)
        at = after


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
