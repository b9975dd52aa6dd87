"""The networks that undo a blur, by name: the original study's, their cures, and every loss that it wanted to try."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import optax

from aecluster.adversary import Adversary
from aecluster.arguments import a_shape, entries_of, maybe, real, settle, short, some
from aecluster.images import ImageShape
from aecluster.losses import (
    L1,
    L2,
    LOSSES,
    AbstractLoss,
    CrossEntropy,
    GreyTargets,
    ToGiven,
    WarmUp,
    Weighted,
    composite,
)
from aecluster.models import AbstractArchitecture, Dense, Restorer
from aecluster.names import hint
from aecluster.recipes import RECIPES, Recipe

LATENT_SIZES = (2, 16, 256)
BLUR_WEIGHTS = (0.1, 0.5, 0.9, 1.0, 1.1, 2.0)
JUDGE = "probability_of_blur"
TO_BLURRED = "blurred_"

CURED = Recipe(epochs=12, loss=WarmUp(epochs=2.0))
# residual, so L1 kills no pixel; squares weigh down the few large errors that decide peak signal-to-noise ratios
RESTORER = Recipe(epochs=5, batch_size=32, loss=Weighted(((1.0, L1()), (50.0, L2()))))
# a few epochs of Adam: enough to tell losses apart, and the same for all that are compared
SHORT = Recipe(epochs=8, batch_size=256, optimizer=optax.adam, learning_rate=1e-3, loss=WarmUp())
HALF = 4.0  # of its epochs, for a network to be near an image before the composite loss begins
ADVERSARY = Adversary(weight=1e-3, start=2.0, ramp=3.0)


@dataclasses.dataclass(frozen=True)
class Preset:
    """A network and how it is trained; the blur to undo is added to the recipe, and a discriminator to the loss.

    `judged` is the weight of -log of the probability to be clear, by a discriminator that is not trained on the way.
    """

    architecture: AbstractArchitecture
    recipe: Recipe
    judged: float = 0.0

    def __post_init__(self) -> None:
        settle(self, architecture=some(AbstractArchitecture, "ae.Dense(16)"), recipe=some(Recipe, "ae.Recipe()"))
        settle(self, judged=real(at_least=0))


def mixture(architecture: AbstractArchitecture, weights: Mapping[str, float], adversary: float | None = None) -> Preset:
    """A network of one's own with a sum of losses, named as in `LOSSES`; with "blurred_" before, against the blurred image.

    "probability_of_blur" is that of a frozen discriminator; `adversary` is the weight of one that is trained along. All else
    is as for the restorer if it is one, as in the cured recipe if not. Raises ValueError with the near miss for a name that none
    has, and for weights that `Weighted` refuses.
    """
    known: dict[str, AbstractLoss] = {**LOSSES, **{TO_BLURRED + name: ToGiven(loss) for name, loss in LOSSES.items()}}
    for name in some(Mapping, "{'l1': 1.0}")("weights", weights):
        if name not in (*known, JUDGE):
            raise ValueError(f"No loss is called {name!r}; {hint(name, [*known, JUDGE])}")
    weights = {name: real(at_least=0)(f"weights[{name!r}]", weight) for name, weight in weights.items()}
    Weighted(tuple((weight, L1()) for weight in weights.values()))  # refuses weights that make no loss
    terms = tuple((weight, known[name]) for name, weight in weights.items() if name != JUDGE)
    if not any(weight for weight, _ in terms):
        raise ValueError(f"A loss must compare with an image too; give {JUDGE!r} with l1=1 or the like.")
    recipe = dataclasses.replace(RESTORER if isinstance(architecture, Restorer) else CURED, loss=Weighted(terms))
    adversary = maybe(real(at_least=0))("adversary", adversary)
    if adversary is not None:
        recipe = dataclasses.replace(recipe, adversary=dataclasses.replace(ADVERSARY, weight=adversary))
    return Preset(architecture, recipe, weights.get(JUDGE, 0.0))


def networks(image_shape: ImageShape) -> dict[str, Preset]:
    """The original study's network, its bug, the cured ones and the restorer, by name.

    Latent sizes above the number of pixels are cut to it.
    """
    small, middle, large = latent_sizes(image_shape)
    original = RECIPES["original"]
    bug = dataclasses.replace(original, epochs=10, loss=GreyTargets())
    presets = {
        f"original_{large}": Preset(Dense(large), original),
        f"bug_{large}": Preset(Dense(large), bug),
        **{f"cured_{size}": Preset(Dense(size), CURED) for size in (small, middle, large)},
        "restorer": Preset(Restorer(), RESTORER),
    }
    return _named(presets)


def losses(image_shape: ImageShape, blur_weights: Sequence[float] = BLUR_WEIGHTS) -> dict[str, Preset]:
    """Dense networks that differ in nothing but their loss, by name.

    There is one composite a weight of the blurred image; that of weight 0 is L1 alone. "from_clear" and "from_blurred" have
    the same loss as "composite_1" and begin elsewhere.
    """
    _, middle, large = latent_sizes(image_shape)
    weighted = composites(image_shape, blur_weights).items()
    named: dict[str, Preset] = {}
    for size in (middle, large):
        named |= {
            f"l1_{size}": _short(size, WarmUp()),
            f"judged_{size}": _short(size, WarmUp(), judged=0.01),
            f"adversarial_{size}": _short(size, WarmUp(), adversary=ADVERSARY),
        }
    named |= {name: _short(large, _compromise(weight)) for weight, name in weighted if weight}
    named |= {
        "from_clear": _short(large, WarmUp(CrossEntropy(), composite(), HALF)),
        "from_blurred": _short(large, WarmUp(ToGiven(CrossEntropy()), composite(), HALF)),
        "judged_composite": _short(large, _compromise(1.0), judged=0.1),
    }
    return _named(named)


def composites(image_shape: ImageShape, blur_weights: Sequence[float] = BLUR_WEIGHTS) -> dict[float, str]:
    """The names of the composite losses by the weight of the blurred image, rising; of weight 0 it is L1 alone."""
    large = latent_sizes(image_shape)[-1]
    blur_weights = [
        real(at_least=0)("blur_weights", weight) for weight in entries_of("blur_weights", blur_weights, "numbers")
    ]
    if len({f"{weight:g}" for weight in blur_weights}) < len(set(blur_weights)):
        raise ValueError(
            f"`blur_weights` must differ in their first six digits, got {short(blur_weights)}; leave some out."
        )
    return {weight: f"composite_{weight:g}" if weight else f"l1_{large}" for weight in sorted({0.0, *blur_weights})}


def latent_sizes(image_shape: ImageShape) -> tuple[int, int, int]:
    """`LATENT_SIZES`, none above the number of pixels."""
    small, middle, large = (min(size, math.prod(a_shape("image_shape", image_shape))) for size in LATENT_SIZES)
    return small, middle, large


def _named(presets: Mapping[str, Preset]) -> dict[str, Preset]:
    """The presets, their recipes called as they are: checkpoints tell the name."""
    return {
        name: dataclasses.replace(preset, recipe=dataclasses.replace(preset.recipe, name=name))
        for name, preset in presets.items()
    }


def _compromise(weight: float) -> WarmUp:
    """The composite loss after an epoch of cross-entropy to the same two images.

    Cross-entropy has one minimum, the images' weighted mean, where the composite loss may have many.
    """
    return WarmUp(Weighted(((1.0, CrossEntropy()), (weight, ToGiven(CrossEntropy())))), composite(1.0, weight))


def _short(latent_size: int, loss: AbstractLoss, judged: float = 0.0, adversary: Adversary | None = None) -> Preset:
    return Preset(Dense(latent_size), dataclasses.replace(SHORT, loss=loss, adversary=adversary), judged)
