"""The one training loop: a jitted optax step, an epoch in one scan, all seeds at once, several devices."""

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from aecluster.images import Scalar
from aecluster.models import Params, take
from aecluster.training.compiler import compiler_options

Batch: TypeAlias = Any  # examples, or a tree of arrays with one row an example
Prediction: TypeAlias = Any  # whatever a rival learns from
RivalState: TypeAlias = Any  # of a critic that is trained along; None where there is none


class State(NamedTuple):
    """What a training step changes. In an ensemble every array has a leading seed axis."""

    params: Params
    optimizer: optax.OptState
    rival: RivalState = None


class Seen(NamedTuple):
    """What a step saw before it moved: the loss of its batch, and an error that does not depend on the loss."""

    loss: Float[Array, "*step"]
    error: Float[Array, "*step"]


class Outlook(NamedTuple):
    """What a loss function computes besides the loss."""

    error: Scalar
    prediction: Prediction = None


class Keys(NamedTuple):
    """The randomness of an epoch: one key for the order of the examples, one for each step."""

    order: Key[Array, "*seed"]
    steps: Key[Array, "*seed step"]


class Rival(NamedTuple):
    """A critic that is trained along: its fresh state by seed, and its step after the network's."""

    fresh: Callable[[int], RivalState]
    step: Callable[[RivalState, Batch, Prediction], RivalState]


LossFunction: TypeAlias = Callable[[Params, RivalState, Batch, Key[Array, ""], Scalar], tuple[Scalar, Outlook]]


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """What differs from training to training; its functions are pure.

    **Attributes**

    - `fresh`: the first parameters by seed.
    - `loss`: of (parameters, the rival's state, batch, key, epochs passed, with fractions).
    - `keys`: the randomness of an epoch, by (seed, epoch, steps an epoch).
    - `transformation`: the optax transformation for so many steps in all.
    - `epochs`, `batch_size`: passes over the examples, and examples a step. What is left of an epoch after its last full
      batch is left out; it is other examples every time.
    - `rival`: a critic that is trained along, if any.
    """

    fresh: Callable[[int], Params]
    loss: LossFunction
    keys: Callable[[int, int, int], Keys]
    transformation: Callable[[int], optax.GradientTransformation]
    epochs: int
    batch_size: int
    rival: Rival | None = None


