"""Undo a blur: networks by every loss, beside what undid blurs before them, in one table.

    python -m launch.deblur

blurs scikit-learn's embedded digits (8 x 8, no download), trains every network and every loss from three seeds each, and
writes into runs/digits_deblurred/: metrics.csv (the table), strengths.csv, judge.csv, checkpoints/, and the
figures restorations, losses, failures, weight_curve and strength_curve (png and pdf). The study itself, on the real MNIST:

    python -m launch.deblur --data_dir=PATH/mnist
    python -m launch.deblur --data_dir=PATH/mnist --kernel=random --size=9 --name=mnist_random --num_seeds=2 --epochs=3 \\
        --methods=richardson_lucy,wiener,ridge,l1_256,judged_256,restorer

The first takes about two hours on two cores; its restorer reaches a mean absolute error of 0.0032 and 40.3 dB.

A network of one's own joins the table, by any mixture of losses against the clear image, against the blurred one and of a
discriminator, frozen in the loss or trained along:

    python -m launch.deblur --methods=ridge --model=restorer --loss=l1=1,ssim=0.1,probability_of_blur=0.01 --epochs=5
    python -m launch.deblur --methods=ridge --model=dense --latent_size=16 --loss=l1=1,blurred_l1=0.5 --adversary=0.001

A run that was stopped, however, goes on with --resume.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np
from absl import flags

import aecluster as ae
from launch import old_command as command
from launch.progress import Reporter

if TYPE_CHECKING:
    from aecluster import deblurring

FLAGS = flags.FLAGS

RANDOM = "random"
OWN = "own"

flags.DEFINE_string("data", None, f"Images by name: {', '.join(ae.NAMES)}.")
flags.DEFINE_string("data_dir", None, "Folder with IDX files, or an .npz file.")
flags.DEFINE_enum("kernel", "gaussian", [*ae.KINDS, RANDOM], "Kind of the blur; random: another for every image.")
flags.DEFINE_integer("size", None, "Side of the kernel in pixels, odd; by default 5, on images below 16 pixels 3.")
flags.DEFINE_float("strength", 50.0, "Sigma, width, length or radius in pixels; not for random.")
flags.DEFINE_float("angle", 0.0, "Of motion, in degrees.")
flags.DEFINE_float("noise", 0.0, "Standard deviation of noise that is added; of random blurs the highest.")
flags.DEFINE_bool("eight_bit", True, "Round to 8 bits, as files hold images.")
flags.DEFINE_list("methods", None, "Rows of the table; all by default, and --methods= leaves out all but one's own.")
flags.DEFINE_list("blur_weights", None, "Weights of the blurred image in the composite losses.")
flags.DEFINE_string("model", None, f"A network of one's own: {', '.join(ae.ARCHITECTURES)}.")
flags.DEFINE_integer("latent_size", 256, "Its latent size, if it is an autoencoder.")
flags.DEFINE_list("loss", ["warm_up=1"], "Its loss, as name=weight,name=weight; blurred_NAME is against the blur.")
flags.DEFINE_float("adversary", None, "Weight of a discriminator that is trained along with it.")
flags.DEFINE_integer("num_seeds", 3, "Networks of each kind, from seeds 0, 1, ...", lower_bound=1)
flags.DEFINE_integer("epochs", None, "Passes over the images; by default each network's own.", lower_bound=1)
flags.DEFINE_string("out", "runs", "Folder that run folders are put into.")
flags.DEFINE_string("name", None, "Name of the run folder; the data set's with _deblurred by default.")
flags.DEFINE_bool("overwrite", False, "Replace a run folder of that name.")
flags.DEFINE_bool("resume", False, "Go on with an unfinished run of that name.")

SMALL = 16  # pixels of a side, below which a kernel is smaller by default
HEADINGS = {"mae": "MAE", "psnr": "PSNR", "ssim": "SSIM", "laplacian": "Laplacian", "way": "way", "clear": "p(clear)"}


def the_blur(image_shape: tuple[int, int, int]) -> ae.Blur | ae.RandomBlur:
    """The degradation that the flags describe; ValueError where it does not suit the images."""
    size = FLAGS.size if FLAGS.size is not None else 5 if min(image_shape[:2]) >= SMALL else 3
    blur: ae.Blur | ae.RandomBlur
    if FLAGS.kernel == RANDOM:
        strays = [name for name in ("strength", "angle") if FLAGS[name].present]
        if strays:
            raise ValueError(f"`--{strays[0]}` is drawn anew for every image with --kernel=random; leave it out.")
        blur = ae.RandomBlur(size, noise=FLAGS.noise, eight_bit=FLAGS.eight_bit)
    else:
        blur = ae.Blur(FLAGS.kernel, size, FLAGS.strength, FLAGS.angle, FLAGS.noise, FLAGS.eight_bit)
    one = jax.ShapeDtypeStruct((1, *image_shape), np.float32)
    jax.eval_shape(blur, jax.random.key(0), one)  # refuses a kernel that is larger than the images
    return blur


def blur_weights() -> list[float]:
    """Weights of the blurred image, rising; ValueError for what is none."""
    from aecluster import deblurring

    if FLAGS.blur_weights is None:
        return list(deblurring.BLUR_WEIGHTS)
    given = command.numbers(FLAGS.blur_weights, "--blur_weights")
    if not all(0 <= weight < float("inf") for weight in given):
        raise ValueError(f"`--blur_weights` must be finite and not negative, got {given}; choose 0 to 2.")
    return sorted(given)


def own(image_shape: tuple[int, int, int]) -> dict[str, "deblurring.Preset"]:
    """The network that the flags describe, if they do."""
    from aecluster import deblurring

    if FLAGS.model is None:
        strays = [name for name in ("loss", "adversary", "latent_size") if FLAGS[name].present]
        if strays:
            raise ValueError(f"`--{strays[0]}` is of a network of one's own; name that network with --model.")
        return {}
    kind = ae.architecture_named(FLAGS.model, ae.ARCHITECTURES)
    if kind is ae.Restorer and FLAGS["latent_size"].present:
        raise ValueError("`--latent_size` is of autoencoders, and a restorer has no latent space; leave it out.")
    architecture = ae.Restorer() if kind is ae.Restorer else kind(FLAGS.latent_size)
    ae.check_architecture(architecture, image_shape)
    weights = command.hyperparameters(FLAGS.loss, "--loss", example="l1=1,ssim=0.1")
    return {OWN: deblurring.mixture(architecture, weights, FLAGS.adversary)}


def rows_of(image_shape: tuple[int, int, int]) -> tuple[list[str], dict[str, "deblurring.Preset"]]:
    """The rows asked for, and how those that are networks are trained."""
    from aecluster import deblurring

    mine = own(image_shape)
    known = deblurring.networks(image_shape) | deblurring.losses(image_shape, blur_weights()) | mine
    names = [*deblurring.PEERS, *known]
    if FLAGS.methods is not None:
        deblurring.check_methods(FLAGS.methods, names)
        names = list(dict.fromkeys([*FLAGS.methods, *mine]))
    if not names:
        raise ValueError("`--methods` names none; name some, or a network of one's own with --model.")
    return names, {name: known[name] for name in names if name in known}


def sized(preset: "deblurring.Preset", num_train: int) -> "deblurring.Preset":
    """The preset for so many images, with the flags' change."""
    recipe = preset.recipe.for_images(num_train)
    if FLAGS.epochs is not None:
        recipe = dataclasses.replace(recipe, epochs=FLAGS.epochs)
    return dataclasses.replace(preset, recipe=recipe)


