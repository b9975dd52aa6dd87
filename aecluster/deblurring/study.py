"""Every way to undo a blur on the same test images: trained or not, scored alike, blur by blur."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import jax
import numpy as np
from jaxtyping import Float

from aecluster.arguments import a_shape, function, some, whole
from aecluster.blur import PER_WIDTH, Blur, RandomBlur, check_fits
from aecluster.corruptions import corrupted
from aecluster.data import ImageData
from aecluster.deblurring.peers import HostKernel, RichardsonLucy, choose_balance, learn_ridge
from aecluster.deblurring.photographs import TO_TEST_ON, photograph
from aecluster.deblurring.presets import Preset
from aecluster.deblurring.scores import score
from aecluster.discriminator import Discriminator, ProbabilityOfBlur
from aecluster.ensemble import Ensemble
from aecluster.images import HostImages, ImageShape, check_images
from aecluster.losses import Weighted
from aecluster.names import hint
from aecluster.training import Callback, train

Restored: TypeAlias = Float[np.ndarray, "seed image height width channel"]
Method: TypeAlias = Callable[[HostImages], Restored]  # one restoration a seed; of a method without chance, one
Scores: TypeAlias = dict[str, Float[np.ndarray, "seed image"]]

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
NOTHING = "blurred"
DECONVOLUTIONS = ("richardson_lucy", "wiener")  # they undo a kernel, in images of any size
PEERS = (*DECONVOLUTIONS, "ridge")
TOLD = ", told"  # what a method's name ends in where it is told a kernel that the others have to guess
ANGLE = 30.0  # degrees, of the motion among kernels that stand for random ones
SAMPLE = 500  # images on which Wiener's balance is chosen
DRAWS = 1_000  # kernels whose mean stands for all
STRENGTH_IMAGES = 1_000  # scored at every strength


def typical_kernel(blur: Blur | RandomBlur) -> HostKernel:
    """The blur's kernel; of random blurs the mean, the best that one kernel can say of them."""
    if isinstance(blur, Blur):
        return np.asarray(blur.kernel())
    return np.asarray(blur.kernels(jax.random.key(0), DRAWS).mean(0))


