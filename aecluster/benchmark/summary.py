"""The benchmark's table: medians over the seeds and their range, beside what was published."""

from collections.abc import Iterable, Sequence

import numpy as np

from aecluster.benchmark.cells import Cell
from aecluster.benchmark.contestants import CONTESTANTS
from aecluster.benchmark.published import PUBLISHED

SCORES = ("accuracy", "nmi", "ari")
HEADINGS = (
    "data",
    "method",
    "seeds",
    "accuracy",
    "least to greatest",
    "NMI",
    "ARI",
    "clusters",
    "CPU s",
    "GiB",
    "published",
)


def summaries(cells: Iterable[Cell]) -> list[dict[str, object]]:
    """One row a data set and method, in the contestants' order: medians over the seeds, least and greatest accuracy.

    `published` is the accuracy of the method's own paper on that data set, or empty.
    """
    grouped: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        grouped.setdefault((cell.data, cell.method), []).append(cell)
    order = list(CONTESTANTS)
    sets = list(dict.fromkeys(data for data, _ in grouped))
    ranked = sorted(grouped, key=lambda place: (sets.index(place[0]), order.index(place[1])))
    return [_row(*place, grouped[place]) for place in ranked]


def _row(data: str, method: str, cells: Sequence[Cell]) -> dict[str, object]:
    def median(name: str) -> float:
        return float(np.median([getattr(cell, name) for cell in cells]))

    accuracies = [cell.accuracy for cell in cells]
    known = [entry.accuracy for entry in PUBLISHED if (entry.data, entry.method) == (data, method)]
    return {
        "data": data,
        "method": method,
        "seeds": len(cells),
        **{name: median(name) for name in SCORES},
        "least": min(accuracies),
        "greatest": max(accuracies),
        "clusters": median("clusters"),
        "cpu_seconds": median("cpu_seconds"),
        "gib": max(cell.gib for cell in cells),
        "published": known[0] if known else "",
    }


def written(row: dict[str, object]) -> tuple[str, ...]:
    """A row of `summaries` as a person wants to read it, under `HEADINGS`."""
    return (
        f"{row['data']}",
        f"{row['method']}",
        f"{row['seeds']}",
        f"{row['accuracy']:.4f}",
        f"{row['least']:.4f} to {row['greatest']:.4f}",
        f"{row['nmi']:.3f}",
        f"{row['ari']:.3f}",
        f"{row['clusters']:g}",
        f"{row['cpu_seconds']:.0f}",
        f"{row['gib']:.1f}",
        f"{row['published']}",
    )


def markdown(rows: Sequence[dict[str, object]]) -> str:
    """The table as a manual has it, and below it every number published on these images with its source."""
    lines = [_line(HEADINGS), _line(["---"] * len(HEADINGS)), *(_line(written(row)) for row in rows)]
    sets = list(dict.fromkeys(row["data"] for row in rows))
    entries = [entry for entry in PUBLISHED if entry.data in sets]
    told = [f"- {entry.data}, {entry.method}: {entry.accuracy} ({entry.source})" for entry in entries]
    return "\n".join([*lines, *(["", "Published:", "", *told] if told else []), ""])


def _line(entries: Iterable[str]) -> str:
    return f"| {' | '.join(entries)} |"