def learn_judge(data: ae.ImageData, blur: ae.Blur | ae.RandomBlur, folder: Path) -> ae.Discriminator:
    """The discriminator of blurred against clear, learned once a run."""
    path = folder / "judge.npz"
    if not path.is_file():
        ae.learn_discriminator(data.train.images, blur).save(path)
    return ae.Discriminator.load(path)


def train_all(
    presets: dict[str, "deblurring.Preset"],
    data: ae.ImageData,
    blur: ae.Blur | ae.RandomBlur,
    judge: ae.Discriminator,
    folder: Path,
) -> dict[str, ae.Ensemble]:
    """Every network, one after the other, each into its own checkpoints."""
    from aecluster import deblurring

    trained: dict[str, ae.Ensemble] = {}
    total, done = sum(preset.recipe.epochs for preset in presets.values()), 0
    with Reporter("epochs") as reporter:
        for name, preset in presets.items():

            def tell(progress: ae.Progress, name: str = name, before: int = done) -> None:
                errors = f"{name}: train {progress.train_error:.4f}, test {progress.test_error:.4f}"
                reporter.tell(before + progress.epoch, total, errors, step=1)

            trained[name] = deblurring.train_preset(
                preset,
                data,
                blur,
                judge,
                seeds=range(FLAGS.num_seeds),
                checkpoints=folder / "checkpoints" / name,
                on_epoch=tell,
            )
            done += preset.recipe.epochs
    return trained


