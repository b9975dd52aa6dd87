"""Undo a blur: networks by every loss, beside what undid blurs before them, in one table.

    python -m launch.deblur

blurs scikit-learn's embedded digits (8 x 8, no download), trains every network and every loss from three seeds each, and
writes into runs/digits_deblurred/: metrics.csv (the table), strengths.csv, judge.csv, judge.npz, checkpoints/, the figures
restorations, losses, failures, weight_curve and strength_curve (png and pdf), and settings.json. The study itself, on the
real MNIST:

    python -m launch.deblur --preset=mnist
        expect of the restorer a mean absolute error below 0.0032 and over 40.3 dB; about two hours on two cores of an AMD EPYC
    python -m launch.deblur --preset=mnist_random          another kernel for every image
        expect of the restorer a mean absolute error of 0.0094 and 31.1 dB
    python -m launch.deblur --preset=photographs           patches of scikit-image's grey photographs, none downloaded
    python -m launch.deblur --preset=photographs_random    another kernel for every patch
        two and a half minutes of CPU time, and four

Of photographs there is also a table of whole ones, photographs.csv, with a row for each, each blur and each method
that takes images of any size. Where kernels are random, those told the kernel stand beside those that are not.

MNIST is downloaded and checked; --data_dir=PATH/mnist reads its original files instead. A network of one's own joins the
table, by any mixture of losses against the clear image, against the blurred one and of a discriminator, frozen in the loss
or trained along:

    python -m launch.deblur --methods=ridge --model=restorer --loss=l1=1,ssim=0.1,probability_of_blur=0.01 --epochs=5
    python -m launch.deblur --methods=ridge --model=dense --latent_size=16 --loss=l1=1,blurred_l1=0.5 --adversary=0.001

A run that was stopped, however, goes on with --resume.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np

import aecluster as ae
from launch import command, own_images, runs
from launch.progress import Reporter
from launch.train import teller

if TYPE_CHECKING:
    from aecluster import deblurring

RANDOM = "random"
OWN = "own"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which blur, which methods against it, and how its networks are trained."""

    data: str | None = command.flag(None, f"Images by name: {', '.join(ae.NAMES)}, photographs.", called="name")
    data_dir: Path | None = own_images.data_dir()
    read: tuple[str, ...] = own_images.read()
    kernel: str = command.flag(
        "gaussian", "Kind of the blur; random: another for every image.", choices=[*ae.KINDS, RANDOM]
    )
    size: int | None = command.flag(
        None, "Side of the kernel in pixels, odd; by default 5, on images below 16 pixels 3."
    )
    strength: float | None = command.flag(
        None, "Sigma, width, length or radius in pixels, by default 50; not for random."
    )
    angle: float | None = command.flag(None, "Of motion, in degrees, by default 0; not for random.")
    noise: float = command.flag(0.0, "Standard deviation of noise that is added; of random blurs the highest.")
    eight_bit: bool = command.flag(True, "Round to 8 bits, as files hold images.")
    methods: tuple[str, ...] | None = command.flag(
        None,
        "Rows of the table; all by default, and --methods= leaves out all but one's own.",
        may_be_empty=True,
    )
    blur_weights: tuple[float, ...] | None = command.flag(
        None, "Weights of the blurred image in the composite losses.", at_least=0
    )
    model: str | None = command.flag(None, "A network of one's own.", choices=list(ae.ARCHITECTURES))
    latent_size: int | None = command.flag(
        None, "Its latent size, if it is an autoencoder; by default 256, cut to the pixels."
    )
    loss: dict[str, float] | None = command.flag(
        None,
        "Its loss, as name=weight,name=weight, by default warm_up=1; blurred_NAME is against the blur.",
        called="weights",
        example="l1=1,ssim=0.1",
    )
    adversary: float | None = command.flag(None, "Weight of a discriminator that is trained along with it.")
    num_seeds: int = command.flag(3, "Networks of each kind, from seeds 0, 1, ...", at_least=1)
    epochs: int | None = command.flag(None, "Passes over the images; by default each network's own.", at_least=1)
    out: Path = runs.out()
    name: str | None = runs.name(None, "Name of the run folder; the data set's with _deblurred by default.")
    overwrite: bool = runs.overwrite()
    resume: bool = runs.resume()


