"""Matrices that are known to within a radius, entry by entry: their products, and the spectral radius of all of them.

In NumPy and float64. A sum of n products errs by n eps / 2 of that of their sizes, in whatever order it is taken (Higham 2002,
section 3.5), one of complex numbers by less than 2 n eps, which is charged here; radii, which are sums of products of numbers not
below 0, are paid for the same way.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Inexact

EPS, TINY = float(np.finfo(np.float64).eps), float(np.finfo(np.float64).tiny)
SQUARINGS = 50  # then a relative error of eps, which doubles each time, has grown to 1/8
PAID = 16.0  # in eps: for a logarithm, a sum and a product, and for a power of 2, with one more for each unit of its exponent


class Enclosure(NamedTuple):
    """All matrices, real or complex, within `radius` of `middle`, entry by entry."""

    middle: Inexact[np.ndarray, "row column"]
    radius: Float[np.ndarray, "row column"]

    @property
    def most(self) -> Float[np.ndarray, "row column"]:
        """The size of each entry is at most this."""
        return (np.abs(self.middle) + self.radius) * (1 + 4 * EPS)

    def __matmul__(self, other: "Enclosure") -> "Enclosure":
        terms = 2 * self.middle.shape[1] + 4
        sizes = np.abs(self.middle) @ np.abs(other.middle)
        moved = np.abs(self.middle) @ other.radius + self.radius @ other.most
        radius = (moved + terms * EPS * sizes) * (1 + terms * EPS) + terms * TINY
        return Enclosure(self.middle @ other.middle, radius)


def exactly(matrix: Inexact[np.ndarray, "row column"]) -> Enclosure:
    """A matrix without doubt."""
    return Enclosure(matrix, np.zeros(matrix.shape))


def less_than_one(matrix: Enclosure) -> Enclosure:
    """The identity minus a matrix."""
    middle = np.eye(len(matrix.middle)) - matrix.middle
    return Enclosure(middle, (matrix.radius + EPS * np.abs(middle)) * (1 + 4 * EPS))


def scaled(matrix: Enclosure, sizes: Float[np.ndarray, " row"]) -> Enclosure:
    """The matrix in units near these sizes, powers of 2, so that nothing is rounded; its eigenvalues are the same."""
    units = np.exp2(np.round(np.log2(np.where(sizes > 0, sizes, 1.0))))
    factors = units / units[:, None]
    return Enclosure(matrix.middle * factors, matrix.radius * factors + TINY)


def in_own_basis(matrix: Enclosure) -> Enclosure:
    """V^-1 M V, whose eigenvalues are those of M, with V about the middle's eigenvectors; M itself where those nearly coincide.

    Whatever V and W are, with E = 1 - W V below 1 the inverse of V is (1 + E + E^2 + ...) W, and so within |E| / (1 - |E|) of W.
    """
    if not np.all(np.isfinite(matrix.middle)):
        return matrix
    vectors = np.linalg.eig(matrix.middle)[1]
    if np.linalg.cond(vectors) > 1 / np.sqrt(EPS):
        return matrix
    inverse = np.linalg.inv(vectors)
    error = less_than_one(exactly(inverse) @ exactly(vectors)).most.sum(1).max() * (1 + len(vectors) * EPS)
    off = 2 * error * np.abs(inverse).max(0) * (1 + 4 * EPS)
    return (
        Enclosure(inverse, np.broadcast_to(off, inverse.shape)) @ matrix @ exactly(vectors) if error < 0.5 else matrix
    )


def spectral_radius(matrix: Enclosure) -> tuple[float, float]:
    """Ends of the spectral radius of every matrix in the enclosure: 0 and infinity at worst.

    By squaring. The norm of M^k is at least rho^k, and its trace at most n rho^k in size; as k = 1, 2, 4, ... grows, the root
    takes n and the norm's excess to 1, and what rounding adds with them. Each power is divided by a power of 2 near its norm,
    which rounds nothing, and whose logarithm is kept.
    """
    power, logarithm, share, low, high = in_own_basis(matrix), 0.0, 1.0, -np.inf, np.inf
    number = len(matrix.middle)
    for _ in range(SQUARINGS):
        norm = float(power.most.sum(1).max()) * (1 + number * EPS)
        if not 0 < norm < np.inf:
            high = high if norm else -np.inf
            break
        high = min(high, _outwards(share * (np.log2(norm) + logarithm), 1))
        if (trace := _least_trace(power)) > 0:
            low = max(low, _outwards(share * (np.log2(trace / number) + logarithm), -1))
        exponent = float(np.floor(np.log2(norm)))
        power = Enclosure(power.middle * np.exp2(-exponent), power.radius * np.exp2(-exponent) + TINY)
        power, logarithm, share = power @ power, 2 * (logarithm + exponent), share / 2
    return _power_of_2(low, -1), _power_of_2(high, 1)


def _least_trace(matrix: Enclosure) -> float:
    """The size of the trace is at least this."""
    lost = np.trace(matrix.radius) + 2 * len(matrix.middle) * EPS * np.trace(matrix.most)
    return float(abs(np.trace(matrix.middle)) - lost) * (1 - 4 * EPS)


def _outwards(logarithm: float, side: int) -> float:
    return float(logarithm + side * PAID * EPS * (1 + abs(logarithm)))


def _power_of_2(exponent: float, side: int) -> float:
    power = float(np.exp2(exponent))
    return power * (1 + side * EPS * (PAID + abs(exponent))) if np.isfinite(exponent) else power
