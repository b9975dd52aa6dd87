"""A network of one's own, learning from examples: a model, its data, a loss and an optimizer put together."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key, PyTree

from hillopt.front_door import check_count, check_optimizer
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import Number, static
from hillopt.runs.network import LANES, AbstractProblem, NetworkRun


class Model(NamedTuple):
    """A network as two pure functions; whatever else has these two serves as well."""

    init: Callable[[Any], PyTree]
    """Parameters from a key, in one array or in several."""
    apply: Callable[[PyTree, Array], Array]
    """Outputs of parameters and inputs, both with the examples first."""


class Examples:
    """Arrays with the examples first, told apart by what they hold."""

    def __init__(self, arrays: Sequence[ArrayLike]) -> None:
        self.arrays = tuple(np.asarray(array) for array in arrays)
        content = [(array.shape, array.dtype.str, array.tobytes()) for array in self.arrays]
        self._digest = hashlib.sha256(repr(content).encode()).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Examples) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        return f"{len(self.arrays[0]):,} examples {self._digest}"


class Supervised(AbstractProblem):
    """A model that learns from examples; make it by `network_run`."""

    init: Callable[[Any], PyTree] = static()
    apply: Callable[[PyTree, Array], Array] = static()
    criterion: Callable[[Array, Array], Array] = static()
    examples: Examples = static()

    def label(self) -> str:
        """What it is, in short."""
        return f"a network with {self.examples.arrays[0].shape[0]:,} examples"

    def draw(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        return self.init(key), tuple(jnp.asarray(array) for array in self.examples.arrays)

    def loss(self, parameters: PyTree, data: tuple[Array, ...]) -> Float[Array, ""]:
        inputs, targets = data
        return self.criterion(self.apply(parameters, inputs), targets)


def mean_squared_error(outputs: Float[Array, "..."], targets: Float[Array, "..."]) -> Float[Array, ""]:
    """Mean of the squares of all entries' errors."""
    return jnp.mean((outputs - targets) ** 2)


def network_run(
    model: Any,
    data: tuple[ArrayLike, ArrayLike],
    optimizer: AbstractOptimizer,
    *,
    loss: Callable[[Array, Array], Array] = mean_squared_error,
    batch: int | None = None,
    seed: Number = 0.0,
    lanes: int = LANES,
) -> NetworkRun:
    """The training run of a model on data, whose learning rate, seed and other numbers may be swept.

    **Arguments**

    - `model`: has `init(key)` and `apply(parameters, inputs)`, such as `ho.Model(init, apply)`, or `ho.from_flax(...)`.
    - `data`: inputs and targets, with the examples first. They become constants of the program.
    - `optimizer`: any, or one for each part of the parameters by `ho.by_part`.
    - `loss`: of outputs and targets, one number.
    - `batch`: examples of a step, drawn anew for each; None for all. Losses are those of all examples in either case.
    - `seed`: of the parameters and the batches.
    - `lanes`: runs that a core takes side by side: as many as its cache holds.

    Raises ValueError for what has not both functions, for data of different lengths, and for a model that does not fit them.

    Examples:
        >>> model = ho.Model(init=lambda key: {"w": jax.random.normal(key, (3,))}, apply=lambda p, inputs: inputs @ p["w"])
        >>> inputs = np.eye(3)
        >>> run = ho.network_run(model, (inputs, inputs.sum(-1)), ho.GradientDescent(0.3), loss=ho.mean_squared_error)
        >>> losses = ho.loss_curve(run, max_steps=50)
        >>> bool(losses[-1] < 1e-4 * losses[0])
        True
    """
    if not (callable(getattr(model, "init", None)) and callable(getattr(model, "apply", None))):
        raise ValueError(
            f"`model` must have init(key) and apply(parameters, inputs), got a {type(model).__name__}; write ho.Model(init, "
            "apply), or ho.from_flax(lambda rngs: MLP(rngs=rngs))."
        )
    examples = _checked(data)
    size = None if batch is None else check_count(batch, "batch", remedy="leave it out for all examples")
    problem = Supervised(model.init, model.apply, loss, examples)
    run = NetworkRun(problem, check_optimizer(optimizer), seed, size, check_count(lanes, "lanes"))
    _try_out(run)
    return run


def _checked(data: Any) -> Examples:
    lengths = [len(part) for part in data] if isinstance(data, (tuple, list)) and all(map(np.ndim, data)) else []
    if len(lengths) != 2 or lengths[0] != lengths[1] or not lengths[0]:
        got = f"lengths {lengths}" if lengths else f"a {type(data).__name__}"
        raise ValueError(f"`data` must be inputs and targets with as many examples, got {got}; give (inputs, targets).")
    return Examples(data)


def _try_out(run: NetworkRun) -> None:
    """ValueError for what does not go together, tried on shapes."""

    def losses(run: NetworkRun) -> tuple[Array, Array]:
        parameters, _, data, _ = carry = run.begin()
        return run.problem.loss(parameters, data), run.step(carry, jnp.zeros((), jnp.int32))[1]

    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), jnp.result_type(float)), run)
    try:
        loss, _ = jax.eval_shape(losses, one)
    except ValueError as error:
        if str(error).startswith("`"):  # a sentence of ours
            raise
        raise _misfit(error) from error
    except TypeError as error:
        if "scalar-output" not in str(error):
            raise _misfit(error) from error
        raise ValueError("`loss` must give one number, got several; take their mean.") from error
    if loss.shape:
        raise ValueError(f"`loss` must give one number, got the shape {loss.shape}; take the mean.")


def _misfit(error: Exception) -> ValueError:
    told = " ".join(str(error).split())[:200]
    return ValueError(
        f"`model` does not fit `data` or `loss` ({type(error).__name__}: {told}); give shapes that go together."
    )


def from_flax(make: Callable[[Any], Any]) -> Model:
    """A module of Flax (nnx) as a model: `from_flax(lambda rngs: nnx.Linear(3, 1, rngs=rngs))`.

    Its parameters are a dictionary with the names of its attributes. Raises ValueError for a module whose state is more than
    parameters, such as running means and keys, which change from step to step.
    """
    from flax import nnx

    def split(rngs: Any) -> tuple[Any, Any, Any]:
        module = make(rngs)
        if not isinstance(module, nnx.Module):
            raise ValueError(
                f"`make` must make a module of flax.nnx, got a {type(module).__name__}; return the module."
            )
        graph, parameters, *others = nnx.split(module, nnx.Param, ...)
        return graph, parameters, others

    graph, shapes, others = nnx.eval_shape(lambda: split(nnx.Rngs(0)))
    if leaves := jax.tree.leaves(others):
        raise ValueError(
            f"`make` must make a module of parameters alone, got {len(leaves)} other arrays; leave out such layers."
        )

    def init(key: Key[Array, ""]) -> PyTree:
        return nnx.to_pure_dict(split(nnx.Rngs(key))[1])

    def apply(parameters: PyTree, inputs: Array) -> Array:
        state = jax.tree.map(lambda leaf: leaf, shapes)
        nnx.replace_by_pure_dict(state, parameters)
        return nnx.merge(graph, state, *others)(inputs)

    return Model(init, apply)
