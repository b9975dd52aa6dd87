"""Training autoencoders and restorers, measured on the test images after every epoch, and no epoch lost."""

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key

from aecluster.arguments import entries_of, flag, maybe, short, some, some_seeds
from aecluster.checkpoints import BEST, Checkpoints, Identity, Record
from aecluster.data import ImageData, Split
from aecluster.ensemble import Ensemble
from aecluster.fingerprints import fingerprint
from aecluster.images import HostImages, Images, ImageShape, Scalar
from aecluster.metrics import mean_absolute_error
from aecluster.models import AbstractArchitecture, Params, Variational, check_architecture, fresh, structure
from aecluster.places import place
from aecluster.recipes import Recipe
from aecluster.training.callbacks import Callback, check_callbacks, present
from aecluster.training.diary import Diary
from aecluster.training.exam import Exam
from aecluster.training.loop import Keys, Loop, Outlook, Rival, RivalState, Seen, State, Task, fit


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
    callbacks: Sequence[Callback] = (),
) -> Ensemble:
    """Train one architecture from several seeds at once, and measure it on the test images after every epoch.

    A seed decides the first parameters and the order of the images, nothing else does; the numbers depend on the device
    and on JAX's version in their last digits, which training enlarges.

    **Arguments**

    - `architecture`: the network.
    - `data`: images to train and to test on. Labels are not used.
    - `recipe`: how to train; the cured recipe by default.
    - `seeds`: one network is trained from each.
    - `start`: begin with these networks instead of fresh ones; the optimizer starts anew.
    - `devices`: share every batch among these devices (one by default). The result is that of one device up to the order
      in which numbers are added.
    - `checkpoints`: a folder to save to on the way, so often that it takes a twentieth of the time, and at the end.
    - `resume`: go on from the newest checkpoint in that folder, if there is one, exactly as if nothing had happened; on
      more or fewer devices too.
    - `callbacks`: functions that are given an `ae.Progress` after every epoch; one that returns True ends the training there,
      and `resume` goes on from there. Those that are context managers are entered before the first epoch, and left in the end,
      whatever happens.

    Returns the trained networks with their history; of a recipe with `stopping` each as it was when the error on the held-out
    images was least. Raises ValueError for a batch larger than the data or not to be shared
    evenly among the devices, for a folder that holds checkpoints without `resume`, or those of another training (naming
    what differs: the architecture, images, seeds, or what of the recipe), and where the loss is no longer finite.

    Examples:
        >>> data = ae.load()
        >>> ensemble = ae.train(ae.Dense(2, widths=(32,)), data, ae.Recipe(epochs=2, batch_size=500), seeds=(0, 1))
        >>> ensemble.history.test_error.shape
        (2, 2)
        >>> ensemble.encode(data.test.images).shape
        (2, 297, 2)
    """
    recipe, seeds = maybe(some(Recipe, "ae.Recipe()"))("recipe", recipe) or Recipe(), some_seeds("seeds", seeds)
    some(ImageData, "ae.load('digits')")("data", data)
    maybe(some(Ensemble, "ae.train(architecture, data)"))("start", start)
    callbacks = check_callbacks(callbacks)
    devices = _devices(devices)
    check_training(architecture, data, recipe, 1 if devices is None else len(devices))
    folder = None if checkpoints is None else place("checkpoints", checkpoints)
    images, held_out = held_out_of(data, recipe)
    loop = Loop(network_task(architecture, data.image_shape, recipe), images, devices)
    state = loop.fresh(seeds) if start is None else _begin(loop, start, architecture, data.image_shape, seeds)
    exam = Exam(architecture, recipe, data.test.images, loop.everywhere)
    rehearsal = None if held_out is None else Exam(architecture, recipe, held_out, loop.everywhere)
    diary = Diary(architecture, data.image_shape, seeds, recipe, exam, rehearsal, callbacks)
    if folder is not None:
        record = Record.of(architecture, data.image_shape, seeds, recipe.name, _identity(loop, data, recipe))
        diary.saver = Checkpoints(folder, record)
        state = _resumed(loop, state, diary, diary.saver, flag("resume", resume))
        if not diary.complete():
            diary.saver.begin()
    if not diary.complete():
        with present(callbacks):
            state = fit(loop, seeds, state=state, first=diary.history.num_epochs, watch=diary)
    return diary.ensemble(state)


def held_out_of(
    data: ImageData, recipe: Recipe
) -> tuple[HostImages, Float[np.ndarray, "held_out height width channel"] | None]:
    """The images to train on, and those that the recipe holds out of them."""
    return (data.train.images, None) if recipe.stopping is None else recipe.stopping.split(data.train.images)


def epoch_program(
    architecture: AbstractArchitecture, recipe: Recipe, image_shape: ImageShape, num_images: int, num_seeds: int = 1
) -> tuple[Callable[..., tuple[State, Seen]], tuple]:
    """The jitted program that `train` runs on an accelerator for an epoch, and the shapes of its arguments.

    For a look at what a compiler makes of it: `function, shapes = epoch_program(...)`, then `function.lower(*shapes)`. Raises
    ValueError as `train` does.
    """
    nothing = np.zeros((num_images, *image_shape), np.float32)
    check_training(architecture, ImageData("none", Split(nothing), Split(nothing)), recipe)
    return Loop(network_task(architecture, image_shape, recipe), nothing).program(num_seeds)