class Loop:
    """The compiled parts of one training, with the examples on the devices.

    A batch is shared among the devices; the result is that of one device up to the order in which numbers are added.
    """

    def __init__(self, task: Task, examples: Batch, devices: Sequence[jax.Device] | None = None):
        devices = list(devices) if devices is not None else jax.local_devices()[:1]
        mesh = jax.sharding.Mesh(np.array(devices), ("batch",))
        self.task = task
        self.everywhere = jax.sharding.NamedSharding(mesh, jax.P())
        self.shared_out = jax.sharding.NamedSharding(mesh, jax.P("batch")) if len(devices) > 1 else None
        self.examples = jax.device_put(examples, self.everywhere)
        self.num_examples = len(jax.tree.leaves(examples)[0])
        self.num_steps = self.num_examples // task.batch_size
        transformation = task.transformation(self.num_steps * task.epochs)
        self.transformation = optax.with_extra_args_support(transformation)
        self.convolves = _convolves(jax.make_jaxpr(self.step)(*self.abstract()))
        # a CPU convolves many times slower inside a scan
        self.step_by_step = self.convolves and devices[0].platform == "cpu"
        options = compiler_options()
        self._optimizers = jax.jit(jax.vmap(self.transformation.init))
        self._step_of_one = jax.jit(self._shared_step, donate_argnums=0, compiler_options=options)
        self._epoch_of_all = jax.jit(self._epochs, donate_argnums=0, compiler_options=options)

    def fresh(self, seeds: Sequence[int]) -> State:
        """Parameters from the seeds, an optimizer and a rival that have seen nothing."""
        return self.begin(jax.jit(_stacked)([self.task.fresh(seed) for seed in seeds]), seeds)

    def begin(self, params: Params, seeds: Sequence[int]) -> State:
        """The given parameters, one set a seed, and all else fresh."""
        rival = None if self.task.rival is None else _stacked(map(self.task.rival.fresh, seeds))
        return self.place(State(params, self._optimizers(params), rival))

    def place(self, state: State) -> State:
        """A state, from disk perhaps, on the devices."""
        return jax.device_put(state, self.everywhere)

    def epoch(self, state: State, seeds: Sequence[int], epoch_index: int) -> tuple[State, Seen]:
        """One pass over the examples from every seed; what was seen has the shape (seed, step). Donates the state."""
        keys = [self.task.keys(seed, epoch_index, self.num_steps) for seed in seeds]
        if self.step_by_step:
            state, seen = _stacked(self._beside_each_other(state, keys, epoch_index))
        else:
            state, seen = self._epoch_of_all(state, _stacked(keys), epoch_index, self.examples)
        return state, jax.tree.map(np.asarray, seen)

    def step(self, state: State, batch: Batch, key: Key[Array, ""], epoch: Scalar) -> tuple[State, Seen]:
        """One network, one batch, one step; the same on any number of devices."""

        def objective(params: Params) -> tuple[Scalar, Outlook]:
            return self.task.loss(params, state.rival, batch, key, epoch)

        (loss, outlook), gradient = jax.value_and_grad(objective, has_aux=True)(state.params)
        updates, optimizer = self.transformation.update(
            gradient,
            state.optimizer,
            state.params,
            value=loss,
            grad=gradient,
            value_fn=lambda params: objective(params)[0],
        )
        rival = state.rival if self.task.rival is None else self.task.rival.step(state.rival, batch, outlook.prediction)
        return State(optax.apply_updates(state.params, updates), optimizer, rival), Seen(loss, outlook.error)

    def abstract(self) -> tuple[State, Batch, Any, Any]:
        """The shapes of what a step is given."""

        def given() -> tuple:
            params = self.task.fresh(0)
            rival = None if self.task.rival is None else self.task.rival.fresh(0)
            rows = jax.tree.map(
                lambda leaf: jnp.zeros((self.task.batch_size, *leaf.shape[1:]), leaf.dtype), self.examples
            )
            return State(params, self.transformation.init(params), rival), rows, jax.random.key(0), jnp.float32(0)

        return jax.eval_shape(given)

    def program(self, num_seeds: int) -> tuple[Callable[..., tuple[State, Seen]], tuple]:
        """What an epoch from so many seeds runs where steps are no calls of their own, and the shapes that it is given."""

        def given() -> tuple:
            seeds = range(num_seeds)
            keys = _stacked(self.task.keys(seed, 0, self.num_steps) for seed in seeds)
            return self.fresh(seeds), keys, jnp.int32(0), self.examples

        return self._epoch_of_all, jax.eval_shape(given)

    def _shared_step(self, state: State, batch: Batch, key: Key[Array, ""], epoch: Scalar) -> tuple[State, Seen]:
        if self.shared_out is not None:
            batch = jax.lax.with_sharding_constraint(batch, self.shared_out)
        return self.step(state, batch, key, epoch)

    def _order(self, key: Key[Array, ""]) -> Int[Array, "step example"]:
        order = jax.random.permutation(key, self.num_examples)[: self.num_steps * self.task.batch_size]
        return order.reshape(self.num_steps, self.task.batch_size)

    def _epoch(self, state: State, keys: Keys, epoch_index: Int[Array, ""], examples: Batch) -> tuple[State, Seen]:
        def step(state: State, chosen: tuple) -> tuple[State, Seen]:
            index, rows, key = chosen
            batch = jax.tree.map(lambda leaf: leaf[rows], examples)
            epoch = jnp.float32(epoch_index) + jnp.float32(index) / self.num_steps
            return self._shared_step(state, batch, key, epoch)

        return jax.lax.scan(step, state, (jnp.arange(self.num_steps), self._order(keys.order), keys.steps))

    def _epochs(self, state: State, keys: Keys, epoch_index: Int[Array, ""], examples: Batch) -> tuple[State, Seen]:
        """An epoch from every seed: networks that convolve one after another, others side by side.

        Batched over seeds a convolution becomes one in groups, whose gradients GPUs have no good kernels for.
        """

        def of_one(member: tuple[State, Keys]) -> tuple[State, Seen]:
            return self._epoch(*member, epoch_index, examples)

        members = (state, keys)
        return jax.lax.map(of_one, members) if self.convolves else jax.vmap(of_one)(members)

    def _beside_each_other(self, state: State, keys: list[Keys], epoch_index: int) -> list[tuple[State, Seen]]:
        """An epoch of every seed in a thread of its own, since XLA's convolutions fill hardly more than one core.

        Not where several devices share a batch: they wait for one another, and would for ever.
        """
        threads = min(len(keys), os.cpu_count() or 1) if self.shared_out is None else 1
        states = [take(state, index) for index in range(len(keys))]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self._epoch_step_by_step, states, keys, itertools.repeat(epoch_index)))

    def _epoch_step_by_step(self, state: State, keys: Keys, epoch_index: int) -> tuple[State, Seen]:
        seen = []
        for index, rows in enumerate(self._order(keys.order)):
            epoch = jnp.float32(epoch_index + index / self.num_steps)
            batch = jax.tree.map(lambda leaf, rows=rows: leaf[rows], self.examples)
            state, now = self._step_of_one(state, batch, keys.steps[index], epoch)
            seen.append(now)
        return state, _stacked(seen)


