"""Arrays as text for a page: few bytes, unpacked by what every browser has."""

import base64
import gzip
from typing import NamedTuple

import numpy as np

MANTISSAS = (23, 15, 11, 9)
"""Bits of a float's mantissa that are kept: the first of them that fit into the room there is. 9 tell three digits."""
FEW = 15
"""Of what is told beside the field that is drawn."""
MOSTLY = 0.5


class Packed(NamedTuple):
    """An array as text, and how to read it back."""

    text: str
    """Base64 of a gzip stream: the bytes of all differences between neighbours along the last axis, lowest bytes first, then
    the next ones and so on."""
    dtype: str
    """"float32", or an integer type."""
    digits: int | None
    """Significant decimal digits of floats; None where all is exact."""
    is_beside: bool = False
    """Whether it is told as the difference from another field's bits, which it mostly equals."""


def packed(
    values: np.ndarray, room: int, most_bits: int = MANTISSAS[0], beside: np.ndarray | None = None
) -> Packed | None:
    """The values in at most `room` characters, floats with as many digits as fit; None where even the fewest do not.

    Floats become float32 first, integers the narrowest type that holds them. Of floats of which most are those of `beside`, an
    array that is packed with all its bits, the differences are told.
    """
    if values.dtype.kind == "f":
        single = as_single(values)
        if beside is not None and beside.shape == values.shape:
            other = as_single(beside)
            if np.mean(single == other) > MOSTLY:
                found = Packed(_text(single.view(np.uint32) - other.view(np.uint32)), "float32", 7, is_beside=True)
                return found if len(found.text) <= room else None
        for bits in (bits for bits in MANTISSAS if bits <= most_bits):
            found = Packed(_text(_shortened(single, bits)), "float32", int((bits + 1) * np.log10(2)))
            if len(found.text) <= room:
                return found
        return None
    kind = np.result_type(*(np.min_scalar_type(end) for end in (values.min(initial=0), values.max(initial=0))))
    kind = kind if kind.itemsize <= 4 else np.dtype(np.int32)
    found = Packed(_text(values.astype(kind)), str(kind), None)
    return found if len(found.text) <= room else None


def as_single(values: np.ndarray) -> np.ndarray:
    """In float32, what is finite and too large for it as the largest."""
    most = np.finfo(np.float32).max
    with np.errstate(over="ignore"):
        return np.where(np.isfinite(values), np.clip(values, -most, most), values).astype(np.float32)


def _shortened(values: np.ndarray, bits: int) -> np.ndarray:
    """With so many bits of mantissa, rounded to the nearest; what is not finite stays."""
    dropped = 23 - bits
    if not dropped:
        return values
    whole = values.view(np.uint32)
    rounded = ((whole + np.uint32(1 << (dropped - 1))) >> dropped) << dropped
    return np.where(np.isfinite(values), rounded, whole).astype(np.uint32).view(np.float32)


def _text(values: np.ndarray) -> str:
    """Differences along rows, byte planes apart, compressed."""
    whole = np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
    before = np.zeros_like(whole)
    before[..., 1:] = whole[..., :-1]
    differences = (whole - before).ravel()
    planes = differences.view(np.uint8).reshape(differences.size, -1).T
    return base64.b64encode(gzip.compress(planes.tobytes(), 9, mtime=0)).decode()
