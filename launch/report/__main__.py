"""The whole study, both of its questions, on one page.

    python -m launch.report

runs every command of the study, on scikit-learn's embedded digits, and writes into runs/report/: report.html, one page with every
figure, what it shows, and the command that makes it again; report.pdf where a browser is found; explore.html, the map to explore;
the run folder of each command; and settings.json. It takes about a quarter of an hour on two cores of an AMD EPYC.

    python -m launch.report --quick                     smaller maps, fewer seeds and epochs: about two minutes
    python -m launch.report --data_dir=PATH/mnist       on MNIST, or on images of one's own: hours

A report that was stopped goes on with --resume; what is finished is not made again.
"""

import dataclasses
import subprocess
import sys
from pathlib import Path

import hillopt as ho
from launch import command, own_images, runs, stored
from launch.report.page import page_of, print_page
from launch.report.parts import PARTS, Part

PAGE, PDF, MAP = "report.html", "report.pdf", "explore.html"
PRINTED = ".printed"
ORIGINAL = {"learning_rate": 0.3, "b1": 0.9}
TITLE = "How high a hill, and how few numbers"


@dataclasses.dataclass(frozen=True)
class Settings:
    """On which images, and how much of it."""

    data_dir: Path | None = own_images.data_dir()
    read: tuple[str, ...] = own_images.read()
    quick: bool = command.flag(False, "Smaller maps, fewer seeds and epochs.")
    out: Path = runs.out()
    name: str = runs.name("report")
    overwrite: bool = runs.overwrite()
    resume: bool = runs.resume()


def main(settings: Settings) -> None:
    """Run what is not finished, mark the map, write the page."""
    path = runs.place(settings.out, settings.name)
    with runs.folder(path, settings.overwrite, settings.resume) as folder:
        command.save(folder, settings)
        for number, part in enumerate(PARTS, start=1):
            make(part, settings, folder, f"{number} of {len(PARTS)}")
        mark_map(folder / "map")
        ho.explore(stored.opened(folder / "map")).write(folder / MAP, overwrite=True)
        commands = {
            part.name: ["python", "-m", f"launch.{part.command}", *flags(part, settings, path)] for part in PARTS
        }
        said = {part.name: (folder / part.name / PRINTED).read_text() for part in PARTS}
        (folder / PAGE).write_text(page_of(TITLE, folder, commands, said))
        has_pdf = print_page(folder / PAGE, folder / PDF)
    print(runs.wrote(path, PAGE, *([PDF] if has_pdf else []), MAP, *(part.name for part in PARTS)))
    if not has_pdf:
        print(f"no browser was found that prints {PDF}; any browser opens {path / PAGE}.")


def flags(part: Part, settings: Settings, path: Path) -> list[str]:
    """Of a part's command, where the report's folder is at `path`."""
    return part.arguments(
        settings.quick, settings.data_dir, path / part.follows if part.follows else None, settings.read
    )


def make(part: Part, settings: Settings, folder: Path, place: str) -> None:
    """Run a part's command, unless its run is finished; ValueError where it fails."""
    if runs.is_run(folder / part.name):
        print(f"{place}, {part.title}: is there")
        return
    given = flags(part, settings, folder)
    given += ["--resume"] if part.resumes and runs.unfinished(folder / part.name).exists() else []
    print(f"{place}, {part.title}: python -m launch.{part.command} {' '.join(given)}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", f"launch.{part.command}", *given, f"--out={folder}", f"--name={part.name}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise ValueError(
            f"the part {part.title!r} ended with exit code {done.returncode}, and has said why; mend that and go on by --resume."
        )
    (folder / part.name / PRINTED).write_text(done.stdout)


def mark_map(run: Path) -> None:
    """Draw the map once more, with the original setting as a star."""
    from hillopt import pictures

    figure = ho.plot(stored.opened(run))
    figure.axes[0].plot(*ORIGINAL.values(), "*", ms=16, mfc="white", mec="black", mew=1.2, zorder=10)
    pictures.write(figure, [run / "phase.png", run / "phase.pdf"])


if __name__ == "__main__":
    command.run(main, Settings)
