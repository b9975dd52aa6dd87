"""The lattice's mathematics against exact arithmetic."""

import dataclasses

import jax.numpy as jnp
import numpy as np

import hillopt as ho


@dataclasses.dataclass(frozen=True)
class Mine(ho.AbstractOptimizer):
    """Gradient descent by someone else."""

    rate: float

    def init(self, position):
        return ()

    def step(self, slope, state, position):
        return position - self.rate * slope, state


def test_an_optimizer_of_ones_own_registers_its_proofs():
    assert ho.lattice_of(Mine(0.25)) is None
    assert ho.reach_of(Mine(0.25), ()) == np.inf
    ho.lattice_of.register(Mine)(lambda mine: ho.lattice_of(ho.SignDescent(jnp.asarray(mine.rate))))
    ho.reach_of.register(Mine)(lambda mine, state: jnp.asarray(mine.rate))
    assert float(ho.lattice_of(Mine(0.25)).spacing) == float(ho.reach_of(Mine(0.25), ())) == 0.25