def network_task(architecture: AbstractArchitecture, image_shape: ImageShape, recipe: Recipe) -> Task:
    """To give back images, degraded or corrupted on the way, by a recipe's loss."""
    graphdef = structure(architecture, image_shape, jnp.dtype(recipe.precision))
    adversary = recipe.adversary

    def loss(
        params: Params, rival: RivalState, batch: Images, key: Key[Array, ""], epoch: Scalar
    ) -> tuple[Scalar, Outlook]:
        given = batch
        if recipe.degradation is not None:
            given = recipe.degradation(jax.random.fold_in(key, 1), given)
        if recipe.corruption is not None:
            given = recipe.corruption(key, given)
        network = nnx.merge(graphdef, params)
        if isinstance(architecture, Variational):
            posterior = network.encoder.posterior(given)
            logits = network.decoder(posterior.sample(jax.random.fold_in(key, 2)))
        else:
            logits = network(given)
        prediction = jax.nn.sigmoid(logits)
        total = recipe.loss(logits, batch, given, epoch)
        if isinstance(architecture, Variational):
            total = math.prod(image_shape) * total + architecture.beta * posterior.divergence().mean()
        if adversary is not None:
            total += adversary.loss(rival, prediction, epoch)
        return total, Outlook(mean_absolute_error(prediction, batch), prediction)

    def fresh_network(seed: int) -> Params:
        return fresh(architecture, image_shape, jax.random.fold_in(jax.random.key(seed), 0))

    def fresh_rival(seed: int) -> RivalState:
        assert adversary is not None
        return adversary.fresh(jax.random.fold_in(jax.random.key(seed), 2), image_shape)

    rival = None if adversary is None else Rival(fresh_rival, adversary.step)
    return Task(fresh_network, loss, _keys, recipe.transformation, recipe.epochs, recipe.batch_size, rival)


def _keys(seed: int, epoch_index: int, num_steps: int) -> Keys:
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 1), epoch_index)
    return Keys(
        jax.random.fold_in(key, num_steps), jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(num_steps))
    )


def _begin(
    loop: Loop, start: Ensemble, architecture: AbstractArchitecture, image_shape: ImageShape, seeds: Sequence[int]
) -> State:
    """The given parameters, the rest fresh. Raises ValueError if they belong to another network."""
    if (start.architecture, start.image_shape, len(start)) != (architecture, image_shape, len(seeds)):
        raise ValueError(
            f"`start` holds {len(start)} of {start.architecture} for images {start.image_shape}; "
            f"{len(seeds)} of {architecture} for images {image_shape} are to be trained."
        )
    return loop.begin(jax.tree.map(jnp.copy, start.params), seeds)  # a copy, since steps donate their input


def _resumed(loop: Loop, state: State, diary: Diary, saver: Checkpoints, resume: bool) -> State:
    """The state of the newest checkpoint, if there is one, and the diary as it was; else what was given."""
    found = saver.newest(diary.trees(state))
    if found is None:
        return state
    if not resume:
        raise ValueError(f"`checkpoints` {str(saver.path)!r} holds some already; pass resume=True or another folder.")
    trees, history = found
    best = trees.pop(BEST, None)
    diary.best, diary.history = None if best is None else jax.device_put(best, loop.everywhere), history
    return loop.place(State(**trees))


def _identity(loop: Loop, data: ImageData, recipe: Recipe) -> Identity:
    digest = hashlib.sha256(data.train.images.tobytes() + data.test.images.tobytes()).hexdigest()
    images = {"name": data.name, "train": len(data.train.images), "test": len(data.test.images), "sha256": digest}
    num_steps = loop.num_steps * recipe.epochs
    programs = recipe.fingerprints(data.image_shape, num_steps) | {"step": fingerprint(loop.step, *loop.abstract())}
    return Identity(recipe.describe(), images, programs)


def _devices(devices: Sequence[jax.Device] | None) -> list[jax.Device] | None:
    if devices is None:
        return None
    found = list(entries_of("devices", devices, "a list of devices of JAX's"))
    if not found or not all(isinstance(device, jax.Device) for device in found):
        raise ValueError(
            f"`devices` must be a list of devices of JAX's, got {short(devices)}; write jax.local_devices()."
        )
    return found


def check_training(architecture: AbstractArchitecture, data: ImageData, recipe: Recipe, num_devices: int = 1) -> None:
    """Refuse, before anything is compiled, what `train` cannot train. Raises ValueError as it does."""
    check_architecture(architecture, data.image_shape)
    held_out = 0 if recipe.stopping is None else recipe.stopping.num_held_out(len(data.train.images))
    if recipe.batch_size > len(data.train.images) - held_out:
        besides = f" besides the {held_out} held out" if held_out else ""
        raise ValueError(
            f"`batch_size` is {recipe.batch_size}, but there are only {len(data.train.images) - held_out} images to train on"
            f"{besides}; lower it."
        )
    if recipe.batch_size % num_devices:
        raise ValueError(
            f"`batch_size` {recipe.batch_size} cannot be shared evenly by {num_devices} devices; choose a multiple."
        )
