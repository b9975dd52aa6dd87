"""What a person wants to know of a sweep first: gone through piece by piece, so that memory is bounded by a piece."""

import collections
import dataclasses
import json
from typing import TYPE_CHECKING

import jax
import numpy as np

import hillopt as ho
from hillopt import pictures

if TYPE_CHECKING:
    import xarray

NOTES: dict[tuple[ho.Verdict, ho.Certainty | None], str] = {
    (ho.Verdict.TRAPPED, ho.Certainty.CERTIFIED): "settled: proved for any number of steps",
    (ho.Verdict.TRAPPED, ho.Certainty.AS_TYPED): "settled, for the numbers as typed",
    (ho.Verdict.UNDECIDED, ho.Certainty.CERTIFIED): "limited by max_steps",
    (ho.Verdict.UNDECIDED, ho.Certainty.AS_TYPED): "limited by max_steps, for the numbers as typed",
}
ENDS = ("verdict", "certainty", "outcome")  # fields that tell how a walk ended
SURE: dict[ho.Certainty | None, str] = {
    ho.Certainty.FLAGGED: "rounding decides",
    ho.Certainty.UNCHECKED: "no proof was attempted",
}
DOUBT = f"  unchecked: {pictures.DOUBT}; --question=stability maps how many, --climb=bounded proves what can be proved"
DOUBT_OF_ENDS = f"  {pictures.DOUBT}; --question=trainability_stability maps how many"
DOUBT_OF_LOSSES = f"  {pictures.DOUBT_OF_LOSSES}; --question=stability maps where labels do"
TOLD = {pictures.DOUBT: DOUBT, pictures.DOUBT_OF_LOSSES: DOUBT_OF_LOSSES}


def summary(dataset: "xarray.Dataset", seconds: float, progress: ho.Progress) -> str:
    """The title, what came out, and how long it took."""
    about = dataset.attrs
    title = f"{about['title']}: {progress.num_cells:,} settings, {about['dtype']}, {about['device']}"
    told = speed(seconds, progress) if "critical_height" in dataset else f"  {seconds:.1f} s, compilation included"
    return "\n".join([title, *what_came_out(dataset), *map(cost, progress.costs), told])


def cost(cost: ho.Cost) -> str:
    """How many settings a higher precision was asked for, how many it has answered, and how long it took."""
    arithmetic = "exact arithmetic" if cost.precision == "exact" else cost.precision
    return (
        f"  asked again in {arithmetic}: {cost.asked:,}, of which {cost.answered:,} are answered, {cost.seconds:.1f} s"
    )


def speed(seconds: float, progress: ho.Progress) -> str:
    """Settings walked, and where this process walked them all the steps that they stand for."""
    if progress.found or jax.process_count() > 1:
        return f"  {progress.num_cells - progress.found:,} settings walked in {seconds:.1f} s, compilation included"
    return (
        f"  {progress.steps:,} optimizer steps answered for in {seconds:.1f} s, {progress.steps / seconds:.3g} a second, "
        "compilation included"
    )


def what_came_out(dataset: "xarray.Dataset") -> list[str]:
    """How the walks ended and how that is known, the largest of critical heights, and the ranges of all other numbers."""
    ends, open_ends, highest, tallies = Ends(), Open(), Highest(), dict[str, Tally]()
    trained: collections.Counter[ho.Training] = collections.Counter()
    asked = json.loads(dataset.attrs.get("look", "{}")).get("field")
    for piece in ho.pieces(dataset):
        if "verdict" in piece:
            ends.add(piece)
        if "outcome" in piece:
            trained.update({kind: int((piece["outcome"].values == kind).sum()) for kind in ho.Training})
        if "critical_height" in piece:
            highest.add(piece)
            if "upper" in piece:
                open_ends.add(piece)
            continue
        for name, values in piece.data_vars.items():
            if values.dtype.kind in "fb" or (name == asked and name not in ENDS):
                tallies.setdefault(str(name), Tally(values.dtype.kind == "b")).add(values.values)
    return [
        *ends.lines(),
        *(
            f"  {kind.name.lower():<10}{trained[kind]:>14,}  {share(trained[kind], trained.total()):>8}"
            for kind in trained
        ),
        *open_ends.lines(),
        *highest.lines(),
        *(f"  {name:<16} {tally.told()}" for name, tally in tallies.items()),
        *doubts(dataset, ends),
    ]


def share(count: int, size: int) -> str:
    """In per cent; 100 only where it is all, and 0 only where it is none."""
    return pictures.in_per_cent(count, size, 2)