def table(rows: list[dict[str, float | str]]) -> str:
    """The scores as a person wants to read them."""
    lines = [f"{'method':<18} {'MAE':<17}" + "".join(f"{heading:>11}" for heading in list(HEADINGS.values())[1:])]
    for row in rows:
        error = f"{row['mae']:.4f}" + (f" ± {row['mae_std']:.4f}" if row["seeds"] != 1 else "")
        cells = "".join(f"{row[name]:>11.{2 if name == 'psnr' else 3}f}" for name in list(HEADINGS)[1:])
        lines.append(f"{row['method']:<18} {error:<17}{cells}")
    return "\n".join(lines)


def draw(
    data: ae.ImageData,
    blurred: np.ndarray,
    methods: dict[str, "deblurring.Method"],
    scored: dict[str, "deblurring.Scores"],
    by_width: list[tuple[str, float, "deblurring.Scores"]],
    folder: Path,
) -> list[str]:
    """All figures that these methods give, as png and pdf. Returns their names."""
    from aecluster import deblurring, figures

    losses = deblurring.losses(data.image_shape, blur_weights())
    groups = {
        "restorations": {name: method for name, method in methods.items() if name not in losses},
        "losses": {name: method for name, method in methods.items() if name in losses},
    }
    pictures = {stem: deblurring.grid(data.test, blurred, group, scored) for stem, group in groups.items() if group}
    best = min(methods, key=lambda name: scored[name]["mae"].mean())
    pictures["failures"] = deblurring.failures(data.test, blurred, best, methods[best], scored[best])
    named = deblurring.composites(data.image_shape, blur_weights())
    points = {weight: scored[name] for weight, name in named.items() if name in scored}
    if len(points) > 1:
        pictures["weight_curve"] = deblurring.weight_curve(points)
    pictures["strength_curve"] = deblurring.strength_curve(by_width)
    for stem, figure in pictures.items():
        figures.write(figure, [folder / f"{stem}.png", folder / f"{stem}.pdf"])
    return list(pictures)


def main() -> None:
    """Load, blur, train, score, draw."""
    from aecluster import deblurring

    data = ae.load(FLAGS.data, FLAGS.data_dir)
    blur = the_blur(data.image_shape)
    names, presets = rows_of(data.image_shape)
    presets = {name: sized(preset, len(data.train.images)) for name, preset in presets.items()}
    path = Path(FLAGS.out) / (FLAGS.name or f"{data.name.replace('/', '_')}_deblurred")
    with command.run_folder(path, FLAGS.overwrite, FLAGS.resume) as folder:
        command.save_flags(folder)
        judge = learn_judge(data, blur, folder)
        trained = train_all(presets, data, blur, judge, folder)
        methods: dict[str, deblurring.Method] = {
            name: trained[name].reconstruct if name in trained else deblurring.peer(name, data, blur) for name in names
        }
        clear, blurred = data.test.images, ae.corrupted(blur, data.test.images)
        scored: dict[str, deblurring.Scores] = {}
        by_width: list[tuple[str, float, deblurring.Scores]] = []
        everyone = {deblurring.NOTHING: deblurring.untouched, **methods}
        with Reporter("methods scored") as reporter:
            for name, method in everyone.items():
                scored[name] = deblurring.score_seeds(method, clear, blurred, judge)
                reporter.tell(len(scored), len(everyone), name, step=1)
        blurs = deblurring.strengths(data.image_shape)
        compared = {name: methods[name] for name in deblurring.best(scored, names)}
        with Reporter("strengths scored") as reporter:
            for each in deblurring.by_strength(compared, blurs, clear):
                by_width.append(each)
                reporter.tell(len(by_width), len(blurs) * (len(compared) + 2), each[0], step=1)
        rows = [deblurring.summary(name, scores) for name, scores in scored.items()]
        asked = list(deblurring.judged_mixtures(judge, clear, blurred))
        command.write_table(folder / "metrics.csv", rows)
        command.write_table(folder / "judge.csv", asked)
        widths = [{"width": width, **deblurring.summary(name, scores)} for name, width, scores in by_width]
        command.write_table(folder / "strengths.csv", widths)
        drawn = draw(data, blurred, methods, scored, by_width, folder)
    print(f"{data.name}: {len(data.train.images):,} images to train on, {len(clear):,} to test on; {blur}")
    print(table(rows))
    shares = ", ".join(f"{row['probability']:.3f} at {row['share_of_clear']:g}" for row in asked)
    print(f"discriminator: probability that (1 - a) blurred + a clear is clear: {shares}")
    print(f"wrote {path}: metrics.csv, strengths.csv, judge.csv, checkpoints, {', '.join(drawn)} (png and pdf)")


if __name__ == "__main__":
    command.run(main)
