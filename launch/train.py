"""Train autoencoders, and see what comes back.

    python -m launch.train

trains dense autoencoders with latent sizes 2, 16 and 64 on scikit-learn's embedded digits (8 x 8, small, no download) by
the original study's recipe and by the cured one, three seeds each, and writes into runs/digits/: metrics.csv, history.csv,
checkpoints/, the figures reconstructions, dead_pixels, loss_curves, latent_points, latent_thumbnails and latent_walk (png
and pdf), and settings.json. The study itself, on the real MNIST, latent sizes 2, 16 and 256:

    python -m launch.train --preset=mnist
        expect a mean absolute error of 0.0085 (cured recipe, latent 256) and 0.0387 (original), on the 10,000 test images;
        78 minutes on one core of an AMD EPYC with AVX-512
    python -m launch.train --preset=mnist_conv             the convolutional autoencoder
    python -m launch.train --preset=mnist_variational      the variational one, its evidence in nats, images of its own
    python -m launch.train --preset=mnist_invariant        latents that do not depend on slant, size and place;
        expect launch.cluster to find the digits in them with an accuracy of 0.833 (k-means)

MNIST is downloaded and checked; --data_dir=PATH/mnist reads its original files instead. Of one's own images, --data_dir is a
folder of pictures, IDX, .npz, .npy, CSV, parquet, .mat or HDF5 files, or one such file; --read says how they are meant where that
is open. A run that was stopped, however, goes on with --resume. python -m launch.cluster
--run=runs/digits clusters the latents.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

import aecluster as ae
from launch import command, own_images, runs
from launch.progress import Reporter


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which networks are trained on what, and by which recipes."""

    data: str | None = command.flag(None, f"Images by name: {', '.join(ae.NAMES)}.", called="name")
    data_dir: Path | None = own_images.data_dir()
    read: tuple[str, ...] = own_images.read()
    model: str = command.flag("dense", "Network.", choices=list(ae.AUTOENCODERS))
    latent_sizes: tuple[int, ...] | None = command.flag(
        None,
        "Sizes of the latent space; by default 2, 16 and 256, cut to the pixels.",
        at_least=1,
        called="latent_size",
    )
    widths: tuple[int, ...] | None = command.flag(
        None, "Hidden widths of a dense encoder; by default the original's for each latent size.", at_least=1
    )
    beta: float | None = command.flag(
        None, "Of a variational autoencoder, the weight of what its code tells; by default 1.", at_least=0
    )
    recipes: tuple[str, ...] = command.flag(
        ("original", "cured"), "Recipes to train by and to compare.", choices=list(ae.RECIPES)
    )
    num_seeds: int = command.flag(3, "Networks of each kind, from seeds 0, 1, ...", at_least=1)
    epochs: int | None = command.flag(None, "Passes over the images; by default the recipe's.", at_least=1)
    batch_size: int | None = command.flag(None, "Images a step; by default the recipe's.", at_least=1)
    learning_rate: float | None = command.flag(None, "Highest learning rate; by default the recipe's.", above=0)
    optimizer: str | None = command.flag(None, "Any optimizer of optax by its name; by default the recipe's.")
    optimizer_options: dict[str, float] = command.flag(
        {}, "Its other arguments, as name=value,name=value.", example="b1=0.9,b2=0.99"
    )
    schedule: str | None = command.flag(
        None, "Learning rate over the steps; by default the recipe's.", choices=sorted(ae.SCHEDULES)
    )
    loss: str | None = command.flag(None, "What to minimise; by default the recipe's.", choices=sorted(ae.LOSSES))
    patience: int | None = command.flag(
        None,
        "Epochs without a lower error on held-out training images before the end; by default all are done.",
        at_least=1,
    )
    held_out: float | None = command.flag(
        None, "Share of the training images held out for --patience; by default 0.1.", called="share"
    )
    precision: str = command.flag("float32", "What the networks compute in.", choices=["float32", "bfloat16"])
    devices: int = command.flag(1, "Devices that share every batch.", at_least=1, counts=False)
    tensorboard: bool = command.flag(False, "Write logs for TensorBoard into the run folder too.", counts=False)
    out: Path = runs.out()
    name: str | None = runs.name(None, "Name of the run folder; the data set's by default.")
    overwrite: bool = runs.overwrite()
    resume: bool = runs.resume()


PRESETS = {
    "digits": Settings(),
    "mnist": Settings(data="mnist"),
    "mnist_conv": Settings(data="mnist", model="convolutional", recipes=("cured",), epochs=10, name="mnist_conv"),
    "mnist_variational": Settings(
        data="mnist", model="variational", recipes=("variational",), latent_sizes=(2, 16), name="mnist_variational"
    ),
    "mnist_invariant": Settings(data="mnist", recipes=("invariant",), latent_sizes=(16,), name="mnist_invariant"),
}
LATENT_SIZES = (2, 16, 256)
Studies = dict[tuple[str, int], tuple[ae.AbstractAutoencoder, ae.Recipe]]