@dataclasses.dataclass
class Ends:
    """How many walks ended how, and how well that is known, added up piece by piece."""

    counts: collections.Counter[tuple[ho.Verdict, ho.Certainty | None]] = dataclasses.field(
        default_factory=collections.Counter
    )

    def add(self, piece: "xarray.Dataset") -> None:
        """Count a piece too."""
        verdict = piece["verdict"].values
        certainty = piece["certainty"].values if "certainty" in piece else np.full(verdict.shape, -1)
        for kind in ho.Verdict:
            for sure in ho.Certainty if "certainty" in piece else (None,):
                self.counts[kind, sure] += int(
                    ((verdict == kind) & (certainty == (-1 if sure is None else sure))).sum()
                )

    @property
    def is_unchecked(self) -> bool:
        """Whether no proof was attempted anywhere."""
        return {sure for (_, sure), count in self.counts.items() if count} == {ho.Certainty.UNCHECKED}

    def lines(self) -> list[str]:
        """One for each end and certainty that there is; their shares add up to one."""
        size = self.counts.total()
        return [
            f"  {kind.name.lower():<10}{'' if sure is None else sure.name.lower():<10}{count:>14,}  {share(count, size):>8}"
            + (f"  {note}" if (note := NOTES.get((kind, sure)) or SURE.get(sure)) else "")
            for (kind, sure), count in self.counts.items()
            if count
        ]


@dataclasses.dataclass
class Open:
    """What is known of walks over the valley that proofs have left undecided: how far their ends lie apart, piece by piece."""

    unbounded: int = 0
    low: float = np.inf
    """The least factor from the lower end to the upper one."""
    high: float = -np.inf

    def add(self, piece: "xarray.Dataset") -> None:
        """Look at a piece too."""
        undecided = (piece["verdict"].values == ho.Verdict.UNDECIDED) & (
            piece["certainty"].values > ho.Certainty.FLAGGED
        )
        lower, upper = piece["critical_height"].values[undecided], piece["upper"].values[undecided]
        factors = upper[lower > 0] / lower[lower > 0]
        bounded = factors[np.isfinite(factors)]
        self.unbounded += factors.size - bounded.size
        if bounded.size:
            self.low, self.high = min(self.low, float(bounded.min())), max(self.high, float(bounded.max()))

    def lines(self) -> list[str]:
        """One, if there are any."""
        ends = f"h* has an upper end {self.low:.3g} to {self.high:.3g} times the lower one, " if self.high > 0 else ""
        unbounded = f"{self.unbounded:,} have none, " if self.unbounded else ""
        if not ends + unbounded:
            return []
        return [
            f"  of the undecided {ends}{unbounded}and nothing shows yet that they repeat themselves: --max_steps=auto goes on"
        ]


@dataclasses.dataclass
class Highest:
    """The largest critical height of the walks that have not diverged, and where it is, piece by piece."""

    size: int = 0
    not_finite: int = 0
    highest: float = -np.inf
    where: str = ""

    def add(self, piece: "xarray.Dataset") -> None:
        """Look at a piece too."""
        sound, finite = piece["verdict"].values != ho.Verdict.DIVERGED, np.isfinite(piece["critical_height"])
        self.size += sound.size
        self.not_finite += int((sound & ~finite).sum())
        heights = piece["critical_height"].where(sound & finite)
        if heights.notnull().any() and float(heights.max()) > self.highest:
            self.highest, best = float(heights.max()), heights.argmax(...)
            flagged = bool(piece["certainty"].isel(best) == ho.Certainty.FLAGGED)
            places = [f"{name} = {piece[name].values[int(index)]:.6g}" for name, index in best.items()]
            self.where = ", ".join(places) + ("; flagged: rounding decides" if flagged else "")

    def lines(self) -> list[str]:
        """What there is to tell."""
        others = f"  not finite{self.not_finite:>24,}  {share(self.not_finite, self.size):>8}"
        largest = f"  largest h* {self.highest:.6g} at {self.where}"
        return [*([others] if self.not_finite else []), *([largest] if self.where else [])]


@dataclasses.dataclass
class Tally:
    """What there is of one field, added up piece by piece."""

    are_truths: bool
    size: int = 0
    counted: int = 0
    """Of numbers the finite ones, of truths the true ones."""
    low: float = np.inf
    high: float = -np.inf

    def add(self, values: np.ndarray) -> None:
        """Count a piece too."""
        counted = values if self.are_truths else np.isfinite(values)
        self.size += values.size
        self.counted += int(counted.sum())
        if not self.are_truths and counted.any():
            self.low = min(self.low, float(values[counted].min()))
            self.high = max(self.high, float(values[counted].max()))

    def told(self) -> str:
        """Of truths their share; of numbers from the least to the greatest finite one, and how many others there are."""
        if self.are_truths:
            return share(self.counted, self.size)
        others = self.size - self.counted
        told = f"{self.low:.6g} to {self.high:.6g}" if self.counted else "nowhere finite"
        return f"{told}, {others:,} of {self.size:,} not finite" if others else told


def doubts(dataset: "xarray.Dataset", ends: Ends) -> list[str]:
    """What an answer without proofs is worth where walks may be chaotic, and how to learn more."""
    doubt = pictures.doubt_of(dataset, ends.is_unchecked)
    if doubt is not None and "outcome" in dataset:
        return [DOUBT_OF_ENDS]
    return [] if doubt is None else [TOLD[doubt]]
