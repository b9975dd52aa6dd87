"""Critical heights proved a second, beside the bisections that go for them today."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import hillopt as ho
from launch.bench import rivals, timing
from launch.bench.figures import Figures

RIVALS_SIDE = 64  # bisections take side x side of the settings at most
BY_HAND = {"over optax.adam": False, "over Adam by hand": True}
TENT = ho.TentHill()


class Heights:
    """Critical heights with proofs in float64, and bisections on some of the same settings."""

    def __init__(self, low: float, high: float, side: int, with_rivals: bool = True) -> None:
        rates, b1 = np.geomspace(low, high, side)[None, :], np.linspace(0.0, 0.97, side)[:, None]
        self.steps = int(1.1 / low) + 10_000
        self.optimizer = ho.Adam(jnp.asarray(rates), jnp.asarray(b1))
        thin = -(-side // RIVALS_SIDE)
        some = np.broadcast_arrays(rates[:, ::thin], b1[::thin])
        self.size = some[0].size
        self.rivals: dict[str, Callable[[], Any]] = {}
        for name, by_hand in BY_HAND.items() if with_rivals else ():
            flat = [jnp.asarray(each.reshape(-1)) for each in some]
            bisection = jax.jit(rivals.bisection(self.steps, by_hand), compiler_options=ho.compiler_options())
            compiled = bisection.lower(*flat).compile()
            self.rivals[name] = functools.partial(compiled, *flat)

    def ours(self) -> Any:
        """Solve."""
        return ho.critical_height(TENT, self.optimizer, max_steps=self.steps)


def measure(figures: Figures, side: int, repeats: int) -> None:
    """Settled heights a second at four sizes of learning rates, and the ratio to the bisections."""
    sets = {"0.01 to 1": Heights(0.01, 1.0, side), "around 1e-4": Heights(0.95e-4, 1.05e-4, side)}
    for name, rate in (("around 1e-2", 1e-2), ("around 1e-6", 1e-6)):
        sets[name] = Heights(0.95 * rate, 1.05 * rate, side, with_rivals=False)
    for each in sets.values():
        timing.seconds(each.ours)
    for _ in range(repeats):
        ours = {name: measure_one(figures, name, each) for name, each in sets.items()}
        figures.add("time at 1e-6 / time at 1e-2", ours["around 1e-2"] / ours["around 1e-6"])


def measure_one(figures: Figures, name: str, each: Heights) -> float:
    """Of one set; our settled heights a second."""
    settled = int(each.ours().settled.sum())
    ours = figures.add(f"settled heights/s: learning rates {name}", settled / timing.best(each.ours))
    for rival, call in each.rivals.items():
        line = f"heights/s: bisection {rival}, learning rates {name}, {each.steps:,} steps"
        theirs = figures.add(line, each.size / timing.best(call, of=1))
        figures.add(f"ratio to the bisection {rival}: learning rates {name}", ours / theirs)
    return ours
