"""Several trainings side by side: their numbers as tables, their pictures as files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from aecluster import figures
from aecluster.data import ImageData
from aecluster.ensemble import Ensemble, Trained, dead_pixels_of
from aecluster.images import HostImages
from aecluster.metrics import INK, OFTEN
from aecluster.models import Variational, count_parameters
from aecluster.variational import evidence as bounds_of
from aecluster.variational import sample_prior

COLUMNS = 10  # images of a grid
HANDFUL = 6  # images beside the maps of dead pixels
WALK = 20  # images along each side of the walk through a 2-D latent space
LEAST = 1e-12  # of an error on a logarithmic scale, where black images leave none
THUMBNAILS = 36  # across a map of thumbnails


def metrics(trained: Trained) -> Iterator[dict[str, float | str]]:
    """One row a training: sizes, errors on pixels in [0, 1] as mean and standard deviation over seeds, dead pixels."""
    for (recipe, latent_size), ensemble in trained.items():
        last = ensemble.history.kept()
        yield {
            "recipe": recipe,
            "latent_size": latent_size,
            "parameters": count_parameters(ensemble.params) // len(ensemble),
            "seeds": len(ensemble),
            "epochs": ensemble.history.num_epochs,
            "train_mae": float(last["train_error"].mean()),
            "test_mae": float(last["test_error"].mean()),
            "test_mae_std": float(last["test_error"].std()),
            "dead_pixels": float(last["dead_pixels"].mean()),
        }


def evidence(trained: Trained, images: HostImages) -> Iterator[dict[str, float | str]]:
    """One row a variational training: lower bounds of the logarithm of an image's probability, in nats, over seeds."""
    for (recipe, latent_size), ensemble in trained.items():
        if isinstance(ensemble.architecture, Variational):
            row: dict[str, float | str] = {
                "recipe": recipe,
                "latent_size": latent_size,
                "beta": ensemble.architecture.beta,
            }
            for name, bound in bounds_of(ensemble, images)._asdict().items():
                row |= {name: float(bound.mean()), f"{name}_std": float(bound.mean(1).std())}
            yield row


def history(trained: Trained) -> Iterator[dict[str, float | str]]:
    """One row an epoch of every network."""
    for (recipe, latent_size), ensemble in trained.items():
        columns = ensemble.history.columns()
        for index, seed in enumerate(ensemble.seeds):
            for epoch in range(ensemble.history.num_epochs):
                numbers = {name: values[index, epoch].item() for name, values in columns.items()}
                yield {"recipe": recipe, "latent_size": latent_size, "seed": seed, "epoch": epoch + 1, **numbers}


def draw(data: ImageData, trained: Trained, folder: Path) -> list[str]:
    """All figures of the trainings into a folder, as png and pdf; of an ensemble its first member. Returns their names."""
    drawn: list[str] = []

    def write(name: str, figure: Figure) -> None:
        figures.write(figure, [folder / f"{name}.png", folder / f"{name}.pdf"])
        drawn.append(name)

    several = len({recipe for recipe, _ in trained}) > 1
    names = {key: f"{key[0]}, {key[1]}" if several else f"latent {key[1]}" for key in trained}
    _draw_reconstructions(data, {names[key]: ensemble for key, ensemble in trained.items()}, write)
    _draw_curves({names[key]: ensemble for key, ensemble in trained.items()}, write)
    sizes = sorted({size for _, size in trained})
    last = {f"{recipe} recipe": ensemble for (recipe, size), ensemble in trained.items() if size == sizes[-1]}
    _draw_dead_pixels(data, last, write)
    own = {names[key]: each for key, each in trained.items() if isinstance(each.architecture, Variational)}
    if own:
        rows = {name: sample_prior(each, COLUMNS)[0] for name, each in own.items()}
        write("prior_samples", figures.sample_rows(rows))
    planes = [ensemble for (_, size), ensemble in trained.items() if size == 2]
    if planes:
        _draw_plane(data, planes[-1], write)
    return drawn


Write = Callable[[str, Figure], None]


def _draw_reconstructions(data: ImageData, ensembles: dict[str, Ensemble], write: Write) -> None:
    test = data.test
    chosen = np.arange(min(COLUMNS, len(test.images)))
    if test.labels is not None:
        chosen = figures.one_of_each(test.labels)[:COLUMNS]
    labels = None if test.labels is None else test.labels[chosen]
    rows = {name: ensemble.reconstruct(test.images[chosen])[0] for name, ensemble in ensembles.items()}
    notes = {name: f"MAE {ensemble.history.kept()['test_error'].mean():.4f}" for name, ensemble in ensembles.items()}
    write("reconstructions", figures.reconstruction_grid(test.images[chosen], rows, labels, notes=notes))


def _draw_curves(ensembles: dict[str, Ensemble], write: Write) -> None:
    """As many in one figure as eyes tell apart, and as many figures as that takes."""
    curves = {
        name: (np.maximum(ensemble.history.train_error, LEAST), np.maximum(ensemble.history.test_error, LEAST))
        for name, ensemble in ensembles.items()
    }
    names = list(curves)
    for number, start in enumerate(range(0, len(names), figures.MOST_CURVES)):
        some = {name: curves[name] for name in names[start : start + figures.MOST_CURVES]}
        stem = "loss_curves" if number == 0 else f"loss_curves_{number + 1}"
        write(stem, figures.loss_curves(some, loss_name="mean absolute error"))


def _draw_dead_pixels(data: ImageData, ensembles: dict[str, Ensemble], write: Write) -> None:
    images = data.test.images
    rebuilt = {recipe: ensemble.reconstruct(images)[0] for recipe, ensemble in ensembles.items()}
    dead = {recipe: np.any(dead_pixels_of(pixels, images), -1) for recipe, pixels in rebuilt.items()}
    inked = ((images > INK).mean(0) > OFTEN).any(-1)
    rows = {recipe: pixels[:HANDFUL] for recipe, pixels in rebuilt.items()}
    write("dead_pixels", figures.cure_comparison(images[:HANDFUL], rows, dead, inked))


def _draw_plane(data: ImageData, ensemble: Ensemble, write: Write) -> None:
    """The 2-D latent space of the first member: as points, as thumbnails, and decoded where the images are."""
    latents = ensemble.encode(data.test.images)[0]
    if data.test.labels is not None:
        write("latent_points", figures.latent_points(latents, data.test.labels))
        write("latent_thumbnails", figures.thumbnails(latents, data.test.images, data.test.labels, across=THUMBNAILS))
    across, up = np.quantile(latents, np.linspace(0.02, 0.98, WALK), axis=0).T
    lattice = figures.lattice(across, up)
    every = np.broadcast_to(lattice.reshape(1, -1, 2), (len(ensemble), WALK * WALK, 2))
    decoded = ensemble.decode(every.astype(np.float32))[0]
    write("latent_walk", figures.latent_walk(lattice, decoded.reshape(WALK, WALK, *ensemble.image_shape)))