def check_methods(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a method that is not known. Raises ValueError with the near miss."""
    for name in names:
        if name not in known:
            raise ValueError(f"No method is called {name!r}; {hint(name, known)}")


def peer(name: str, data: ImageData, blur: Blur | RandomBlur) -> Method:
    """One of `PEERS`, ready to restore: it knows the kernel, or has learned from the training images.

    Raises ValueError with the near miss for a name that none has.
    """
    check_methods([name], PEERS)
    check_fits(blur.size, *data.image_shape[:2])
    if name == "richardson_lucy":
        return _once(RichardsonLucy(typical_kernel(blur)))
    if name == "wiener":
        clear = data.train.images[:SAMPLE]
        return _once(choose_balance(typical_kernel(blur), corrupted(blur, clear), clear))
    return _once(learn_ridge(corrupted(blur, data.train.images), data.train.images))


def _once(restore: Callable[[HostImages], HostImages]) -> Method:
    return lambda blurred: restore(blurred)[None]


def untouched(blurred: HostImages) -> Restored:
    """The method that does nothing."""
    return blurred[None]


def train_preset(
    preset: Preset,
    data: ImageData,
    blur: Blur | RandomBlur,
    judge: Discriminator,
    *,
    seeds: Sequence[int] = (0,),
    checkpoints: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
) -> Ensemble:
    """Train a preset's network to undo this blur, or go on where its checkpoints end."""
    some(Discriminator, "ae.learn_discriminator(images, blur)")("judge", judge)
    loss = some(Preset, "networks(image_shape)['restorer']")("preset", preset).recipe.loss
    if preset.judged:
        loss = Weighted(((1.0, loss), (preset.judged, ProbabilityOfBlur(judge))))
    recipe = dataclasses.replace(preset.recipe, degradation=blur, loss=loss)
    return train(
        preset.architecture, data, recipe, seeds=seeds, checkpoints=checkpoints, resume=True, callbacks=callbacks
    )


def score_seeds(method: Method, clear: HostImages, blurred: HostImages, judge: Discriminator | None = None) -> Scores:
    """All measures of every restored image, one row a seed. Raises ValueError as `score` does."""
    function("untouched")("method", method)
    check_images("blurred", blurred)
    rows = [score(restored, clear, blurred, judge) for restored in method(blurred)]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def summary(name: str, scores: Scores) -> dict[str, float | str]:
    """One row of the table: of every measure the mean over images and seeds, and the deviation over seeds."""
    row: dict[str, float | str] = {"method": name, "seeds": len(scores["mae"])}
    for measure, values in scores.items():
        means = values.mean(1)
        row |= {measure: float(means.mean()), f"{measure}_std": float(means.std())}
    return row


def strengths(image_shape: ImageShape, largest: int = 7) -> list[Blur]:
    """Boxes from two pixels wide to `largest`, or as wide as the images; at five, nearly the original study's blur.

    Raises ValueError for images that no such box fits in.
    """
    side = min(whole(2)("largest", largest), *a_shape("image_shape", image_shape)[:2])
    if side < 3:
        raise ValueError(f"`image_shape` must be of at least 3x3 pixels, got {image_shape}; a wider blur does not fit.")
    size = side - 1 + side % 2
    return [Blur("box", size, float(width)) for width in range(2, size + 1)]


def judged_mixtures(judge: Discriminator, clear: HostImages, blurred: HostImages) -> Iterator[dict[str, float]]:
    """What the discriminator says of images on the way from blurred to clear, and how often it takes them for clear."""
    for share in SHARES:
        said = judge.probability(np.float32(share) * clear + np.float32(1 - share) * blurred)
        yield {"share_of_clear": share, "probability": float(said.mean()), "called_clear": float((said > 0.5).mean())}


def best(scored: Mapping[str, Scores], names: Sequence[str], most: int = 8) -> list[str]:
    """The methods with the least mean absolute errors, in the order in which they are named."""
    most = whole(1)("most", most)
    ranked = sorted(names, key=lambda name: scored[name]["mae"].mean())[:most]
    return [name for name in names if name in ranked]


def by_strength(
    methods: Mapping[str, Method], blurs: Sequence[Blur], clear: HostImages
) -> Iterator[tuple[str, float, Scores]]:
    """The scores of every method on the same images under every blur, and those of Richardson-Lucy told the kernel."""
    clear = clear[:STRENGTH_IMAGES]
    for blur in blurs:
        blurred = corrupted(blur, clear)
        told = _once(RichardsonLucy(np.asarray(blur.kernel())))
        for name, method in {NOTHING: untouched, **methods, DECONVOLUTIONS[0] + TOLD: told}.items():
            yield name, blur.strength, score_seeds(method, clear, blurred)


def two_of_each_kind(blur: Blur | RandomBlur) -> list[Blur]:
    """Of random blurs two of each kind, the middle ones of the weaker and of the stronger half; of a blur itself."""
    if isinstance(blur, Blur):
        return [blur]
    shares = [blur.weakest + part * (blur.strongest - blur.weakest) for part in (0.25, 0.75)]
    return [
        Blur(kind, blur.size, PER_WIDTH[kind] * share * blur.size, ANGLE, blur.noise / 2, blur.eight_bit)
        for kind in blur.kinds
        for share in shares
    ]


def by_photograph(
    methods: Mapping[str, Method], data: ImageData, blur: Blur | RandomBlur
) -> Iterator[tuple[str, Blur, str, Scores]]:
    """Photograph, blur, method and its scores: on each whole photograph that `photographs` keeps for the test.

    The photographs are blurred by this blur; of random ones by `two_of_each_kind`, and then `DECONVOLUTIONS` that are told the
    kernel stand beside the methods, which are not. All must take images of any size.
    """
    for each in two_of_each_kind(blur):
        told = {} if isinstance(blur, Blur) else {name + TOLD: peer(name, data, each) for name in DECONVOLUTIONS}
        for shown in TO_TEST_ON:
            clear = photograph(shown)[None]
            blurred = corrupted(each, clear)
            for name, method in {NOTHING: untouched, **methods, **told}.items():
                yield shown, each, name, score_seeds(method, clear, blurred)
