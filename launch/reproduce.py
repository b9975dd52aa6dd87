"""Published results repeated: numbers beside ours, and a figure of each.

    python -m launch.reproduce

repeats all that are repeated in seconds, 20 s together on two cores, and writes into runs/published/: a figure of each,
checks.csv with every published number, ours, the tolerance and the verdict, and settings.json. If a number is off, the exit code
is 1. One of them, by its name or by its number on arXiv, and what there is:

    python -m launch.reproduce --only=catapult
    python -m launch.reproduce --only=2509.25351 --name=factorisation
    python -m launch.reproduce --list
"""

import dataclasses
import difflib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import hillopt as ho
from launch import command, runs, walking
from launch.published import RESULTS, Check, Result


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which results."""

    only: tuple[str, ...] | None = command.flag(None, "Results by name or number on arXiv; all by default.")
    list: bool = command.flag(False, "Tell which results there are, and no more.")
    out: Path = runs.out()
    name: str = runs.name("published")
    overwrite: bool = runs.overwrite()


PRESETS = {"all": Settings()}


def tiny(settings: Settings) -> Settings:
    """A preset, of two results that take a second."""
    return dataclasses.replace(settings, only=("original", "roots"), name=f"{settings.name}_tiny")


def set_up(settings: Settings) -> None:
    """Devices, before JAX looks for them."""
    del settings
    walking.set_up("float64")


def main(settings: Settings) -> None:
    """Repeat, compare, draw."""
    chosen = chosen_of(settings.only)
    if settings.list:
        print(*listed(chosen), sep="\n")
        return
    set_up(settings)
    rows, pictures_made, failed = [], [], 0
    path = runs.place(settings.out, settings.name)
    with runs.folder(path, settings.overwrite) as folder:
        from hillopt import pictures

        for result in chosen:
            if result.run is None:
                continue
            began = time.perf_counter()
            found = result.run()
            print(heading(result, time.perf_counter() - began), *map(line_of, found.checks), sep="\n")
            failed += sum(not check.holds for check in found.checks)
            rows += [row_of(result, check) for check in found.checks]
            if found.figure is not None:
                pictures.write(found.figure, [folder / f"{result.name}.png", folder / f"{result.name}.pdf"])
                pictures_made.append(result.name)
        runs.write_table(folder / "checks.csv", rows)
        command.save(folder, settings)
    print(f"{len(rows) - failed} of {len(rows)} published numbers are repeated")
    print(runs.wrote(path, "checks.csv", pictures=pictures_made))
    if failed:
        sys.exit(1)


def chosen_of(names: Sequence[str] | None) -> list[Result]:
    """The results asked for; ValueError with the near miss for a name that none has, and for what is not repeated here."""
    if names is None:
        return RESULTS
    known = {result.name for result in RESULTS} | {result.arxiv for result in RESULTS if result.arxiv}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "--list tells which there are."
            raise ValueError(f"`--only` has no result {name!r}; {hint}")
    found = [result for result in RESULTS if {result.name, result.arxiv} & set(names)]
    if all(result.run is None for result in found):
        raise ValueError(f"`--only={','.join(names)}` is not repeated by this command; {found[0].about}.")
    return found


def listed(results: Sequence[Result]) -> list[str]:
    """One line each."""
    width = max(len(result.name) for result in results)
    return [
        f"{result.name:<{width}}  {result.arxiv or '-':<10}  {result.about} ({result.source})"
        + ("" if result.run else ", not by this command")
        for result in results
    ]


def heading(result: Result, seconds: float) -> str:
    """Above a result's numbers."""
    number = f", arXiv:{result.arxiv}" if result.arxiv else ""
    columns = f"  {'':<34}{'published':>20}{'ours':>20}{'tolerance':>12}"
    return f"{result.name}: {result.about} ({result.source}{number}), {seconds:.1f} s\n{columns}"


def line_of(check: Check) -> str:
    """A number in the table."""
    verdict = "agrees" if check.holds else "DIFFERS"
    return f"  {check.what:<34}{check.published:>20.12g}{check.ours:>20.12g}{check.tolerance:>12.2g}  {verdict}"


def row_of(result: Result, check: Check) -> dict[str, object]:
    """A number in the file."""
    told = {"result": result.name, "arxiv": result.arxiv, "what": check.what, "published": repr(check.published)}
    return {**told, "ours": repr(check.ours), "tolerance": check.tolerance, "agrees": check.holds}


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = ho.xla_flags()
    command.run(main, Settings, PRESETS, tiny)
