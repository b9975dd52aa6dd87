"""IDX, the file format of MNIST: https://yann.lecun.com/exdb/mnist (section "file formats for the MNIST database").

Two zero bytes, a code for the type, the number of dimensions, each length as a 32-bit integer, then the numbers; all
big-endian.
"""

import gzip
import io
import math
import os
import struct
import zlib

import numpy as np

from aecluster.arguments import short
from aecluster.places import place, quoted, reading, writing

_DTYPES = {
    code: np.dtype(kind) for code, kind in {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}.items()
}
_CODES = {dtype.newbyteorder("="): code for code, dtype in _DTYPES.items()}
MOST_AXES = 64  # of an array of NumPy's
LONGEST_HEADER = 4 + 4 * MOST_AXES  # bytes
MOST_PACKED = 1_032  # bytes that one byte can unpack to, by deflate
_GZIP_MAGIC = b"\x1f\x8b"


def is_idx(start: bytes) -> bool:
    """Whether a file that begins so is an IDX file that is not gzipped."""
    return len(start) > 3 and start[:2] == b"\0\0" and start[2] in _DTYPES and start[3] > 0


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an IDX file, in this machine's byte order; gzip is recognised by its content, not by the name.

    Raises ValueError naming the file if there is none, or it is no IDX file, damaged, cut short or too long.
    """
    file = place("path", path)
    with reading(file):
        return parse_idx(file.read_bytes(), quoted(file)[1:-1])


def parse_idx(content: bytes, source: str) -> np.ndarray:
    """The array in the bytes of an IDX file, gzipped or not; a refusal, always ValueError, names the source."""
    if content.startswith(_GZIP_MAGIC):
        content = _unzipped(content, source)
    dtype, shape = _header(content, source)
    start = 4 + 4 * len(shape)
    expected, found = math.prod(shape) * dtype.itemsize, len(content) - start
    if found != expected:
        raise ValueError(
            f"'{source}' is {'cut short' if found < expected else 'too long'}: "
            f"shape {shape} needs {expected} bytes after the header, found {found}; fetch the file again."
        )
    try:
        return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
    except ValueError:  # no numbers in a shape that is too large for NumPy all the same
        raise ValueError(f"'{source}' has the shape {shape}, which no array can have; fetch the file again.") from None


def write_idx(path: str | os.PathLike[str], array: np.ndarray) -> None:
    """Write an array as an IDX file, gzipped if the name ends in ".gz"; equal arrays give equal files.

    Raises ValueError for a dtype that IDX lacks (it has uint8, int8, int16, int32, float32 and float64), and where the file
    cannot be written.
    """
    file = place("path", path)
    if not isinstance(array, np.ndarray):
        raise ValueError(f"`array` must be an array of NumPy, got {short(array)}; make it one by `np.asarray`.")
    native = array.dtype.newbyteorder("=")
    if native not in _CODES or not 1 <= array.ndim <= MOST_AXES:
        raise ValueError(
            f"`array` must be of dtype {', '.join(map(str, _CODES))} with 1 to {MOST_AXES} dimensions, "
            f"got {array.dtype} of shape {array.shape}; convert it first."
        )
    code = _CODES[native]
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    content = header + array.astype(_DTYPES[code]).tobytes()
    with writing(file):
        file.write_bytes(gzip.compress(content, mtime=0) if file.name.endswith(".gz") else content)


def _unzipped(content: bytes, source: str) -> bytes:
    """As much as the header announces, and a byte more if there is one: few bytes could unpack to more than memory holds."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            start = file.read(LONGEST_HEADER)
            dtype, shape = _header(start, source)
            announced = 4 + 4 * len(shape) + math.prod(shape) * dtype.itemsize
            more = min(announced, MOST_PACKED * len(content)) - len(start)
            return start + file.read(max(more, 0) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"'{source}' must be a whole gzip file, it is damaged ({error}); fetch it again.") from error


def _header(content: bytes, source: str) -> tuple[np.dtype, tuple[int, ...]]:
    magic = content[:4]
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or magic[3] == 0:
        raise ValueError(
            f"'{source}' must be an IDX file, its magic number is wrong (0x{magic.hex() or '..., the file is empty'}); "
            "check that it is the right file and fetch it again."
        )
    num_dims = magic[3]
    if num_dims > MOST_AXES:
        raise ValueError(f"'{source}' must have at most {MOST_AXES} dimensions, got {num_dims}; fetch the file again.")
    if len(content) < 4 + 4 * num_dims:
        raise ValueError(
            f"'{source}' is cut short: its header needs {4 + 4 * num_dims} bytes, found {len(content)}; "
            "fetch the file again."
        )
    return _DTYPES[magic[2]], struct.unpack_from(f">{num_dims}I", content, 4)
