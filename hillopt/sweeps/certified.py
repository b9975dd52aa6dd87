"""The certificate of one cell of a sweep, from what the data set says of it."""

import json
from typing import TYPE_CHECKING

import numpy as np

from hillopt.certificates import OPTIMIZERS, AbstractCertificate, certificate_of
from hillopt.questions.certificate import part_of, rounding_to, typed_in
from hillopt.walk import Certainty

if TYPE_CHECKING:
    import xarray

CERTIFIED = ("CriticalHeight", "Escape")


def cell_certificate(cell: "xarray.Dataset") -> AbstractCertificate:
    """What proves the answer in one cell of a sweep, `dataset.isel(learning_rate=3, b1=0)`, made from that answer alone.

    It has been checked before it is returned, as that of `certificate`. Raises ValueError for several cells, for questions other
    than critical heights and escapes, and where the answer claims nothing or the certificate does not prove it.
    """
    about = cell.attrs
    if about.get("question") not in CERTIFIED or cell["certainty"].ndim:
        got = f"{cell['certainty'].size} cells" if "certainty" in cell else "none"
        raise ValueError(
            f"`cell` must be one cell of a sweep of {' or '.join(CERTIFIED)}, got {got} of {about.get('question')!r}; take it by "
            "isel."
        )
    numbers, own = json.loads(about["numbers"]), OPTIMIZERS.get(about["optimizer"], {})
    axes = {str(name): value.item() for name, value in cell.coords.items() if not value.ndim}
    optimizer = numbers["optimizer"] | {name: value for name, value in axes.items() if name in own}
    hill = numbers["hill"] | {name: value for name, value in axes.items() if name not in own}
    is_typed = cell["certainty"].item() == Certainty.AS_TYPED
    dtype = np.dtype(about["dtype"])
    reading = typed_in(dtype) if is_typed else rounding_to(dtype)
    answer = {str(name): value.item() for name, value in cell.data_vars.items() if not value.ndim}
    parts = part_of(about["hill"], hill, reading), part_of(about["optimizer"], optimizer, reading)
    return certificate_of(*parts, answer, int(about["max_steps"]))
