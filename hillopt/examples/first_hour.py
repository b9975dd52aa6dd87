# %% [markdown]
# # A first hour with hillopt
# How high a hill can an optimizer climb out of? Run the cells one by one, in any editor that knows `# %%`, or the file as a whole.

# %%
import os

import hillopt as ho

os.environ["XLA_FLAGS"] = ho.xla_flags()  # walks take half the time on a CPU; said before JAX computes anything

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)  # proofs like 15 digits

# %% [markdown]
# One setting: Adam with learning rate 0.3 on the tent hill, which falls to a valley at x = 1 and rises from there. It climbs to
# 1.41 before it turns back, so it escapes over every hill up to 0.41, and is trapped by any higher one.

# %%
answer = ho.critical_height(ho.TentHill(), ho.Adam(learning_rate=0.3))
print(f"h* = {float(answer.critical_height):.14f}, proved: {bool(answer.settled)}, rounding: {float(answer.error):.1e}")

# %% [markdown]
# Many settings at once: arrays broadcast, and all of it is one jitted call. At learning rate 0.1 three decays of the momentum.

# %%
answers = ho.critical_height(ho.TentHill(), ho.Adam(0.1, b1=jnp.array([0.0, 0.9, 0.99])))
print(answers)
print(answers.to_dataframe({"b1": [0.0, 0.9, 0.99]})[["critical_height", "upper", "period"]])

# %% [markdown]
# A number that the computer cannot hold: at exactly 1/100 a step lands on the valley's floor, and the double next to 0.01 decides
# otherwise. The answer is flagged; `precision="auto"` answers for the number as it is written, in exact arithmetic.

# %%
once = ho.critical_height(ho.TentHill(), ho.Adam(0.01))
exactly = ho.critical_height(ho.TentHill(), ho.Adam(0.01), precision="auto")
print(ho.Certainty(int(once.certainty)).name, float(once.critical_height))
print(ho.Certainty(int(exactly.certainty)).name, float(exactly.critical_height))

# %% [markdown]
# A map: the same question for every setting of a grid, as a labelled data set, drawn. Larger ones go to a store, tile by tile, and
# `python -m launch.sweep` makes this one with 512 x 512 settings.

# %%
axes = {"learning_rate": ho.Axis.log(1e-2, 1, 48), "b1": ho.Axis.log_complement(0, 0.99, 32)}
data = ho.sweep(ho.CriticalHeight(max_steps=2_000), ho.TentHill(), ho.Adam(0.1), axes)
figure = ho.plot(data)
page = ho.explore(data)  # as the last value of a cell a notebook shows it

# %% [markdown]
# Why is it trapped? The certificate says so in a few exact fractions, and checks itself without the code that has walked.

# %%
proof = ho.certificate(ho.TentHill(), ho.Adam(0.3))
proof.check()
print(f"from step {proof.checkpoint} on it repeats itself every {proof.period} steps")
