"""How far a sweep is, as a bar: in a notebook's output, or on a terminal."""

import warnings
from typing import Any

from hillopt.sweeps.scheduler import Progress


class ProgressBar:
    """Draws a bar from the first tile to the last: `ho.sweep(..., on_progress=ho.ProgressBar())`.

    In a notebook with ipywidgets it is a widget, elsewhere a line of text. It tells the settings done, their speed without that
    of the first tile, which was compiled too, and the time left. Make one for each sweep.
    """

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, progress: Progress) -> None:
        """After every tile; at the last one the bar stays as it is."""
        if self._bar is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a notebook without ipywidgets is nothing to warn of: it gets the line
                from tqdm.auto import tqdm

            self._bar = tqdm(total=progress.num_cells, initial=progress.cells, unit=" settings", unit_scale=True)
        self._bar.update(progress.cells - self._bar.n)
        if progress.cells == progress.num_cells:
            self._bar.close()
            self._bar = None
