"""Train autoencoders, and see what comes back.

    python -m launch.train

trains dense autoencoders with latent sizes 2, 16 and 64 on scikit-learn's embedded digits (8 x 8, small, no download) by
the original study's recipe and by the cured one, three seeds each, and writes into runs/digits/: metrics.csv, history.csv,
checkpoints/, the figures reconstructions, dead_pixels, loss_curves, latent_points, latent_thumbnails and latent_walk (png
and pdf), and flags.txt. The study itself, on the real MNIST, latent sizes 2, 16 and 256:

    python -m launch.train --data_dir=PATH/mnist
    python -m launch.train --data_dir=PATH/mnist --model=convolutional --recipes=cured --epochs=10 --name=mnist_conv
    python -m launch.train --data_dir=PATH/mnist --recipes=invariant --latent_sizes=16 --name=mnist_invariant

--data_dir is a folder of IDX files or a .npz file; --data=fashion_mnist downloads. A run that was stopped, however, goes
on with --resume. python -m launch.cluster --run=runs/digits clusters the latents.
"""

import dataclasses
from pathlib import Path

import jax
import numpy as np
from absl import flags

import aecluster as ae
from launch import old_command as command
from launch.progress import Reporter

FLAGS = flags.FLAGS

flags.DEFINE_string("data", None, f"Images by name: {', '.join(ae.NAMES)}.")
flags.DEFINE_string("data_dir", None, "Folder with IDX files, or an .npz file.")
flags.DEFINE_string("model", "dense", f"Network: {', '.join(ae.AUTOENCODERS)}.")
flags.DEFINE_list("latent_sizes", ["2", "16", "256"], "Sizes of the latent space; one above the pixels is cut to them.")
flags.DEFINE_list("widths", None, "Hidden widths of a dense encoder; by default the original's for each latent size.")
flags.DEFINE_list("recipes", ["original", "cured"], f"Recipes to train by and to compare: {', '.join(ae.RECIPES)}.")
flags.DEFINE_integer("num_seeds", 3, "Networks of each kind, from seeds 0, 1, ...", lower_bound=1)
flags.DEFINE_integer("epochs", None, "Passes over the images; by default the recipe's.", lower_bound=1)
flags.DEFINE_integer("batch_size", None, "Images a step; by default the recipe's.", lower_bound=1)
flags.DEFINE_float("learning_rate", None, "Highest learning rate; by default the recipe's.")
flags.DEFINE_string("optimizer", None, "Any optimizer of optax by its name; by default the recipe's.")
flags.DEFINE_list("optimizer_options", [], "Its other arguments, as name=value,name=value.")
flags.DEFINE_enum("schedule", None, sorted(ae.SCHEDULES), "Learning rate over the steps; by default the recipe's.")
flags.DEFINE_enum("loss", None, sorted(ae.LOSSES), "What to minimise; by default the recipe's.")
flags.DEFINE_enum("precision", "float32", ["float32", "bfloat16"], "What the networks compute in.")
flags.DEFINE_integer("devices", 1, "Devices that share every batch.", lower_bound=1)
flags.DEFINE_string("out", "runs", "Folder that run folders are put into.")
flags.DEFINE_string("name", None, "Name of the run folder; the data set's by default.")
flags.DEFINE_bool("overwrite", False, "Replace a run folder of that name.")
flags.DEFINE_bool("resume", False, "Go on with an unfinished run of that name.")


