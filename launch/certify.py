"""Are the answers of a sweep right? Cells' certificates, made from the answers and checked in exact arithmetic.

    python -m launch.certify --run=runs/adam

draws 1,000 cells of the run's data set, makes the certificate of each from its answer alone, and checks it in Python's
integers, with nothing of what has walked. It tells how many are verified, by kind, how long a check takes, and which are
refused, and why; if any is, it ends with exit code 1. Where an answer claims nothing, since rounding decides or max_steps ended a
walk that nothing bounds, there is nothing to verify. All cells of any store, and the certificates as a file:

    python -m launch.certify --run=adam.zarr --cells=all --certificates=adam.jsonl

One a line, for whoever checks them elsewhere: `ho.AbstractCertificate.from_json(line).check()`.
"""

import collections
import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

import hillopt as ho
from launch import command, stored
from launch.progress import Reporter

if TYPE_CHECKING:
    import xarray

CHOSEN = "chosen"
SHOWN = 10  # refusals that are told one by one


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is checked, and how much of it."""

    run: Path = command.flag(Path("runs/adam"), "A run folder of launch.sweep, or a Zarr store of a sweep.")
    cells: int | Literal["all"] = command.flag(1_000, "Cells to check, drawn at random, or all.", at_least=1)
    seed: int = command.flag(0, "Of the draw.", at_least=0)
    certificates: Path | None = command.flag(None, "A file to write the certificates into, as JSON, one a line.")


def main(settings: Settings) -> None:
    """Draw, check, tell."""
    dataset = opened(settings.run)
    check_free(settings.certificates)
    size = int(np.prod([dataset.sizes[name] for name in ho.settings_dims(dataset)]))
    number = size if settings.cells == "all" else min(settings.cells, size)
    tally = Tally()
    with Reporter("cells", with_speed=True) as reporter:
        for done, cell in enumerate(drawn(dataset, size, number, settings.seed), start=1):
            tally.add(cell)
            reporter.tell(done, number, step=1)
    if settings.certificates is not None:
        settings.certificates.write_text("".join(f"{line}\n" for line in tally.written))
    print(f"{dataset.attrs['title']}: {number:,} of {size:,} cells", *tally.lines(number), sep="\n")
    if settings.certificates is not None:
        print(f"wrote {settings.certificates}")
    if tally.refused:
        sys.exit(1)


def check_free(path: Path | None) -> None:
    """ValueError for a file that is there already, or cannot be."""
    if path is None:
        return
    if path.exists():
        raise ValueError(f"`--certificates={path}` exists; choose another name or remove it first.")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"`--certificates={path}` is in no folder that is there; make it, or choose another place.")


def opened(run: Path) -> "xarray.Dataset":
    """A finished sweep of what has certificates; ValueError for any other."""
    dataset = stored.opened(run)
    if dataset.attrs.get("question") not in ("CriticalHeight", "Escape"):
        raise ValueError(
            f"`--run={run}` must be of critical heights or escapes, got {dataset.attrs.get('question')}; others have no "
            "certificates."
        )
    dims = ho.settings_dims(dataset)
    return dataset[[name for name, values in dataset.data_vars.items() if list(values.dims) == dims]]


def drawn(dataset: "xarray.Dataset", size: int, number: int, seed: int) -> Iterator["xarray.Dataset"]:
    """So many cells at random, each once, tile by tile."""
    dims = ho.settings_dims(dataset)
    chosen = np.zeros(size, bool)
    chosen[np.random.default_rng(seed).permutation(size)[:number]] = True
    marked = dataset.assign({CHOSEN: (dims, chosen.reshape([dataset.sizes[name] for name in dims]))})
    for piece in ho.pieces(marked):
        for place in np.argwhere(piece[CHOSEN].values):
            yield piece.drop_vars(CHOSEN).isel(dict(zip(dims, place.tolist(), strict=True)))


@dataclasses.dataclass
class Tally:
    """What came of the certificates, added up cell by cell."""

    verified: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    seconds: dict[str, list[float]] = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    without: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    refused: list[str] = dataclasses.field(default_factory=list)
    written: list[str] = dataclasses.field(default_factory=list)

    def add(self, cell: "xarray.Dataset") -> None:
        """Make a cell's certificate and check it as whoever gets it would: from its JSON."""
        try:
            text = ho.cell_certificate(cell).to_json()
            began = time.perf_counter()
            certificate = ho.AbstractCertificate.from_json(text)
            certificate.check()
        except (ho.NoClaim, ho.Uncovered) as error:
            self.without[reason_of(cell, error)] += 1
        except ValueError as error:
            place = ", ".join(f"{name} = {value.item()!r}" for name, value in cell.coords.items())
            self.refused.append(f"  refused at {place}: {error}")
        else:
            kind = f"{type(certificate).__name__}: {certificate.claim}"
            self.verified[kind] += 1
            self.seconds[kind].append(time.perf_counter() - began)
            self.written.append(text)

    def lines(self, number: int) -> list[str]:
        """One for each kind, and one for each of the first refusals."""
        told = [
            f"  verified {count:>12,}  {kind}; a check takes {1e3 * float(np.median(self.seconds[kind])):.2g} ms, "
            f"{1e3 * max(self.seconds[kind]):.2g} at most"
            for kind, count in self.verified.most_common()
        ]
        told += [f"  no claim {count:>12,}  {reason}" for reason, count in self.without.most_common()]
        told += [f"  refused  {len(self.refused):>12,}", *self.refused[:SHOWN]]
        more = len(self.refused) - SHOWN
        return [*told, *([f"  and {more:,} more"] if more > 0 else [])]


def reason_of(cell: "xarray.Dataset", error: Exception) -> str:
    """Why a cell has no certificate, in a few words."""
    if isinstance(error, ho.Uncovered):
        return str(error)
    certainty, verdict = ho.Certainty(int(cell["certainty"])), ho.Verdict(int(cell["verdict"]))
    return f"{verdict.name.lower()}, {certainty.name.lower()}"


if __name__ == "__main__":
    command.run(main, Settings)
