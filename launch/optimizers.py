"""Every optimizer of optax on the tent hill, with what can be swept of it.

    python -m launch.optimizers

prints one line for each public optimizer of optax and optax.contrib: the numbers that sweep as arrays, what it asks for
besides the slope, the highest rise within --max_steps at three learning rates, all other numbers at optax's defaults, and which
shares of 64 learning rates from 0.01 to 1 are, in so many steps, proved to be trapped; bounded, so that no number of steps ever
climbs higher by more than 1 %; open; and flagged, where the running error bound cannot rule out that rounding decides, and exact
arithmetic (`precision="auto"`) does not serve. It writes runs/optimizers/optimizers.csv and settings.json. The line below the
table counts those that sweep: 52 of 52. Where one does not, it is named there, and the exit code is 1.

    python -m launch.optimizers --preset=own
    python -m launch.optimizers --preset=hills

tell how much is proved of our own optimizers by all proofs that there are (--climb=thorough): of 2,000 random settings of each on
the tent, within 10,000 steps; and of 200 on the wedge, the double well and the Gaussian hill, within 4,000, those that escape too.
"""

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

import hillopt as ho
from launch import command, decided, runs
from launch.progress import Reporter


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which optimizers walk how."""

    only: tuple[str, ...] | None = command.flag(None, "Optimizers by name, such as adam,contrib.sam; all by default.")
    learning_rates: tuple[float, ...] = command.flag((0.03, 0.1, 0.3), "Learning rates to walk with.", above=0)
    max_steps: int = command.flag(60_000, "Steps of each walk.", at_least=1, at_most=ho.MOST_STEPS)
    climb: str = command.flag(
        "thorough",
        "How hard to try for proofs; proving takes a fifth of the time.",
        choices=["proving", "thorough"],
    )
    hills: tuple[str, ...] = command.flag(
        (), "Tell what is proved of our own on these hills instead.", choices=sorted(decided.HILLS), may_be_empty=True
    )
    own: tuple[str, ...] = command.flag(tuple(decided.RANGES), "Which of our own.", choices=sorted(decided.RANGES))
    num_settings: int = command.flag(200, "Random settings of each on a hill.", at_least=1)
    out: Path = runs.out()
    name: str = runs.name("optimizers")
    overwrite: bool = runs.overwrite()


ON_HILLS = tuple(name for name, (_, ranges) in decided.RANGES.items() if "weight_decay" not in ranges)
PRESETS = {
    "table": Settings(),
    "own": Settings(hills=(decided.TENT,), num_settings=2_000, max_steps=10_000, name="own"),
    "hills": Settings(hills=("wedge", "double_well", "gaussian"), own=ON_HILLS, max_steps=4_000, name="hills"),
}
RATES = ("learning_rate", "max_learning_rate")
MANY = np.geomspace(0.01, 1, 64)
SHARES = ("proved", "bounded", "open", "flagged")


def tiny(settings: Settings) -> Settings:
    """A preset, of two optimizers and few steps."""
    small = dataclasses.replace(settings, max_steps=50, climb="proving", num_settings=4, name=f"{settings.name}_tiny")
    if settings.hills:
        return dataclasses.replace(small, hills=("wedge",), own=("sign_descent",))
    return dataclasses.replace(small, only=("adam", "polyak_sgd"))


def main(settings: Settings) -> None:
    """Walk with each, print, write."""
    jax.config.update("jax_enable_x64", True)
    if settings.hills:
        return tell_of_hills(settings)
    names, rows = names_of(settings), []
    path = runs.place(settings.out, settings.name)
    with runs.folder(path, settings.overwrite) as folder:
        with Reporter("optimizers") as reporter:
            for name in names:
                rows.append(row_of(name, settings))
                reporter.tell(len(rows), len(names), name, step=1)
        runs.write_table(folder / "optimizers.csv", rows)
        command.save(folder, settings)
    print(*table(rows, settings.learning_rates), sep="\n")
    print(count_of(rows))
    print(runs.wrote(path, "optimizers.csv"))
    if any(row["problem"] for row in rows):
        sys.exit(1)


def tell_of_hills(settings: Settings) -> None:
    """Walk with our own on the hills, print, write."""
    if settings.only is not None:
        raise ValueError(
            "`--only` chooses among optax's optimizers, and `--hills` asks our own; leave one of them out."
        )
    path = runs.place(settings.out, settings.name)
    with runs.folder(path, settings.overwrite) as folder:
        climb = ho.CLIMBS[settings.climb]
        rows = decided.table_of(settings.hills, settings.own, settings.num_settings, settings.max_steps, climb)
        runs.write_table(folder / "hills.csv", rows)
        command.save(folder, settings)
    print(*decided.lines_of(rows), sep="\n")
    print(runs.wrote(path, "hills.csv"))


def names_of(settings: Settings) -> list[str]:
    """The optimizers asked for; ValueError with the near miss for a name that none has."""
    if settings.only is None:
        return list(ho.optax_names())
    for name in settings.only:
        ho.optax_settings(name)
    return list(settings.only)


def row_of(name: str, settings: Settings) -> dict[str, str]:
    """What there is to say of one optimizer; `problem` says why it does not sweep, if it does not."""
    rates = settings.learning_rates
    row = {"optimizer": name, "swept": "", "asks": "", "problem": ""}
    row |= {**dict.fromkeys(SHARES, ""), **{f"height_{rate}": "" for rate in rates}}
    try:
        optimizer, heights, shares = walked(name, np.array(rates), settings.max_steps, ho.CLIMBS[settings.climb])
    except ValueError as error:
        return {**row, "problem": str(error)}
    asks = [*optimizer.asks, *(["an axis"] if optimizer.wants_axis else [])]
    told = {f"height_{rate}": f"{float(height):.4g}" for rate, height in zip(rates, heights, strict=True)}
    told |= {share: f"{value:.3g}" for share, value in shares.items()}
    return {**row, "swept": " ".join(optimizer.swept), "asks": " ".join(asks), **told}


def walked(
    name: str, rates: np.ndarray, max_steps: int, climb: tuple[ho.AbstractClimb, ...]
) -> tuple[Any, np.ndarray, dict[str, float]]:
    """The optimizer, the highest rise with each of these learning rates, and what is known of those of `MANY`."""
    _, defaults = ho.optax_settings(name)
    rate = next(key for key in RATES if key in defaults)
    optimizer = ho.optax_named(name, **{rate: np.concatenate([rates, MANY])})
    walks = ho.critical_height(ho.TentHill(), optimizer, max_steps=max_steps, climb=climb, precision="auto")
    shares = decided.shares_of(walks)
    shares["proved"] = shares.pop("trapped")
    heights = np.asarray(walks.critical_height)[: len(rates)]
    return optimizer, heights, {share: float(shares[share][len(rates) :].mean()) for share in SHARES}


def count_of(rows: list[dict[str, str]]) -> str:
    """How many sweep, and which do not."""
    others = [row["optimizer"] for row in rows if row["problem"]]
    return f"{len(rows) - len(others)} of {len(rows)} sweep" + (f"; not {', '.join(others)}" if others else "")


def table(rows: list[dict[str, str]], rates: tuple[float, ...]) -> list[str]:
    """One line an optimizer."""
    lines = [f"{'optimizer':<30}" + "".join(f"{f'h* at {rate}':>12}" for rate in rates)]
    lines[0] += "".join(f"{share:>9}" for share in SHARES) + "  swept; asks for"
    for row in rows:
        asks = f"; {row['asks']}" if row["asks"] else ""
        cells = "".join(f"{row[f'height_{rate}']:>12}" for rate in rates)
        cells += "".join(f"{row[share]:>9}" for share in SHARES)
        lines.append(f"{row['optimizer']:<30}{cells}  {row['problem'] or row['swept'] + asks}")
    return lines


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = ho.xla_flags()
    command.run(main, Settings, PRESETS, tiny)