def recipes_of(num_train: int) -> dict[str, ae.Recipe]:
    """The named recipes with every flag's change."""
    changes = {name: FLAGS[name].value for name in ("epochs", "batch_size", "learning_rate")}
    if FLAGS.optimizer is not None:
        options = command.hyperparameters(FLAGS.optimizer_options, "--optimizer_options")
        changes["optimizer"] = ae.optimizer_named(FLAGS.optimizer, options)
    elif FLAGS.optimizer_options:
        raise ValueError("`--optimizer_options` needs `--optimizer`; name the optimizer they belong to.")
    changes |= {
        "schedule": FLAGS.schedule and ae.SCHEDULES[FLAGS.schedule],
        "loss": FLAGS.loss and ae.LOSSES[FLAGS.loss],
        "precision": FLAGS.precision,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return {name: dataclasses.replace(recipe_named(name).for_images(num_train), **given) for name in FLAGS.recipes}


def recipe_named(name: str) -> ae.Recipe:
    """A recipe; ValueError listing them for a name that none has."""
    if name not in ae.RECIPES:
        raise ValueError(f"`--recipes` has no {name!r}; choose among {', '.join(ae.RECIPES)}.")
    return ae.RECIPES[name]


def architectures_of(image_shape: tuple[int, int, int]) -> list[ae.AbstractAutoencoder]:
    """One network a latent size."""
    kind = ae.architecture_named(FLAGS.model, ae.AUTOENCODERS)
    pixels = int(np.prod(image_shape))
    if FLAGS["latent_sizes"].present:
        sizes = command.integers(FLAGS.latent_sizes, "--latent_sizes")
    else:
        sizes = list(
            dict.fromkeys(min(size, pixels) for size in command.integers(FLAGS.latent_sizes, "--latent_sizes"))
        )
    if FLAGS.widths is None:
        return [kind(size) for size in sizes]
    if kind is not ae.Dense:
        raise ValueError("`--widths` are those of dense layers; leave them out or choose --model=dense.")
    return [ae.Dense(size, tuple(command.integers(FLAGS.widths, "--widths"))) for size in sizes]


def train_all(data: ae.ImageData, folder: Path) -> ae.Trained:
    """Every recipe and latent size, one after the other, each into its own checkpoints."""
    architectures, recipes = architectures_of(data.image_shape), recipes_of(len(data.train.images))
    for architecture in architectures:
        ae.check_architecture(architecture, data.image_shape)
    devices = jax.local_devices()
    if FLAGS.devices > len(devices):
        raise ValueError(f"`--devices={FLAGS.devices}`, but this machine has {len(devices)}; ask for fewer.")
    command.save_flags(folder)
    total = sum(recipe.epochs for recipe in recipes.values()) * len(architectures)
    trained: ae.Trained = {}
    done = 0
    with Reporter("epochs") as reporter:
        for recipe_name, recipe in recipes.items():
            for architecture in architectures:
                name = f"{recipe_name} {architecture.latent_size}"

                def tell(progress: ae.Progress, name: str = name, before: int = done) -> None:
                    errors = f"{name}: train {progress.train_error:.4f}, test {progress.test_error:.4f}"
                    reporter.tell(before + progress.epoch, total, errors, step=1)

                trained[recipe_name, architecture.latent_size] = ae.train(
                    architecture,
                    data,
                    recipe,
                    seeds=range(FLAGS.num_seeds),
                    devices=devices[: FLAGS.devices],
                    checkpoints=folder / "checkpoints" / name.replace(" ", "_"),
                    resume=True,
                    on_epoch=tell,
                )
                done += recipe.epochs
    return trained


def table(rows: list[dict[str, float | str]]) -> str:
    """The metrics as a person wants to read them."""
    lines = [f"{'recipe':<10} {'latent':>6} {'parameters':>11} {'epochs':>6}  {'test MAE':<17} {'dead pixels':>11}"]
    for row in rows:
        error = f"{row['test_mae']:.4f} ± {row['test_mae_std']:.4f}"
        counts = f"{row['latent_size']:>6} {row['parameters']:>11,} {row['epochs']:>6}"
        lines.append(f"{row['recipe']:<10} {counts}  {error:<17} {row['dead_pixels']:>11.1f}")
    return "\n".join(lines)


def main() -> None:
    """Load, train, draw, report."""
    jax.config.update("jax_num_cpu_devices", FLAGS.devices)
    data = ae.load(FLAGS.data, FLAGS.data_dir)
    path = Path(FLAGS.out) / (FLAGS.name or data.name.replace("/", "_"))
    with command.run_folder(path, FLAGS.overwrite, FLAGS.resume) as folder:
        trained = train_all(data, folder)
        from aecluster import report

        rows = list(report.metrics(trained))
        command.write_table(folder / "metrics.csv", rows)
        command.write_table(folder / "history.csv", list(report.history(trained)))
        drawn = report.draw(data, trained, folder)
    print(f"{data.name}: {len(data.train.images):,} images to train on, {len(data.test.images):,} to test on")
    print(table(rows))
    print(
        f"wrote {path}: metrics.csv, history.csv, checkpoints, {', '.join(drawn)} (png and pdf), {command.FLAGS_FILE}"
    )


if __name__ == "__main__":
    command.run(main)
