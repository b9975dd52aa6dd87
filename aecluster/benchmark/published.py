"""Accuracies on the same images as their authors have published them."""

from typing import NamedTuple


class Published(NamedTuple):
    """One number of one paper."""

    data: str
    method: str
    accuracy: float
    source: str


DEC, IDEC = "Xie et al. 2016, arXiv:1511.06335", "Guo et al. 2017, doi:10.24963/ijcai.2017/243"
N2D, DYNAE = "McConville et al. 2021, arXiv:1908.05968", "Mrabah et al. 2020, arXiv:1901.07752"
JULE = "Yang et al. 2016, arXiv:1604.03628"

PUBLISHED = (
    Published("mnist", "DEC", 0.843, DEC),
    Published("mnist", "IDEC", 0.881, IDEC),
    Published("mnist", "JULE", 0.964, JULE),
    Published("mnist", "N2D", 0.979, N2D),
    Published("mnist", "DynAE", 0.987, DYNAE),
)
