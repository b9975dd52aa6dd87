"""Where a walk stands in exact rational arithmetic: what decides a tie, which no number of digits can."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

from hillopt.proofs import Lattice

MOST_BITS = 2**21
"""Of a number that is made to decide a tie: this bounds the effort."""


def rise_downhill(lattice: Lattice, steps: int) -> Fraction | None:
    """The rise after so many steps down from rest; None where that takes too much effort."""
    if lattice.bias_corrected or lattice.weight == 0:
        return lattice.spacing * steps - 1
    if steps * _bits_of(lattice.decay) > MOST_BITS:
        return None
    return lattice.spacing * steps - lattice.weight * (1 - lattice.decay**steps) - 1


def rise_after(lattice: Lattice, foot: int, slopes: Sequence[int], site: int) -> Fraction | None:
    """The rise after `foot` steps down from rest and a step at each of these slopes, which lead to a site; None as above.

    With decay a / q the memory after s steps is a whole number over q^s; a bias correction adds spacing m a^s / (q^s - a^s).
    """
    begin, length = rise_downhill(lattice, foot), foot + len(slopes)
    if begin is not None and lattice.weight == 0 and not lattice.bias_corrected:
        return begin + lattice.spacing * site
    size = (length**2 - foot**2 if lattice.bias_corrected else length) * _bits_of(lattice.decay)
    if begin is None or size > MOST_BITS:
        return None
    a, q = lattice.decay.as_integer_ratio()
    memories = _memories(lattice, foot, slopes)
    moved = Fraction(memories[-1], q**length) - Fraction(memories[0], q**foot)
    rise = begin + lattice.spacing * site + lattice.weight * moved
    if lattice.bias_corrected and len(memories) > 1:
        terms = [
            (memory * a**s * q ** (length - s), q**s - a**s)
            for s, memory in zip(range(foot + 1, length + 1), memories[1:], strict=True)
        ]
        over, under = _sum(terms)
        rise -= lattice.spacing * Fraction(over, under * q**length)
    return rise


def drive_after(lattice: Lattice, foot: int, slopes: Sequence[int], slope: int) -> Fraction | None:
    """What decides the direction of the next step, at a slope, where memory and slope are interpolated."""
    length = foot + len(slopes)
    if length * _bits_of(lattice.decay) > MOST_BITS:
        return None
    memory = Fraction(_memories(lattice, foot, slopes)[-1], lattice.decay.denominator**length)
    return lattice.interpolation * memory + (1 - lattice.interpolation) * slope


def _memories(lattice: Lattice, foot: int, slopes: Sequence[int]) -> list[int]:
    """The memory after s = foot, foot + 1, ... steps, times q^s."""
    a, q = lattice.decay.as_integer_ratio()
    memory, unit = a**foot - q**foot, q**foot
    found = [memory]
    for slope in slopes:
        memory, unit = a * memory + (q - a) * slope * unit, unit * q
        found.append(memory)
    return found


def _sum(terms: list[tuple[int, int]]) -> tuple[int, int]:
    """Of fractions, neighbours first, so that factors are of one size."""
    while len(terms) > 1:
        pairs = list(itertools.pairwise([*terms, (0, 1)] if len(terms) % 2 else terms))[::2]
        terms = [(a * d + c * b, b * d) for (a, b), (c, d) in pairs]
    return terms[0]


def _bits_of(number: Fraction) -> int:
    return number.denominator.bit_length()