def tiny(settings: Settings) -> Settings:
    """A preset on the embedded digits: one size, two seeds, one epoch."""
    name = f"{settings.name or settings.data or 'digits'}_tiny"
    return dataclasses.replace(
        settings, data=None, data_dir=None, read=(), latent_sizes=(3,), num_seeds=2, epochs=1, batch_size=100, name=name
    )


def main(settings: Settings) -> None:
    """Load, train, draw, report."""
    set_up(settings)
    data = own_images.load(settings.data, settings.data_dir, settings.read)
    devices = devices_of(settings)
    studies = studies_of(settings, data, len(devices))
    check_pictures(data)
    if settings.tensorboard:
        ae.check_tensorboard()
    path = runs.place(settings.out, settings.name or data.name.replace("/", "_"))
    with runs.folder(path, settings.overwrite, settings.resume) as folder:
        command.save(folder, settings)
        trained = train_all(studies, data, settings, devices, folder)
        rows, drawn = write_tables(trained, folder), draw(data, trained, folder)
        bounds = write_evidence(trained, data, folder)
    print(data.describe())
    print(table(rows))
    tables = ["metrics.csv", "history.csv"]
    if bounds:
        print("\n".join(told(row) for row in bounds))
        tables.append("evidence.csv")
    folders = ["checkpoints", *(["tensorboard"] if settings.tensorboard else [])]
    print(runs.wrote(path, *tables, *folders, pictures=drawn))


def set_up(settings: Settings) -> None:
    """Devices, before JAX looks for them."""
    jax.config.update("jax_num_cpu_devices", settings.devices)


def studies_of(settings: Settings, data: ae.ImageData, num_devices: int) -> Studies:
    """What to train, by recipe and latent size; ValueError for what does not suit the images or the devices."""
    architectures = architectures_of(settings, data.image_shape)
    recipes = recipes_of(settings, len(data.train.images))
    studies: Studies = {}
    for name, recipe in recipes.items():
        for architecture in architectures:
            ae.check_training(architecture, data, recipe, num_devices)
            studies[name, architecture.latent_size] = architecture, recipe
    return studies


def check_pictures(data: ae.ImageData) -> None:
    """Refuse before any training what could not be drawn after it."""
    from aecluster import figures

    figures.check_drawable("images", data.test.images)
    if data.test.labels is not None:
        figures.check_classes("labels", data.test.labels)


def images_of(run: Path, data_dir: Path | None) -> ae.ImageData:
    """The images of a finished training, where they were or elsewhere; ValueError for a folder that holds none."""
    if not (run / command.SETTINGS_FILE).is_file() or not (run / "checkpoints").is_dir():
        raise ValueError(f"`--run` {str(run)!r} is no finished training; run `python -m launch.train` first.")
    training = command.saved(run, Settings, flag="--run")
    return own_images.load(training.data, data_dir or training.data_dir, training.read)


def architectures_of(settings: Settings, image_shape: tuple[int, int, int]) -> list[ae.AbstractAutoencoder]:
    """One network a latent size."""
    kind = ae.architecture_named(settings.model, ae.AUTOENCODERS)
    sizes = latent_sizes_of(settings, image_shape)
    if settings.beta is not None and kind is not ae.Variational:
        raise ValueError("`--beta` is of variational autoencoders; leave it out or choose --model=variational.")
    if settings.widths is not None and kind is ae.Convolutional:
        raise ValueError("`--widths` are those of dense layers; leave them out or choose --model=dense.")
    if kind is ae.Variational:
        beta = 1.0 if settings.beta is None else settings.beta
        return [ae.Variational(size, settings.widths, beta) for size in sizes]
    return [kind(size) if settings.widths is None else ae.Dense(size, settings.widths) for size in sizes]


def latent_sizes_of(settings: Settings, image_shape: tuple[int, int, int]) -> list[int]:
    """Those asked for; or the usual ones, none of which is above the pixels."""
    if settings.latent_sizes is not None:
        return list(settings.latent_sizes)
    return list(dict.fromkeys(min(size, int(np.prod(image_shape))) for size in LATENT_SIZES))


