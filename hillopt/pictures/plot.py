"""The picture of any sweep."""

from typing import TYPE_CHECKING

from hillopt.pictures.boundary import draw_boundary
from hillopt.pictures.heights import draw_heights
from hillopt.pictures.read import Picture
from hillopt.pictures.values import draw_values

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


def plot(dataset: "xarray.Dataset") -> "Figure":
    """Draw a sweep, in memory or opened from its store, as its question says how; or a boundary.

    One axis gives a curve, two give a map, a third and a fourth facets of such maps, at most four in each direction; of a fifth
    the first value is drawn. Of critical heights with `heights` over one axis, the map of verdicts is drawn. What is not known is
    shown as not known: undecided cells are hatched and pale, diverged ones black and cross-hatched, flagged ones hatched or
    dotted in a colour outside the colour map, with their share; where no proof was attempted the title says so. More cells than
    2^20 are thinned. The title tells every number that is not on an axis, and all that is left out.

    A list of values is drawn where they stand, on the scale on which they are evenest. Colours span all but the extreme
    hundredths; an arrow says that there are cells beyond. Returns an ordinary Matplotlib figure. Raises ValueError for what no
    sweep made, or what has lost a field or its axes since.

    Examples:
        >>> data = ho.sweep(ho.CriticalHeight(500), ho.TentHill(), ho.Adam(0.1), {"learning_rate": [0.1, 0.2, 0.3]})
        >>> figure = ho.plot(data)
        >>> figure.axes[0].set_title("Three settings of Adam").get_text()
        'Three settings of Adam'
    """
    picture = Picture.of(dataset)
    if "mixed" in dataset:
        return draw_boundary(picture)
    return draw_heights(picture) if picture.look.scale == "heights" else draw_values(picture)