PRESETS = {
    "digits": Settings(),
    "mnist": Settings(data="mnist"),
    "mnist_random": Settings(
        data="mnist",
        kernel=RANDOM,
        size=9,
        num_seeds=2,
        epochs=3,
        methods=("richardson_lucy", "wiener", "ridge", "l1_256", "judged_256", "restorer"),
        name="mnist_random",
    ),
    "photographs": Settings(
        data="photographs",
        num_seeds=1,
        epochs=8,
        methods=("richardson_lucy", "wiener", "ridge", "restorer"),
        name="photographs",
    ),
    "photographs_random": Settings(
        data="photographs",
        kernel=RANDOM,
        size=9,
        num_seeds=1,
        epochs=12,
        methods=("richardson_lucy", "wiener", "restorer"),
        name="photographs_random",
    ),
}
SMALL = 16  # pixels of a side, below which a kernel is smaller by default


def tiny(settings: Settings) -> Settings:
    """A preset on the embedded digits: its peers and one small network, one seed, one epoch."""
    name = f"{settings.name or (settings.data or 'digits') + '_deblurred'}_tiny"
    methods = ("richardson_lucy", "wiener", "ridge", "l1_16")
    size = settings.size and 3
    return dataclasses.replace(
        settings, data=None, data_dir=None, read=(), size=size, methods=methods, num_seeds=1, epochs=1, name=name
    )


Presets = dict[str, "deblurring.Preset"]


def main(settings: Settings) -> None:
    """Load, blur, train, score, draw."""
    from launch import scored  # matplotlib comes with it

    data = load(settings)
    blur = blur_of(settings, data.image_shape)
    names, presets = rows_of(settings, data)
    check(data, presets)
    path = runs.place(settings.out, settings.name or f"{data.name.replace('/', '_')}_deblurred")
    with runs.folder(path, settings.overwrite, settings.resume) as folder:
        command.save(folder, settings)
        judge = learn_judge(data, blur, folder)
        trained = train_all(presets, data, blur, judge, settings.num_seeds, folder)
        methods = methods_of(names, trained, data, blur)
        blurred = ae.corrupted(blur, data.test.images)
        of_any_size = scored.of_any_size(methods, trained)
        whole = scored.score_whole(of_any_size, data, blur) if is_of_photographs(settings) else []
        found = scored.score_all(methods, data, blurred, judge)
        rows = scored.write_tables(found, whole, folder)
        drawn = scored.draw(data, blurred, methods, found, blur_weights(settings), folder)
    print(f"{data.describe()}; {blur}")
    print(scored.table(rows))
    if whole:
        print(scored.table_of_photographs(whole))
    shares = ", ".join(f"{row['probability']:.3f} at {row['share_of_clear']:g}" for row in found.judged)
    print(f"discriminator: probability that (1 - a) blurred + a clear is clear: {shares}")
    tables = ["metrics.csv", "strengths.csv", *([scored.PHOTOGRAPHS_FILE] if whole else []), "judge.csv", "judge.npz"]
    print(runs.wrote(path, *tables, *(["checkpoints"] if presets else []), pictures=drawn))


def load(settings: Settings) -> ae.ImageData:
    """Images by name, photographs of scikit-image's in patches among them, or one's own."""
    from aecluster import deblurring

    if not is_of_photographs(settings):
        return own_images.load(settings.data, settings.data_dir, settings.read)
    if settings.data_dir is not None:
        raise ValueError("`--data_dir` is of other images, and scikit-image carries the photographs; leave it out.")
    return deblurring.photographs()


def is_of_photographs(settings: Settings) -> bool:
    """Whether the images are patches of photographs."""
    from aecluster import deblurring

    return settings.data == deblurring.PHOTOGRAPHS


def blur_of(settings: Settings, image_shape: tuple[int, int, int]) -> ae.Blur | ae.RandomBlur:
    """The degradation; ValueError where it does not suit the images."""
    size = settings.size if settings.size is not None else 5 if min(image_shape[:2]) >= SMALL else 3
    blur: ae.Blur | ae.RandomBlur
    if settings.kernel == RANDOM:
        strays = [name for name in ("strength", "angle") if getattr(settings, name) is not None]
        if strays:
            raise ValueError(f"`--{strays[0]}` is drawn anew for every image with --kernel=random; leave it out.")
        blur = ae.RandomBlur(size, noise=settings.noise, eight_bit=settings.eight_bit)
    else:
        strength, angle = (50.0 if settings.strength is None else settings.strength), settings.angle or 0.0
        blur = ae.Blur(settings.kernel, size, strength, angle, settings.noise, settings.eight_bit)
    one = jax.ShapeDtypeStruct((1, *image_shape), np.float32)
    jax.eval_shape(blur, jax.random.key(0), one)  # refuses a kernel that is larger than the images
    return blur


