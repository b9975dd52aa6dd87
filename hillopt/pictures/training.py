"""The map of what trains: one family of colours for each end of a run, shaded by how fast it came."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hillopt.pictures.maps import draw_cells, faceted, laid_out
from hillopt.pictures.marks import Style, handle, legend, told_share
from hillopt.pictures.read import Picture
from hillopt.pictures.scales import Grid
from hillopt.questions import Training

if TYPE_CHECKING:
    import xarray
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

SHADES = 128  # of a family


class Family(NamedTuple):
    """The colours of one end: of the fastest runs and of the slowest."""

    fast: str
    slow: str


FAMILIES = {
    Training.CONVERGED: Family("#cfe3f2", "#08306b"),
    Training.BOUNDED: Family("#e4e4e4", "#4a4a4a"),
    Training.DIVERGED: Family("#fde3c1", "#a63603"),
}
"""Blue, grey and orange, which every eye tells apart; pale where it is soon clear how a run ends, deep where it takes long."""


def draw_training(picture: Picture) -> "Figure":
    """Two axes of runs: labels in colours, shaded evenly by the rank of their speed."""
    across, up = picture.dims[:2]
    labels, measures = (picture.values(name) for name in (picture.look.field, "measure"))
    ranked = ranked_speeds(labels, measures)

    def draw(axes: "Axes", dataset: "xarray.Dataset") -> None:
        draw_runs(axes, laid_out(axes, dataset, (across, up)), dataset.transpose(..., up, across), ranked)

    figure, _ = faceted(picture, draw, size=(7.2, 6.2))
    legend(figure, training_handles(labels))
    return figure


def ranked_speeds(labels: np.ndarray, measures: np.ndarray) -> dict[Training, np.ndarray]:
    """The speeds of each end's runs, sorted."""
    return {kind: np.sort(measures[(labels == kind) & np.isfinite(measures)]) for kind in Training}


def draw_runs(axes: "Axes", grid: Grid, cells: "xarray.Dataset", ranked: dict[Training, np.ndarray]) -> None:
    """Cells [y, x] in the colours of their ends."""
    from matplotlib.colors import Normalize

    shades = shaded(cells["outcome"].values, cells["measure"].values, ranked)
    draw_cells(axes, grid, shades, _colours(), Normalize(0, len(Training)))


def training_handles(labels: np.ndarray) -> list["Artist"]:
    """Entries of a legend, for the ends that there are."""
    from matplotlib.colors import to_hex

    colours = _colours()
    return [
        handle(Style(to_hex(colours((kind + 0.5) / len(Training)))), _entry(kind, labels))
        for kind in Training
        if (labels == kind).any()
    ]


def shaded(labels: np.ndarray, measures: np.ndarray, ranked: dict[Training, np.ndarray]) -> np.ndarray:
    """Each label plus a shade in [0, 1): the share of `ranked` runs of its kind that were faster."""
    shade = np.zeros(labels.shape)
    for kind, known in ranked.items():
        here = labels == kind
        size = max(known.size, 1)
        share = np.searchsorted(known, np.where(np.isfinite(measures[here]), measures[here], np.inf)) / size
        shade[here] = np.clip(1 - share if kind == Training.CONVERGED else share, 0, 1 - 1 / SHADES)
    return labels + shade


def _entry(kind: Training, labels: np.ndarray) -> str:
    return f"{kind.name.lower()} ({told_share(int((labels == kind).sum()), labels.size)}), the deeper the slower"


def _colours() -> "Colormap":
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    steps = np.linspace(0, 1, SHADES)
    families = [LinearSegmentedColormap.from_list(kind.name, FAMILIES[kind])(steps) for kind in Training]
    return ListedColormap(np.concatenate(families))
