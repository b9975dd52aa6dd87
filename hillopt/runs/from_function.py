"""A training run that is any pure function: numbers and a key in, a row of losses out."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hillopt.front_door import check_count
from hillopt.names import check_names, name_of
from hillopt.pytrees import NONNEGATIVE, Number, hyperparameter, is_traced, static
from hillopt.runs.contract import AbstractRun

FEW = 64  # runs side by side, as nobody knows what one takes


class FunctionRun(AbstractRun):
    """A function that trains by itself; make it with `run_from`."""

    swept: dict[str, Number]
    function: Callable[..., Array] = static()
    takes_key: bool = static()
    seed: Number = hyperparameter(NONNEGATIVE, default=0.0)
    lanes: int = static(default=FEW)

    def label(self) -> str:
        """The function's name."""
        return name_of(self.function)

    def hyperparameters(self) -> dict[str, Number]:
        """Those given, and the seed where there is a key."""
        return {**self.swept, **({"seed": self.seed} if self.takes_key else {})}

    def fixed(self) -> dict[str, Number]:
        """None."""
        return {}

    def replace(self, **hyperparameters: Number) -> "FunctionRun":
        seed = hyperparameters.pop("seed", self.seed)
        if unknown := set(hyperparameters) - set(self.swept):
            raise ValueError(f"`{self.label()}` has no number {min(unknown)!r}; it has {', '.join(self.swept)}.")
        return FunctionRun({**self.swept, **hyperparameters}, self.function, self.takes_key, seed, self.lanes)

    def check(self) -> None:
        """ValueError for numbers that are not finite."""
        for name, value in self.swept.items():
            if not is_traced(value) and not np.all(np.isfinite(np.asarray(value, np.float64))):
                raise ValueError(f"`{self.label()}({name}=...)` must be finite; remove the infinite or NaN values.")
        NONNEGATIVE.check("seed", self.seed)

    def losses(self) -> Float[Array, " step"]:
        """All of one setting."""
        key = {"key": jax.random.key(jnp.round(self.seed).astype(jnp.uint32))} if self.takes_key else {}
        return jnp.asarray(self.function(**self.swept, **key))

    def begin(self) -> Float[Array, " step"]:
        return self.losses()

    def step(
        self, carry: Float[Array, " step"], index: Int[Array, ""]
    ) -> tuple[Float[Array, " step"], Float[Array, ""]]:
        return carry, carry[index]

    def most_steps(self) -> int:
        """As many as the function returns losses; ValueError for one that returns something else."""
        one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), jnp.result_type(float)), self)
        try:
            losses = jax.eval_shape(FunctionRun.losses, one)
        except Exception as error:  # whatever a user's function may raise
            told = " ".join(str(error).split())[:200]
            raise ValueError(
                f"`{self.label()}` cannot be traced ({type(error).__name__}: {told}); write it in JAX's operations."
            ) from error
        if len(losses.shape) != 1 or not losses.shape[0] or not jnp.issubdtype(losses.dtype, jnp.floating):
            raise ValueError(
                f"`{self.label()}` must return a row of losses, one a step, got {losses.dtype}{list(losses.shape)}; return what "
                "jax.lax.scan collects."
            )
        return losses.shape[0]

    def rehearse(self) -> None:
        """ValueError for a function whose first loss is not finite."""
        losses = np.asarray(jax.jit(FunctionRun.losses)(jax.tree.map(jnp.asarray, self)))
        if not np.isfinite(losses[0]):
            at = ", ".join(f"{name}={float(value):g}" for name, value in self.hyperparameters().items())
            raise ValueError(f"`{self.label()}` must have a finite first loss, got {losses[0]} at {at}; mend it.")


def run_from(function: Callable[..., Array], *, seed: Number = 0.0, lanes: int = FEW, **numbers: Any) -> FunctionRun:
    """The training run of a pure function `function(learning_rate, ..., key=...)` that returns the loss before every step.

    `numbers` are its arguments, which may be swept; a function that takes a `key` gets that of the seed, which then is one of the
    numbers. `lanes` are runs that a core takes side by side. Raises ValueError for names that it does not take, or that are
    wanting, and for a function that cannot be traced or returns no row of losses.
    """
    if not callable(function):
        raise ValueError(f"`function` must be a function that returns losses, got {function!r:.60}; give one.")
    takes_key = "key" in inspect.signature(function).parameters
    check_names(function, [*numbers, *(["key"] if takes_key else [])])
    run = FunctionRun(dict(numbers), function, takes_key, seed, check_count(lanes, "lanes"))
    run.check()
    run.most_steps()
    return run