def recipes_of(settings: Settings, num_train: int) -> dict[str, ae.Recipe]:
    """The named recipes with every setting's change."""
    if settings.optimizer_options and settings.optimizer is None:
        raise ValueError("`--optimizer_options` needs `--optimizer`; name the optimizer they belong to.")
    changes: dict[str, Any] = {
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "optimizer": settings.optimizer and ae.optimizer_named(settings.optimizer, settings.optimizer_options),
        "schedule": settings.schedule and ae.SCHEDULES[settings.schedule],
        "loss": settings.loss and ae.LOSSES[settings.loss],
        "precision": settings.precision,
        "stopping": stopping_of(settings),
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return {name: dataclasses.replace(ae.RECIPES[name].for_images(num_train), **given) for name in settings.recipes}


def stopping_of(settings: Settings) -> ae.EarlyStopping | None:
    """When to stop before all epochs are done, if at all."""
    if settings.patience is None:
        if settings.held_out is not None:
            raise ValueError(
                "`--held_out` needs `--patience`; say after how many epochs without a lower error to stop."
            )
        return None
    return ae.EarlyStopping(settings.patience, 0.1 if settings.held_out is None else settings.held_out)


def devices_of(settings: Settings) -> list[jax.Device]:
    """As many as asked for."""
    devices = jax.local_devices()
    if settings.devices > len(devices):
        raise ValueError(f"`--devices={settings.devices}`, but this machine has {len(devices)}; ask for fewer.")
    return devices[: settings.devices]


def train_all(
    studies: Studies, data: ae.ImageData, settings: Settings, devices: list[jax.Device], folder: Path
) -> ae.Trained:
    """One after the other, each into its own checkpoints and then into the tables."""
    trained: ae.Trained = {}
    done = 0
    total = sum(recipe.epochs for _, recipe in studies.values())
    with Reporter("epochs") as reporter:
        for (name, size), (architecture, recipe) in studies.items():
            trained[name, size] = ae.train(
                architecture,
                data,
                recipe,
                seeds=range(settings.num_seeds),
                devices=devices,
                checkpoints=checkpoints_of(folder, name, size),
                resume=True,
                callbacks=[teller(reporter, f"{name} {size}", done, total), *logs(settings, folder, name, size)],
            )
            done += recipe.epochs
            write_tables(trained, folder)
    return trained


def logs(settings: Settings, folder: Path, recipe: str, latent_size: int) -> list[ae.TensorBoard]:
    """What writes logs, if asked for, one folder a training and in it one a seed."""
    return [ae.TensorBoard(folder / "tensorboard" / f"{recipe}_{latent_size}")] if settings.tensorboard else []


def checkpoints_of(folder: Path, recipe: str, latent_size: int) -> Path:
    """Where a run folder keeps the networks of a recipe and a latent size."""
    return folder / "checkpoints" / f"{recipe}_{latent_size}"


def teller(reporter: Reporter, name: str, before: int, total: int) -> Callable[[ae.Progress], None]:
    """Tells of every epoch of one training, so many epochs of others being done."""

    def tell(progress: ae.Progress) -> None:
        errors = f"{name}: train {progress.train_error:.4f}, test {progress.test_error:.4f}"
        reporter.tell(before + progress.epoch, total, errors, step=1)

    return tell


def write_tables(trained: ae.Trained, folder: Path) -> list[dict[str, float | str]]:
    """The tables of what is trained so far; the metrics."""
    from aecluster import report

    rows = list(report.metrics(trained))
    runs.write_table(folder / "metrics.csv", rows)
    runs.write_table(folder / "history.csv", list(report.history(trained)))
    return rows


def write_evidence(trained: ae.Trained, data: ae.ImageData, folder: Path) -> list[dict[str, float | str]]:
    """The table of the evidence where networks are variational; its rows."""
    from aecluster import report

    rows = list(report.evidence(trained, data.test.images))
    if rows:
        runs.write_table(folder / "evidence.csv", rows)
    return rows


def told(row: dict[str, float | str]) -> str:
    """The evidence as a person wants to read it."""
    bounds = f"ELBO {row['elbo']:.2f} nats, importance-weighted {row['importance_weighted']:.2f}"
    return f"{row['recipe']} {row['latent_size']}: {bounds}, mean over the test images and seeds"


def draw(data: ae.ImageData, trained: ae.Trained, folder: Path) -> list[str]:
    """The figures; their names."""
    from aecluster import report

    return report.draw(data, trained, folder)


def table(rows: list[dict[str, float | str]]) -> str:
    """The metrics as a person wants to read them."""
    lines = [f"{'recipe':<10} {'latent':>6} {'parameters':>11} {'epochs':>6}  {'test MAE':<17} {'dead pixels':>11}"]
    for row in rows:
        error = f"{row['test_mae']:.4f} ± {row['test_mae_std']:.4f}"
        counts = f"{row['latent_size']:>6} {row['parameters']:>11,} {row['epochs']:>6}"
        lines.append(f"{row['recipe']:<10} {counts}  {error:<17} {row['dead_pixels']:>11.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    command.run(main, Settings, PRESETS, tiny)