# of epochs done, the state then, what the last epoch's steps saw; whether to stop
Watch: TypeAlias = Callable[[int, State, Seen], bool]


def fit(
    loop: Loop, seeds: Sequence[int], *, state: State | None = None, first: int = 0, watch: Watch | None = None
) -> State:
    """Train from every seed, from the epoch `first` on, to the task's last, and let `watch` see every epoch's end, and stop.

    Raises ValueError where a loss is no longer finite, unless `watch` takes that on itself.
    """
    state = loop.fresh(seeds) if state is None else state
    for epoch_index in range(first, loop.task.epochs):
        state, seen = loop.epoch(state, seeds, epoch_index)
        if watch is None:
            check_finite(np.asarray(seen.loss), epoch_index, seeds)
        elif watch(epoch_index + 1, state, seen):
            break
    return state


def check_finite(
    losses: Float[np.ndarray, "seed seen"],
    epoch_index: int,
    seeds: Sequence[int],
    *,
    num_tests: int = 0,
    kept: str = "",
) -> None:
    """Refuse losses that are not finite; the last `num_tests` columns were seen after the epoch's last step.

    Raises ValueError naming the first such step, the seed, the remedy, and what was `kept`.
    """
    finite = np.isfinite(losses)
    if finite.all():
        return
    index = int(np.argmin(finite.all(0)))
    seed = seeds[int(np.argmin(finite[:, index]))]
    step = epoch_index * (finite.shape[1] - num_tests) + index
    raise ValueError(
        f"The loss of seed {seed} became {losses[:, index][~finite[:, index]][0]} at step {step} "
        f"(epoch {epoch_index + 1}); lower `learning_rate`.{kept}"
    )


def _stacked(trees: Any) -> Any:
    """Trees of arrays as one with a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def _convolves(jaxpr: Any) -> bool:
    return any(equation.primitive.name == "conv_general_dilated" for equation in _equations(jaxpr.jaxpr))


def _equations(jaxpr: Any) -> Iterator[Any]:
    """All equations of a program, those inside of its loops, branches and calls too."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.extend.core.jaxprs_in_params(equation.params):
            yield from _equations(inner)
