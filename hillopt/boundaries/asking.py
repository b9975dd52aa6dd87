"""Scattered settings of a grid, asked in batches of one compiled shape on all local devices."""

import concurrent.futures
import dataclasses
import functools
import math

import jax
import numpy as np

from hillopt.boundaries.search import Settings
from hillopt.lanes import on_accelerator
from hillopt.questions import in_higher_precision
from hillopt.sweeps.layout import Lanes
from hillopt.sweeps.plan import Plan
from hillopt.sweeps.program import Program, program_for

# Settings of a batch, at most. A round of the search asks about as many settings as the grid has along an axis. On one core of an
# AMD EPYC (Zen 4) 1,000 plain steps of 512, 1,024 and 8,192 settings of Adam take 3.0, 2.6 and 3.7 microseconds a setting.
LEAST, ON_A_CPU, ON_AN_ACCELERATOR = 64, 1_024, 8_192
BLOCKS = 8  # of a batch: training runs, of which a core takes few side by side, gain nothing by larger ones


def default_batch(plan: Plan) -> int:
    """Settings of a batch."""
    along = 1 << (math.isqrt(plan.size) - 1).bit_length()
    most = ON_AN_ACCELERATOR if on_accelerator() else min(ON_A_CPU, BLOCKS * plan.question.block)
    return min(max(along, LEAST), most)


@dataclasses.dataclass(frozen=True, eq=False)
class Asker:
    """Asks settings of a plan's grid, one lane after the other.

    They have the numbers, the noise and the program's steps that a sweep of the grid gives them. A lane hangs on no other one;
    the compiler, which knows that the lanes of a sweep's row share numbers, may round a last digit otherwise than here.
    """

    plan: Plan
    batch: int

    def answers(self, settings: Settings, field: str) -> np.ndarray:
        """A field's values for flat indices into the grid, the axes in the order given."""
        pieces = [settings[begin : begin + self.batch] for begin in range(0, settings.size, self.batch)]
        programs = [self._programs[index % len(self._programs)] for index in range(len(pieces))]
        with concurrent.futures.ThreadPoolExecutor(len(self._programs)) as threads:
            found = list(threads.map(lambda program, piece: self._answer(program, piece, field), programs, pieces))
        return np.concatenate(found) if found else np.zeros(0)

    @functools.cached_property
    def _programs(self) -> list[Program]:
        """Lowered here, in the caller's thread, whose configuration of JAX counts."""
        arguments = self.plan.arguments(self._lanes(np.zeros(1, np.int64)), self.plan.first)
        return [program_for(device, *arguments) for device in jax.local_devices()]

    @property
    def fields(self) -> dict[str, jax.ShapeDtypeStruct]:
        """Shapes and dtypes of the answer's fields by name."""
        return self._programs[0].shapes

    def _answer(self, program: Program, settings: Settings, field: str) -> np.ndarray:
        lanes = self._lanes(settings)
        answer = program(*self.plan.arguments(lanes, self.plan.first))
        fields = {name: np.asarray(values) for name, values in answer.items()}
        if self.plan.question.asks_again:
            question, hill, optimizer = self.plan.world.replace(**lanes.swept)
            fields, _ = in_higher_precision(question, (hill, optimizer), fields, self.plan.size)
        return fields[field][0, : settings.size]

    def _lanes(self, settings: Settings) -> Lanes:
        """A batch, its first settings standing in beyond its end."""
        layout = self.plan.layout
        settings = np.resize(settings, self.batch)
        index = dict(zip(layout.axes, np.unravel_index(settings, layout.tiling.shape), strict=True))
        swept = {
            name: np.asarray(axis.values, layout.dtype)[index[name]][None, :] for name, axis in layout.axes.items()
        }
        row, column = (index[name].astype(np.uint32)[None, :] for name in layout.order)
        return Lanes(swept, row, column)
