"""The picture of any sweep."""

from typing import TYPE_CHECKING

from hillopt.pictures.heights import draw_heights
from hillopt.pictures.read import Picture
from hillopt.pictures.values import draw_values

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


def plot(dataset: "xarray.Dataset") -> "Figure":
    """Draw a sweep, in memory or opened from its store, as its question says how.

    One axis gives a curve, two give a map, more give facets of such maps, at most four in each direction. Of critical heights
    with `heights` over one axis, the map of verdicts is drawn. What is not known is shown as not known: undecided cells are
    hatched and pale, diverged ones cross-hatched, flagged ones marked in a colour outside the colour map, and where no proof was
    attempted the title says so. Returns an ordinary Matplotlib figure. Raises ValueError for a data set that no sweep made.
    """
    picture = Picture.of(dataset)
    return draw_heights(picture) if picture.look.scale == "heights" else draw_values(picture)