def rows_of(settings: Settings, data: ae.ImageData) -> tuple[list[str], Presets]:
    """The rows asked for, and how those that are networks are trained."""
    from aecluster import deblurring

    mine, shape = own(settings, data.image_shape), data.image_shape
    known = deblurring.networks(shape) | deblurring.losses(shape, blur_weights(settings)) | mine
    names = [*deblurring.PEERS, *known]
    if settings.methods is not None:
        deblurring.check_methods(settings.methods, names)
        names = list(dict.fromkeys([*settings.methods, *mine]))
    if not names:
        raise ValueError("`--methods` names none; name some, or a network of one's own with --model.")
    return names, {name: sized(known[name], len(data.train.images), settings.epochs) for name in names if name in known}


def check(data: ae.ImageData, presets: Presets) -> None:
    """Refuse before any training what could not be trained, scored or drawn after it."""
    from aecluster import deblurring, figures

    deblurring.check_measurable(data.image_shape)
    figures.check_drawable("images", data.test.images)
    if data.test.labels is not None:
        figures.check_classes("labels", data.test.labels)
    for preset in presets.values():
        ae.check_training(preset.architecture, data, preset.recipe)


def own(settings: Settings, image_shape: tuple[int, int, int]) -> Presets:
    """The network that the settings describe, if they do."""
    from aecluster import deblurring

    if settings.model is None:
        strays = [name for name in ("loss", "adversary", "latent_size") if getattr(settings, name) is not None]
        if strays:
            raise ValueError(f"`--{strays[0]}` is of a network of one's own; name that network with --model.")
        return {}
    kind = ae.architecture_named(settings.model, ae.ARCHITECTURES)
    if kind is ae.Restorer and settings.latent_size is not None:
        raise ValueError("`--latent_size` is of autoencoders, and a restorer has no latent space; leave it out.")
    latent_size = min(256, int(np.prod(image_shape))) if settings.latent_size is None else settings.latent_size
    architecture = ae.Restorer() if kind is ae.Restorer else kind(latent_size)
    ae.check_architecture(architecture, image_shape)
    return {OWN: deblurring.mixture(architecture, settings.loss or {"warm_up": 1.0}, settings.adversary)}


def blur_weights(settings: Settings) -> list[float]:
    """Weights of the blurred image, rising."""
    from aecluster import deblurring

    return list(deblurring.BLUR_WEIGHTS) if settings.blur_weights is None else sorted(settings.blur_weights)


def sized(preset: "deblurring.Preset", num_train: int, epochs: int | None) -> "deblurring.Preset":
    """The preset for so many images, and so many epochs where they are given."""
    recipe = preset.recipe.for_images(num_train)
    if epochs is not None:
        recipe = dataclasses.replace(recipe, epochs=epochs)
    return dataclasses.replace(preset, recipe=recipe)


def learn_judge(data: ae.ImageData, blur: ae.Blur | ae.RandomBlur, folder: Path) -> ae.Discriminator:
    """The discriminator of blurred against clear, learned once a run."""
    path = folder / "judge"
    if path not in ae.records(folder):
        ae.save(ae.learn_discriminator(data.train.images, blur), path)
    return ae.restore_discriminator(path)


def train_all(
    presets: Presets,
    data: ae.ImageData,
    blur: ae.Blur | ae.RandomBlur,
    judge: ae.Discriminator,
    num_seeds: int,
    folder: Path,
) -> dict[str, ae.Ensemble]:
    """Every network, one after the other, each into its own checkpoints."""
    from aecluster import deblurring

    trained: dict[str, ae.Ensemble] = {}
    total, done = sum(preset.recipe.epochs for preset in presets.values()), 0
    with Reporter("epochs") as reporter:
        for name, preset in presets.items():
            trained[name] = deblurring.train_preset(
                preset,
                data,
                blur,
                judge,
                seeds=range(num_seeds),
                checkpoints=folder / "checkpoints" / name,
                callbacks=[teller(reporter, name, done, total)],
            )
            done += preset.recipe.epochs
    return trained


def methods_of(
    names: list[str], trained: dict[str, ae.Ensemble], data: ae.ImageData, blur: ae.Blur | ae.RandomBlur
) -> dict[str, "deblurring.Method"]:
    """What undoes the blur, by name: trained, or one of those that came before networks."""
    from aecluster import deblurring

    return {name: trained[name].reconstruct if name in trained else deblurring.peer(name, data, blur) for name in names}


if __name__ == "__main__":
    command.run(main, Settings, PRESETS, tiny)
