"""A trained latent space as one page to explore, in any browser, without a network.

    python -m launch.latent_map --run=runs/digits

writes runs/digits/latent_map.html of a run of launch.train: the test images as dots where their latents lie. Point at a dot for
the image, its reconstruction and its neighbours; of two latents the page also shows what the decoder draws where one points, and
lays its pictures under the dots. Zoomed in, images take the place of dots. The address holds the view and the image, so that a
link to it shows the same. The page of 10,000 images of MNIST has 5.9 MB, that of the embedded digits 0.1 MB. Latents of more than
two numbers are laid out by t-SNE:

    python -m launch.latent_map --run=runs/digits --map=cured_16 --page=latents_16.html --open
"""

import dataclasses
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import aecluster as ae
from launch import cluster, command, train

if TYPE_CHECKING:
    from aecluster import pages

PAGE = "latent_map.html"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which latents become a page, and where it goes."""

    run: Path = command.flag(Path("runs/digits"), "Folder of a finished training.")
    data_dir: Path | None = command.flag(None, "Where its images are now; by default where they were.")
    map: str | None = command.flag(
        None, "Latents to show, as RECIPE_SIZE; by default the last recipe's of size 2, or of its middle size."
    )
    page: Path | None = command.flag(None, f"The file to write; {PAGE} in the run folder by default.")
    overwrite: bool = command.flag(False, "Replace the file where it is there already.")
    open: bool = command.flag(False, "Show the page in the browser.")


def main(settings: Settings) -> None:
    """Load, encode, decode, write, show."""
    place = settings.page or settings.run / PAGE
    if place.exists() and not settings.overwrite:
        raise ValueError(f"`--page` {str(place)!r} exists; choose another name, or pass --overwrite.")
    data, trained = load(settings)
    recipe, size = chosen(settings.map, trained)
    page = page_of(data, trained[recipe, size].alone(0), f"{data.name}: {size} latents, {recipe} recipe")
    try:
        written = page.write(place, overwrite=settings.overwrite)
    except ValueError as error:
        raise ValueError(f"`--page`: {error}") from error
    print(f"wrote {written}, {len(page.text) / 1e6:.1f} MB")
    if settings.open and not webbrowser.open(written.absolute().as_uri()):
        print(f"no browser was found; open {written.absolute().as_uri()} in one.")


def load(settings: Settings) -> tuple[ae.ImageData, ae.Trained]:
    """The images that the run was trained on, and every network of it, in the order of training."""
    return train.images_of(settings.run, settings.data_dir), ae.trained(settings.run / "checkpoints")


def chosen(wanted: str | None, trained: ae.Trained) -> tuple[str, int]:
    """The latents to show, by recipe and size: a plane where there is one."""
    planes = [key for key in trained if key[1] == 2]
    return planes[-1] if wanted is None and planes else cluster.chosen_space(wanted, trained)


def page_of(data: ae.ImageData, ensemble: ae.Ensemble, title: str) -> "pages.Page":
    """The page of an ensemble of one."""
    from aecluster import pages

    images = data.test.images
    latents, rebuilt = ensemble.encode(images)[0], ensemble.reconstruct(images)[0]
    places, how = (latents, []) if ensemble.latent_size == 2 else laid_out(latents)
    told = [f"seed {ensemble.seeds[0]}, {ensemble.history.num_epochs} epochs"]
    told += [f"mean absolute error {np.abs(rebuilt - images).mean():.4f} on {len(images):,} test images", *how]
    more: dict[str, Any] = {"axis_names": None} if how else {"decode": decoder(ensemble)}
    return pages.latent_map(places, images, rebuilt, labels=data.test.labels, title=title, told=told, **more)


def laid_out(latents: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Latents of more or fewer than two numbers on a plane, and how they got there."""
    from aecluster import clustering

    if latents.shape[1] == 1:
        return np.column_stack([latents, np.zeros_like(latents)]), ["one latent, from left to right"]
    return clustering.tsne(latents), ["laid out by t-SNE, whose axes mean nothing"]


def decoder(ensemble: ae.Ensemble) -> Callable[[np.ndarray], np.ndarray]:
    """Of an ensemble of one, which decodes places (place, latent)."""

    def decode(places: np.ndarray) -> np.ndarray:
        return ensemble.decode(places[None])[0]

    return decode


if __name__ == "__main__":
    command.run(main, Settings)
