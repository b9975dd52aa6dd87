# %% [markdown]
# # A study on a GPU box
# The same calls on a laptop's CPU and on a box of GPUs: tiles are walked on every device that JAX has and written as they come, so
# that a study that is killed goes on where it stopped. What takes a second here takes any grid there.

# %%
import tempfile
from pathlib import Path

import jax

import hillopt as ho

jax.config.update("jax_enable_x64", True)
POINTS = 48  # along each axis; 4,096 on a GPU
print(jax.devices())

# %% [markdown]
# The sweep goes into a store, with a word on every tile. `resume=True` begins it or goes on with it; several processes, or the
# jobs of an array by `shard=(0, 8)`, may fill it together.

# %%
place = Path(tempfile.mkdtemp()) / "heavy_ball.zarr"
axes = {"learning_rate": ho.Axis.log(1e-3, 1, POINTS), "momentum": ho.Axis.log_complement(0, 0.99, POINTS)}


def tell(progress):
    """One line, over and over."""
    print(f"\r{progress.cells:,} of {progress.num_cells:,} settings", end="", flush=True)


def study():
    """What is asked of every setting; the same call goes on with it."""
    store = ho.Store(place, resume=True)
    question, hill, optimizer = ho.CriticalHeight(max_steps=5_000), ho.TentHill(), ho.HeavyBall(0.1)
    return ho.sweep(question, hill, optimizer, axes, store=store, tile=512, on_progress=tell)


data = study()
print()

# %% [markdown]
# What was stored is an ordinary Zarr store; asked for once more, nothing is walked again.

# %%
again = study()
print()
share = float((again["verdict"] == ho.Verdict.TRAPPED).mean())
print(f"{share:.1%} proved for any number of steps")
figure = ho.plot(again)

# %% [markdown]
# Where proofs are not needed, the fastest walk: float32, steps alone. On a GPU it is one kernel whose numbers stay in registers.

# %%
fast = ho.sweep(
    ho.CriticalHeight(max_steps=500, climb=ho.FAST), ho.TentHill(), ho.HeavyBall(0.1), axes, dtype="float32"
)
print(fast["critical_height"].max().item())
