"""What a person wants to know of a sweep first: gone through piece by piece, so that memory is bounded by a piece."""

import dataclasses
from typing import TYPE_CHECKING

import jax
import numpy as np

import hillopt as ho

if TYPE_CHECKING:
    import xarray

NOTES = {
    ho.Verdict.TRAPPED: "  settled: proved for any number of steps",
    ho.Verdict.UNDECIDED: "  limited by max_steps",
}


SURE = {
    ho.Certainty.UNCHECKED: "  no proof was attempted",
    ho.Certainty.FLAGGED: "  rounding decides",
}


def summary(dataset: "xarray.Dataset", seconds: float, progress: ho.Progress) -> str:
    """The title, what came out, and how long it took."""
    about = dataset.attrs
    title = f"{about['title']}: {progress.num_cells:,} settings, {about['dtype']}, {about['device']}"
    if "critical_height" in dataset:
        lines = [*heights(dataset), speed(seconds, progress)]
    else:
        lines = [*ranges(dataset), f"  {seconds:.1f} s, compilation included"]
    return "\n".join([title, *lines])


def speed(seconds: float, progress: ho.Progress) -> str:
    """Settings walked, and where this process walked them all the steps that they stand for."""
    if progress.found or jax.process_count() > 1:
        return f"  {progress.num_cells - progress.found:,} settings walked in {seconds:.1f} s, compilation included"
    return (
        f"  {progress.steps:,} optimizer steps answered for in {seconds:.1f} s, {progress.steps / seconds:.3g} a second, "
        "compilation included"
    )


@dataclasses.dataclass
class Counts:
    """What there is of critical heights, added up piece by piece."""

    size: int = 0
    certainties: dict[ho.Certainty, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(ho.Certainty, 0))
    not_finite: int = 0
    """Of the walks that have not diverged."""
    highest: float = -np.inf
    """Of these, where they are finite."""
    where: str = ""
    verdicts: dict[ho.Verdict, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(ho.Verdict, 0))

    def add(self, piece: "xarray.Dataset") -> None:
        """Count a piece too."""
        verdict = piece["verdict"].values
        self.size += verdict.size
        for kind in ho.Verdict:
            self.verdicts[kind] += int((verdict == kind).sum())
        for certainty in ho.Certainty:
            self.certainties[certainty] += int((piece["certainty"].values == certainty).sum())
        sound, finite = verdict != ho.Verdict.DIVERGED, np.isfinite(piece["critical_height"])
        self.not_finite += int((sound & ~finite).sum())
        heights = piece["critical_height"].where(sound & finite)
        if heights.notnull().any() and float(heights.max()) > self.highest:
            self.highest, best = float(heights.max()), heights.argmax(...)
            self.where = ", ".join(f"{name} = {piece[name].values[int(index)]:.6g}" for name, index in best.items())


def heights(dataset: "xarray.Dataset") -> list[str]:
    """Verdicts, flags and the largest of critical heights."""
    found = Counts()
    for piece in ho.pieces(dataset):
        found.add(piece)
    lines = [
        f"  {kind.name.lower():<10} {count:>13,}  {count / found.size:7.2%}{NOTES.get(kind, '')}"
        for kind, count in found.verdicts.items()
        if count
    ]
    lines += [
        f"  {kind.name.lower():<10} {count:>13,}  {count / found.size:7.2%}{SURE[kind]}"
        for kind, count in found.certainties.items()
        if count and kind in SURE
    ]
    if found.not_finite:
        lines.append(f"  not finite {found.not_finite:>13,}  {found.not_finite / found.size:7.2%}")
    if found.where:
        lines.append(f"  largest h* {found.highest:.6g} at {found.where}")
    return lines


KINDS: dict[str, type[ho.Verdict] | type[ho.Certainty]] = {"verdict": ho.Verdict, "certainty": ho.Certainty}


@dataclasses.dataclass
class Tally:
    """What there is of one field, added up piece by piece."""

    size: int = 0
    counted: int = 0
    """Of numbers the finite ones, of truths the true ones."""
    low: float = np.inf
    high: float = -np.inf

    def add(self, values: np.ndarray) -> None:
        """Count a piece too."""
        counted = values if values.dtype.kind == "b" else np.isfinite(values)
        self.size += values.size
        self.counted += int(counted.sum())
        if values.dtype.kind == "f" and counted.any():
            self.low = min(self.low, float(values[counted].min()))
            self.high = max(self.high, float(values[counted].max()))

    def range(self) -> str:
        """From the least to the greatest finite number, and how many others there are."""
        others = self.size - self.counted
        told = f"{self.low:.6g} to {self.high:.6g}" if self.counted else "nowhere finite"
        return f"{told}, {others:,} of {self.size:,} not finite" if others else told


def ranges(dataset: "xarray.Dataset") -> list[str]:
    """The ranges of all numbers, the shares of all truths, and of verdicts how many there are of each."""
    kinds = {str(name): values.dtype.kind for name, values in dataset.data_vars.items()}
    tallies = {name: Tally() for name, kind in kinds.items() if kind in "fb"}
    counts = {each: 0 for name, kind in KINDS.items() if name in kinds for each in kind}
    for piece in ho.pieces(dataset):
        for name, tally in tallies.items():
            tally.add(piece[name].values)
        for each in counts:
            name = "verdict" if isinstance(each, ho.Verdict) else "certainty"
            counts[each] += int((piece[name].values == each.value).sum())
    lines = [f"  {each.name.lower():<16} {count:>10,}" for each, count in counts.items() if count]
    for name, tally in tallies.items():
        told = f"{tally.counted / tally.size:.2%}" if kinds[name] == "b" else tally.range()
        lines.append(f"  {name:<16} {told}")
    return lines
