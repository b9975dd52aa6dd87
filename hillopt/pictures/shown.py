"""A figure that a notebook shows."""

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """An ordinary figure, which notebooks show as a picture also where pyplot, which teaches them to, was never imported."""

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.savefig(written, format="png")
        return written.getvalue()
