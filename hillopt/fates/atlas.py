"""The fates of heavy ball over its two numbers."""

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import ArrayLike

from hillopt.axes import Axis
from hillopt.fates.fate import Atlas
from hillopt.fates.grounds import AbstractGround
from hillopt.front_door import check_is, check_known
from hillopt.pytrees import FRACTION, POSITIVE


def atlas(
    ground: AbstractGround,
    learning_rate: Axis | ArrayLike | Sequence[float],
    momentum: Axis | ArrayLike | Sequence[float],
) -> Atlas:
    """Decide for every setting of heavy ball on a grid what becomes of its walks, each with a proof, or leave it open.

    **Arguments**

    - `ground`: `AllQuadratics(least, most)`, `OneBowl(bowl, starts)` or `AllFunctions(least, most)`, with the curvature's ends.
    - `learning_rate`, `momentum`: `Axis` or increasing values, as for `sweep`; momenta lie in [0, 1).

    A proof holds for the cell's two numbers as they are in float64. The minimum repels where heavy ball is beyond the edge of
    stability there. Raises ValueError for numbers out of range.
    """
    ground = check_is(ground, AbstractGround, "ground", "ho.AllFunctions(1.0, 25.0)")
    ground.check()
    for name, values in (("learning_rate", learning_rate), ("momentum", momentum)):
        check_known(values, name, "since cells are told apart by it")
    rates, momenta = (
        np.asarray(Axis.named(name, values).values, np.float64)
        for name, values in (("learning_rate", learning_rate), ("momentum", momentum))
    )
    POSITIVE.check("learning_rate", rates)
    FRACTION.check("momentum", momenta)
    cells = [part.ravel() for part in np.meshgrid(rates, momenta)]
    with jax.enable_x64(True):
        found = ground.fates(*cells)
    shape = momenta.size, rates.size
    return Atlas(
        rates, momenta, found.fate.astype(np.int8).reshape(shape), found.period.astype(np.int16).reshape(shape)
    )
