"""How to train: everything that decides a training run but the network, the images and the seed."""

import dataclasses
import functools
import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from aecluster.adversary import Adversary
from aecluster.arguments import Rule, function, is_array, maybe, plain, real, settle, some, text, whole
from aecluster.corruptions import AbstractCorruption, Deformation
from aecluster.discriminator import Discriminator
from aecluster.fingerprints import fingerprint
from aecluster.images import ImageShape
from aecluster.losses import L1, AbstractLoss, CrossEntropy, WarmUp
from aecluster.muon import muon
from aecluster.names import hint
from aecluster.stopping import EarlyStopping

WARM_UP = WarmUp(epochs=4.0)
SMALL = 10_000  # images below which there are too few steps in the epochs of a recipe
SMALL_BATCH = 32

Schedule: TypeAlias = Callable[[Any], Any]  # step -> learning rate
OptimizerFactory: TypeAlias = Callable[..., optax.GradientTransformation]  # called with a learning rate or a schedule


def _factory(example: str) -> Rule:
    """A function; the numbers that a `functools.partial` keeps for it as Python has them."""

    def rule(name: str, value: Any) -> Any:
        factory = function(example)(name, value)
        if not isinstance(factory, functools.partial):
            return factory
        settings = {setting: plain(number) for setting, number in factory.keywords.items()}
        if all(settings[setting] is number for setting, number in factory.keywords.items()):
            return factory  # the same one: partials are equal to themselves alone
        return functools.partial(factory.func, *factory.args, **settings)

    return rule


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are the cured recipe.

    **Attributes**

    - `epochs`: passes over the training images.
    - `batch_size`: images a step. What is left of an epoch after its last full batch is left out; it is other images every
      time.
    - `optimizer`: any optax factory that takes a learning rate, or a `functools.partial` of one with its other arguments.
      Muon by default (Jordan et al. 2024, kellerjordan.github.io/posts/muon), which orthogonalises the update of every
      layer, convolutions taken as matrices: more work a step than Adam, and a lower error after as many epochs.
    - `learning_rate`: the highest rate.
    - `schedule`: from (learning_rate, steps in all) to an optax schedule; cosine decay to 0 by default.
    - `loss`: what is minimised.
    - `degradation`: what was done to every image before the network may see it, in training and in testing: the blur to
      undo. Nothing by default.
    - `corruption`: what is done besides in training alone. Nothing by default.
    - `adversary`: a critic that is trained along, and what it says of the predictions as a part of the loss.
    - `small_steps`: steps in all where there are too few images for `epochs` to mean much; see `for_images`.
    - `stopping`: images to hold out, and when to stop by the error on them. None by default: all epochs are done.
    - `precision`: what the network computes in, "float32" or "bfloat16"; parameters and losses are float32 in both.
    - `name`: what tables and checkpoints call it; it decides nothing.

    Raises ValueError for numbers that are not positive, for another precision, and for what is no function where one is asked for.

    Examples:
        >>> recipe = ae.Recipe(epochs=3, learning_rate=1e-3)
        >>> recipe.epochs, recipe.batch_size
        (3, 512)
    """

    epochs: int = 30
    batch_size: int = 512
    optimizer: OptimizerFactory = muon
    learning_rate: float = 2e-2
    schedule: Callable[[float, int], Schedule] = optax.cosine_decay_schedule
    loss: AbstractLoss = WARM_UP
    degradation: AbstractCorruption | None = None
    corruption: AbstractCorruption | None = None
    adversary: Adversary | None = None
    small_steps: int = 600
    stopping: EarlyStopping | None = None
    precision: str = "float32"
    name: str = dataclasses.field(default="own", compare=False)

    def __post_init__(self) -> None:
        settle(self, epochs=whole(1), batch_size=whole(1), small_steps=whole(1), learning_rate=real(above=0))
        settle(self, optimizer=_factory("optax.adam"), schedule=_factory("optax.cosine_decay_schedule"))
        settle(self, loss=function("ae.L1()"), adversary=maybe(some(Adversary, "ae.Adversary()")))
        settle(self, degradation=maybe(function("ae.Blur()")), corruption=maybe(function("ae.Deformation()")))
        settle(self, precision=text, name=text, stopping=maybe(some(EarlyStopping, "ae.EarlyStopping()")))
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"`precision` must be 'float32' or 'bfloat16', got {self.precision!r}; choose one.")

    def transformation(self, num_steps: int) -> optax.GradientTransformation:
        """The optax transformation for a training of so many steps. Raises ValueError where the factories make none."""
        try:
            made = self.optimizer(self.schedule(self.learning_rate, num_steps))
        except TypeError as error:
            raise ValueError(
                f"`optimizer` could not be made with a learning rate alone ({error}); give its other arguments by "
                "`functools.partial`."
            ) from error
        return some(optax.GradientTransformation, "optax.adam")("optimizer", made)

    def for_images(self, num_images: int) -> "Recipe":
        """The recipe for so many images: few of them are taken in small batches, as often as makes `small_steps`."""
        num_images = whole(1)("num_images", num_images)
        if num_images >= SMALL:
            return self
        batch_size = min(SMALL_BATCH, num_images)
        epochs = -(-self.small_steps // (num_images // batch_size))
        return dataclasses.replace(self, batch_size=batch_size, epochs=epochs)

    def describe(self) -> dict[str, Any]:
        """The recipe in words and numbers that JSON can hold: two recipes that train alike read alike."""
        return {field.name: _describe(getattr(self, field.name)) for field in dataclasses.fields(self) if field.compare}

    def fingerprints(self, image_shape: ImageShape, num_steps: int) -> dict[str, str]:
        """What its functions compute in a training of so many steps, by their fields: names may be shared, programs not."""
        images = jax.ShapeDtypeStruct((self.batch_size, *image_shape), jnp.float32)
        epoch, key = jax.ShapeDtypeStruct((), jnp.float32), jax.eval_shape(lambda: jax.random.key(0))
        schedule = self.schedule(self.learning_rate, num_steps)
        found = {
            "loss": fingerprint(jax.value_and_grad(self.loss), images, images, images, epoch),
            "schedule": fingerprint(lambda step: jnp.asarray(schedule(step)), jax.ShapeDtypeStruct((), jnp.int32)),
        }
        corruptions = {"degradation": self.degradation, "corruption": self.corruption}
        return found | {name: fingerprint(each, key, images) for name, each in corruptions.items() if each is not None}


def constant(learning_rate: float, num_steps: int) -> Schedule:
    """The same learning rate at every step, as a schedule of a recipe."""
    del num_steps
    return optax.constant_schedule(learning_rate)


def linear(learning_rate: float, num_steps: int) -> Schedule:
    """A straight line from the learning rate to 0, as a schedule of a recipe."""
    return optax.linear_schedule(learning_rate, 0.0, num_steps)


SCHEDULES: dict[str, Callable[[float, int], Schedule]] = {
    "cosine": optax.cosine_decay_schedule,
    "constant": constant,
    "linear": linear,
}

RECIPES: dict[str, Recipe] = {
    # the original study's: Adam at a constant rate, L1 from the first step; it kills pixels
    "original": Recipe(
        epochs=40,
        batch_size=256,
        optimizer=optax.adam,
        learning_rate=1e-3,
        schedule=constant,
        loss=L1(),
        name="original",
    ),
    # four epochs of cross-entropy before L1, and a rate that decays
    "cured": Recipe(name="cured"),
    # the image from a deformed version of it: latents that tell what is written rather than how
    "invariant": Recipe(
        batch_size=256,
        optimizer=optax.adam,
        learning_rate=2e-3,
        loss=CrossEntropy(),
        corruption=Deformation(),
        small_steps=3_000,
        name="invariant",
    ),
    # cross-entropy, summed over the pixels, is what the evidence lower bound of a variational autoencoder has of the images
    "variational": Recipe(
        batch_size=256,
        optimizer=optax.adam,
        learning_rate=2e-3,
        loss=CrossEntropy(),
        small_steps=3_000,
        name="variational",
    ),
}


def optimizer_named(name: str, options: Mapping[str, float] | None = None) -> OptimizerFactory:
    """An optax optimizer (or one of optax.contrib; `muon` is ours) by its name, with other arguments than its defaults.

    Raises ValueError with the near miss for a name or an option that optax does not have.
    """
    factories = {
        found: factory
        for module in (optax.contrib, optax)
        for found, factory in vars(module).items()
        if inspect.isfunction(factory) and "learning_rate" in inspect.signature(factory).parameters
    } | {"muon": muon}
    if text("name", name) not in factories:
        raise ValueError(f"optax has no optimizer {name!r}; {hint(name, list(factories))}")
    known = [option for option in inspect.signature(factories[name]).parameters if option != "learning_rate"]
    for option in options or {}:
        if option not in known:
            raise ValueError(f"optax.{name} has no option {option!r}; {hint(option, known)}")
    return functools.partial(factories[name], **{option: plain(value) for option, value in (options or {}).items()})


def _describe(value: Any) -> Any:
    if isinstance(value, Discriminator):
        return {"name": "Discriminator", "digest": value.digest()}
    if isinstance(value, (tuple, list)):
        return [_describe(part) for part in value]
    value = plain(value)
    if is_array(value):
        return {"shape": list(value.shape), "sha256": hashlib.sha256(np.asarray(value).tobytes()).hexdigest()}
    if isinstance(value, functools.partial):
        settings = {name: _describe(setting) for name, setting in value.keywords.items()}
        return {"name": value.func.__qualname__, **settings} if settings else _describe(value.func)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _describe(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"name": type(value).__name__, **fields}
    return getattr(value, "__qualname__", type(value).__qualname__) if callable(value) else value
