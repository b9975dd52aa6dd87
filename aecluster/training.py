"""Training: a jitted optax step, an epoch in one scan, all seeds at once, several devices, and no epoch lost."""

import functools
import hashlib
import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, Key

from aecluster.checkpoints import Checkpoints, State, identity_of
from aecluster.corruptions import corrupted
from aecluster.data import ImageData
from aecluster.ensemble import Ensemble, History, chunks
from aecluster.metrics import INK, dead_pixels, mean_absolute_error
from aecluster.models import AbstractArchitecture, Images, Params, initialize, structure
from aecluster.recipes import Recipe

Order: TypeAlias = Int[Array, "step image"]


class Progress(NamedTuple):
    """How far a training is: epochs done in all and in this call, and the newest errors, mean over seeds."""

    epoch: int
    epochs: int
    train_error: float
    test_error: float


class Measured(NamedTuple):
    """What a step saw before it moved: the loss and the mean absolute error of its batch."""

    loss: Float[Array, "*step"]
    error: Float[Array, "*step"]


def train(
    architecture: AbstractArchitecture,
    data: ImageData,
    recipe: Recipe | None = None,
    *,
    seeds: Sequence[int] = (0,),
    start: Ensemble | None = None,
    devices: Sequence[jax.Device] | None = None,
    checkpoints: str | Path | None = None,
    resume: bool = False,
    on_epoch: Callable[[Progress], None] | None = None,
) -> Ensemble:
    """Train one architecture from several seeds at once, and measure it on the test images after every epoch.

    A seed decides the first parameters and the order of the images, nothing else does; the numbers depend on the device
    and on JAX's version in their last digits, which training enlarges.

    Args:
        architecture: the network.
        data: images to train and to test on. Labels are not used.
        recipe: how to train; the cured recipe by default.
        seeds: one network is trained from each.
        start: begin with these networks instead of fresh ones; the optimizer starts anew.
        devices: share every batch among these devices (one by default). The result is that of one device up to the order
            in which numbers are added.
        checkpoints: a folder to save to on the way, so often that it takes a twentieth of the time, and at the end.
        resume: go on from the newest checkpoint in that folder, if there is one, exactly as if nothing had happened.
        on_epoch: called after every epoch.

    Returns:
        The trained networks with their history.

    Raises:
        ValueError: for a batch larger than the data or not to be shared evenly among the devices, for a folder that holds
            checkpoints without `resume`, or those of another training, and where the loss is no longer finite.
    """
    recipe = recipe or Recipe()
    devices = list(devices) if devices is not None else jax.local_devices()[:1]
    _check(recipe, data, seeds, devices)
    program = Program(architecture, data, recipe, devices)
    state = program.fresh(seeds) if start is None else program.begin(start, seeds)
    history, done, saver = History.empty(len(seeds)), 0, None
    if checkpoints is not None:
        saver = Checkpoints(Path(checkpoints), _identity(architecture, data, recipe, seeds))
        found = saver.newest(jax.tree.map(_abstract, state))
        if found is not None and not resume:
            raise ValueError(
                f"`checkpoints` {str(checkpoints)!r} holds some already; pass resume=True or another folder."
            )
        if found is not None:
            done, saved, history = found
            state = jax.device_put(saved, program.everywhere)
    for epoch in range(done, recipe.epochs):
        state, measured = program.epoch(state, seeds, epoch)
        tested = program.test(state.params)
        _check_finite(np.column_stack([measured.loss, tested["test_error"]]), epoch, seeds, saver)
        history = history.after(loss=np.mean(measured.loss, 1), train_error=np.mean(measured.error, 1), **tested)
        if saver is not None and (saver.due() or epoch + 1 == recipe.epochs):
            saver.save(epoch + 1, state, history)
        if on_epoch is not None:
            errors = (float(error[:, -1].mean()) for error in (history.train_error, history.test_error))
            on_epoch(Progress(epoch + 1, recipe.epochs, *errors))
    return Ensemble(architecture, data.image_shape, tuple(seeds), state.params, history)


