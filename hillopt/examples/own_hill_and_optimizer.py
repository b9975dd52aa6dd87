# %% [markdown]
# # A hill, an optimizer and a question of one's own
# Nothing of the library is closed: what subclasses its contracts is swept, stored, drawn and proved like what is built in.

# %%
import jax
import jax.numpy as jnp
import optax

import hillopt as ho

jax.config.update("jax_enable_x64", True)

# %% [markdown]
# A hill from a function of the position and the height. Its slope is its derivative, its crest is looked for.

# %%
dune = ho.hill_from(lambda x, height: -0.3 * x + height * jnp.exp(-8 * (x - 1) ** 2), 0.8)
print(ho.escape(dune, ho.HeavyBall(jnp.array([0.01, 0.05]), 0.9), max_steps=500))

# %% [markdown]
# An optimizer: numbers as fields, and one step. Here momentum whose sign alone counts.


# %%
class Signum(ho.AbstractOptimizer):
    """The sign of a decaying mean of slopes."""

    learning_rate: ho.Number = ho.hyperparameter(ho.POSITIVE)
    momentum: ho.Number = ho.hyperparameter(ho.FRACTION, default=0.9)

    def init(self, position):
        return jnp.zeros_like(position)

    def step(self, slope, state, position):
        mean = self.momentum * state + (1 - self.momentum) * slope
        return position - self.learning_rate * jnp.sign(mean), mean


print(ho.critical_height(ho.TentHill(), Signum(0.07), max_steps=500))

# %% [markdown]
# Anything that optax makes, chains too; its floats become arrays that are swept.


# %%
def clipped(learning_rate, clip):
    """Adam behind a clip."""
    return optax.chain(optax.clip(clip), optax.adam(learning_rate))


optimizer = ho.from_optax(clipped, learning_rate=0.1, clip=0.5)
axes = {"learning_rate": ho.Axis.log(0.02, 0.5, 12), "clip": [0.1, 0.5, 1.0]}
lows = ho.sweep(ho.Loss(max_steps=300), ho.DoubleWell(0.25), optimizer, axes)
figure = ho.plot(lows)
print(lows["lowest"].min().item())
