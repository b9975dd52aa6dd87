"""A sweep's map as one page to explore, in any browser, without a network.

    python -m launch.explore --run=runs/adam

writes runs/adam/explore.html: pan and zoom to the single cell, every field of the answer, sliders for further axes. Point at a
cell for its hyperparameters, its answer in words with its proof, and its walk, which the page makes again in double precision;
choose two cells and compare them. The address holds the view, so that a link to it shows the same. The page of the default sweep's
262,144 cells has 1.2 MB, that of 1000 x 1000 cells 2.9 MB. --open shows it at once; --fields names what it holds beside what is
drawn:

    python -m launch.explore --run=runs/adam --fields=verdict,certainty --page=map.html --open
"""

import dataclasses
import webbrowser
from pathlib import Path

import hillopt as ho
from launch import command, stored

PAGE = "explore.html"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which sweep becomes a page, and where it goes."""

    run: Path = command.flag(Path("runs/adam"), "A run folder of launch.sweep, or a Zarr store of a sweep.")
    page: Path | None = command.flag(None, f"The file to write; {PAGE} in the run folder by default.")
    fields: tuple[str, ...] = command.flag(
        (),
        "Fields beside the one that is drawn, as NAME,NAME; by default all for which 3 MB have room.",
        may_be_empty=True,
    )
    overwrite: bool = command.flag(False, "Replace the file where it is there already.")
    open: bool = command.flag(False, "Show the page in the browser.")


def main(settings: Settings) -> None:
    """Read, pack, write, show."""
    dataset = stored.opened(settings.run)
    place = place_of(settings)
    try:
        page = ho.explore(dataset, fields=settings.fields or None)
        written = page.write(place, overwrite=settings.overwrite)
    except ValueError as error:
        told = str(error).replace("`dataset`", f"`--run={settings.run}`").replace("`path`", "`--page`")
        raise ValueError(told.replace("pass overwrite=True", "pass --overwrite")) from error
    print(f"wrote {written}, {len(page.text) / 1e6:.1f} MB")
    if settings.open and not webbrowser.open(written.absolute().as_uri()):
        print(f"no browser was found; open {written.absolute().as_uri()} in one.")


def place_of(settings: Settings) -> Path:
    """Where the page goes."""
    if settings.page is not None:
        return settings.page
    return settings.run / PAGE if stored.is_run(settings.run) else settings.run.with_suffix(".html")


if __name__ == "__main__":
    command.run(main, Settings)
