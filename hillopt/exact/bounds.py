"""What is known of a lattice's exact walks before they are walked: how far rounding moves them, and how far they can ever rise."""

import math

from hillopt.exact.numbers import power_up, product_up, rounded_up
from hillopt.exact.swings import Swings
from hillopt.proofs import Lattice


def swings_of(lattice: Lattice, bits: int) -> Swings | None:
    """The swings of its walks; None where there is no memory in a step, or a sign of it alone."""
    if lattice.interpolation is not None or lattice.weight == 0:
        return None
    return Swings(lattice.decay, lattice.weight * (1 - lattice.decay) / (lattice.spacing * lattice.decay), bits)


def reach_of_lattice(lattice: Lattice, swings: Swings | None, bits: int) -> int:
    """Closed bound of every rise in spacings, as `hillopt.proofs.reach` has them: no momentum exceeds 1."""
    one = 1 << bits
    if swings is not None:
        return swings.peak(one) or rounded_up(1 + 2 * lattice.decay / (1 - lattice.decay), bits)
    if lattice.interpolation is None:
        return one
    decay, share = rounded_up(lattice.decay, bits), rounded_up(lattice.interpolation, bits)
    steps = math.ceil(max(0.0, math.log(2 * share / one)) / -math.log(lattice.decay)) + 1 if share and decay else 1
    enough = 2 * product_up(share, power_up(decay, steps, bits), bits) < one
    return (1 + steps) * one if enough else one * one


def doubt_of(lattice: Lattice, max_steps: int) -> int:
    """How far a rise may be off, in units of the last place, that `hillopt.exact.lattice` makes in so many steps at most.

    - Every power of the decay, and the memory, are off by e = 4 max_steps at most: a step adds less than 1 for the decay, 1 for
      the complement, and 1 for a product rounded down; and a square twice the error of what is squared.
    - Down to the valley: 1 for each spacing; 1 - power is off by e, the weight by 1 and their product by 1.
    - Then 1 for each spacing, twice as much for the memory's way, whose length is 2 at most, and 2.
    - The shift adds spacing m p / (1 - p) a step, where 1 - p >= c = 1 - decay. If m and p are off by e < c / 2, the quotient is
      by 8 e / c^2, and by 1 for being rounded down; it is 1 / c at most.
    """
    e, weight, spacing = 4 * max_steps, math.ceil(lattice.weight) + 1, math.ceil(lattice.spacing) + 1
    doubt = 2 * max_steps + 3 * weight * (e + 1) + 2 * weight + 16
    if lattice.bias_corrected:
        c = 1 - lattice.decay
        doubt += max_steps * (spacing * (math.ceil(8 * e / c**2) + 2) + math.ceil(1 / c) + 2)
    return doubt