class Program:
    """The compiled parts of one training, with the images on the device."""

    def __init__(
        self, architecture: AbstractArchitecture, data: ImageData, recipe: Recipe, devices: Sequence[jax.Device]
    ):
        self.architecture, self.recipe, self.image_shape = architecture, recipe, data.image_shape
        mesh = jax.sharding.Mesh(np.array(devices), ("batch",))
        self.everywhere = jax.sharding.NamedSharding(mesh, jax.P())
        self.shared_out = jax.sharding.NamedSharding(mesh, jax.P("batch")) if len(devices) > 1 else None
        self.images = jax.device_put(data.train.images, self.everywhere)
        given = corrupted(recipe.degradation, data.test.images)
        pairs = zip(chunks(given), chunks(data.test.images), strict=True)
        self.test_images = [jax.device_put(pair, self.everywhere) for pair in pairs]
        self.inked = (data.test.images > INK).mean(0)
        self.steps = len(data.train.images) // recipe.batch_size
        self.transformation = optax.with_extra_args_support(recipe.transformation(self.steps * recipe.epochs))
        self.graphdef = structure(architecture, data.image_shape, jnp.dtype(recipe.precision))
        # a CPU convolves many times slower inside a scan, and slower again where seeds are batched
        self.step_by_step = devices[0].platform == "cpu" and self._convolves()
        self.step_of_one = jax.jit(self._step, donate_argnums=0)
        self.epoch_of_all = jax.jit(jax.vmap(self._epoch, in_axes=(0, 0, None, None)), donate_argnums=0)
        self.test_of_one = jax.jit(self._test)

    def fresh(self, seeds: Sequence[int]) -> State:
        """Parameters from the seeds, an optimizer and an adversary that have seen nothing."""
        keys = jnp.stack([jax.random.fold_in(jax.random.key(seed), 0) for seed in seeds])
        return self._with_others(initialize(self.architecture, self.image_shape, keys), seeds)

    def begin(self, start: Ensemble, seeds: Sequence[int]) -> State:
        """The given parameters, the rest fresh; ValueError if they belong to another network."""
        if (start.architecture, start.image_shape, len(start)) != (self.architecture, self.image_shape, len(seeds)):
            raise ValueError(
                f"`start` holds {len(start)} of {start.architecture} for images {start.image_shape}; "
                f"{len(seeds)} of {self.architecture} for images {self.image_shape} are to be trained."
            )
        return self._with_others(jax.tree.map(jnp.copy, start.params), seeds)  # a copy, since steps donate their input

    def _with_others(self, params: Params, seeds: Sequence[int]) -> State:
        rival = self.recipe.adversary
        keys = jnp.stack([jax.random.fold_in(jax.random.key(seed), 2) for seed in seeds])
        adversary = None if rival is None else jax.vmap(lambda key: rival.fresh(key, self.image_shape))(keys)
        return jax.device_put(State(params, jax.vmap(self.transformation.init)(params), adversary), self.everywhere)

    def _convolves(self) -> bool:
        one = jax.eval_shape(lambda: _take(self.fresh((0,)), 0))
        batch = jax.ShapeDtypeStruct((self.recipe.batch_size, *self.image_shape), jnp.float32)
        traced = jax.make_jaxpr(self._step)(one, batch, jax.eval_shape(lambda: jax.random.key(0)), jnp.float32(0))
        return "conv_general_dilated" in str(traced)

    def epoch(self, state: State, seeds: Sequence[int], number: int) -> tuple[State, Measured]:
        """One pass over the training images from every seed; losses and errors have shape (seed, step)."""
        keys = jnp.stack([jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 1), number) for seed in seeds])
        if self.step_by_step:
            ended = self._beside_each_other(state, keys, number)
            state, measured = jax.tree.map(lambda *leaves: jnp.stack(leaves), *ended)
        else:
            state, measured = self.epoch_of_all(state, keys, number, self.images)
        return state, jax.tree.map(np.asarray, measured)

    def test(self, params: Params) -> dict[str, np.ndarray]:
        """Mean absolute error and dead pixels on the test images, one a seed."""
        errors, dead = [], []
        for index in range(len(jax.tree.leaves(params)[0])):
            results = [self.test_of_one(_take(params, index), *pair) for pair in self.test_images]
            sizes = [len(target) for _, target in self.test_images]
            errors.append(np.average([float(error) for error, _ in results], weights=sizes))
            brightest = functools.reduce(jnp.maximum, [brightest for _, brightest in results])
            dead.append(int(dead_pixels(brightest, jnp.asarray(self.inked)).sum()))
        return {"test_error": np.array(errors), "dead_pixels": np.array(dead)}

    def _order(self, key: Key[Array, ""]) -> Order:
        order = jax.random.permutation(jax.random.fold_in(key, self.steps), len(self.images))[
            : self.steps * self.recipe.batch_size
        ]
        return order.reshape(self.steps, self.recipe.batch_size)

    def _epoch(
        self, state: State, key: Key[Array, ""], number: Int[Array, ""], images: Images
    ) -> tuple[State, Measured]:
        def step(state: State, chosen: tuple) -> tuple[State, Measured]:
            index, rows = chosen
            return self._step(state, images[rows], jax.random.fold_in(key, index), number + index / self.steps)

        return jax.lax.scan(step, state, (jnp.arange(self.steps), self._order(key)))

    def _beside_each_other(self, state: State, keys: Key[Array, " seed"], number: int) -> list[tuple[State, Measured]]:
        """An epoch of every seed in a thread of its own, since XLA's convolutions fill hardly more than one core.

        Not where several devices share a batch: they wait for one another, and would for ever.
        """
        threads = min(len(keys), os.cpu_count() or 1) if self.shared_out is None else 1
        states = [_take(state, index) for index in range(len(keys))]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self._epoch_step_by_step, states, keys, itertools.repeat(number)))

    def _epoch_step_by_step(self, state: State, key: Key[Array, ""], number: int) -> tuple[State, Measured]:
        measured = []
        for index, rows in enumerate(self._order(key)):
            epoch = jnp.float32(number + index / self.steps)
            state, seen = self.step_of_one(state, self.images[rows], jax.random.fold_in(key, index), epoch)
            measured.append(seen)
        return state, jax.tree.map(lambda *leaves: jnp.stack(leaves), *measured)

    def _step(
        self, state: State, batch: Images, key: Key[Array, ""], epoch: Float[Array, ""]
    ) -> tuple[State, Measured]:
        """One network, one batch, one step."""
        if self.shared_out is not None:
            batch = jax.lax.with_sharding_constraint(batch, self.shared_out)
        recipe, given = self.recipe, batch
        if recipe.degradation is not None:
            given = recipe.degradation(jax.random.fold_in(key, 1), given)
        if recipe.corruption is not None:
            given = recipe.corruption(key, given)

        def objective(params: Params) -> tuple[Float[Array, ""], Images]:
            logits = nnx.merge(self.graphdef, params)(given)
            prediction = jax.nn.sigmoid(logits)
            loss = recipe.loss(logits, batch, given, epoch)
            if recipe.adversary is not None and state.adversary is not None:
                loss += recipe.adversary.loss(state.adversary, prediction, epoch)
            return loss, prediction

        (loss, prediction), gradient = jax.value_and_grad(objective, has_aux=True)(state.params)
        updates, optimizer = self.transformation.update(
            gradient,
            state.optimizer,
            state.params,
            value=loss,
            grad=gradient,
            value_fn=lambda params: objective(params)[0],
        )
        adversary = state.adversary
        if recipe.adversary is not None and adversary is not None:
            adversary = recipe.adversary.step(adversary, batch, prediction)
        measured = Measured(loss, mean_absolute_error(prediction, batch))
        return State(optax.apply_updates(state.params, updates), optimizer, adversary), measured

    def _test(
        self, params: Params, given: Images, target: Images
    ) -> tuple[Float[Array, ""], Float[Array, "height width channel"]]:
        prediction = jax.nn.sigmoid(nnx.merge(self.graphdef, params)(given))
        return mean_absolute_error(prediction, target), prediction.max(0)


