"""Pictures of sweeps and of walks."""

from hillopt.pictures.atlas import AtlasPanel, atlas_figure
from hillopt.pictures.charts import Cells, Chart, Line, chart_figure
from hillopt.pictures.comparison import comparison_figure, overlay_figure, ratio_figure
from hillopt.pictures.dimension import dimension_figure
from hillopt.pictures.marks import in_per_cent
from hillopt.pictures.plot import plot
from hillopt.pictures.read import DOUBT, DOUBT_OF_LOSSES, doubt_of
from hillopt.pictures.style import get_ready, write
from hillopt.pictures.walk import WalkPanel, walk_figure, write_walk_film
from hillopt.pictures.zoom import write_film, zoom_figure

__all__ = [
    "DOUBT",
    "DOUBT_OF_LOSSES",
    "AtlasPanel",
    "Cells",
    "Chart",
    "Line",
    "WalkPanel",
    "atlas_figure",
    "chart_figure",
    "comparison_figure",
    "dimension_figure",
    "doubt_of",
    "get_ready",
    "in_per_cent",
    "overlay_figure",
    "plot",
    "ratio_figure",
    "walk_figure",
    "write",
    "write_film",
    "write_walk_film",
    "zoom_figure",
]
