"""Numbers as typed: of all real numbers that a floating-point number stands for, the one that a person writes."""

from fractions import Fraction
from typing import TypeVar

import jax
import numpy as np

from hillopt.pytrees import AbstractPytree

Tree = TypeVar("Tree", bound=AbstractPytree)


def as_typed(number: np.floating | float) -> Fraction:
    """The shortest decimal that rounds to a floating-point number: 1/100 for 0.01, in float32 as in float64."""
    return Fraction(str(np.asarray(number)[()]))


def typed_numbers(tree: Tree) -> Tree:
    """A hill or an optimizer of one setting with every finite number as typed; infinite ones stay."""
    return jax.tree.map(lambda leaf: as_typed(leaf) if np.isfinite(leaf) else leaf, tree)