def _take(tree: Any, index: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], tree)


def _abstract(leaf: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)


def _identity(
    architecture: AbstractArchitecture, data: ImageData, recipe: Recipe, seeds: Sequence[int]
) -> dict[str, Any]:
    digest = hashlib.sha256(data.train.images.tobytes() + data.test.images.tobytes()).hexdigest()
    images = {"name": data.name, "train": len(data.train.images), "test": len(data.test.images), "sha256": digest}
    return identity_of(architecture, data.image_shape, list(seeds), recipe=recipe.describe(), images=images)


def _check(recipe: Recipe, data: ImageData, seeds: Sequence[int], devices: Sequence[jax.Device]) -> None:
    if not seeds:
        raise ValueError("`seeds` must name at least one seed.")
    if recipe.batch_size > len(data.train.images):
        raise ValueError(
            f"`batch_size` is {recipe.batch_size}, but there are only {len(data.train.images)} images to train on; lower it."
        )
    if recipe.batch_size % len(devices):
        raise ValueError(
            f"`batch_size` {recipe.batch_size} cannot be shared evenly by {len(devices)} devices; choose a multiple."
        )


def _check_finite(
    losses: Float[np.ndarray, "seed seen"], epoch: int, seeds: Sequence[int], saver: Checkpoints | None
) -> None:
    """ValueError naming the first step at which a loss was not finite; the last of an epoch's losses is the test's."""
    finite = np.isfinite(losses)
    if finite.all():
        return
    step = int(np.argmin(finite.all(0)))
    seed = seeds[int(np.argmin(finite[:, step]))]
    steps = finite.shape[1] - 1
    kept = f" The last good checkpoint is in {str(saver.path)!r}." if saver is not None and saver.saved() else ""
    raise ValueError(
        f"The loss of seed {seed} became {losses[:, step][~finite[:, step]][0]} at step {epoch * steps + step} "
        f"(epoch {epoch + 1}); lower `learning_rate`.{kept}"
    )
