"""Undo the blur of a picture of one's own, of any size, grey or in colour, by a restorer that was trained before.

    python -m launch.restore --run=runs/photographs --image=photo.jpg

writes photo_restored.png beside it. The run is one of launch.deblur with a restorer among its networks; the first of its seeds
restores. A restorer undoes the blur that it was trained on, so choose the run by the blur: that of --preset=photographs knows the
original study's 5 x 5 Gaussian alone, that of --preset=photographs_random blurs of four kinds up to six pixels wide. One that was
trained on grey images restores the colours one by one. 512 x 512 pixels in colour take 3 s of CPU time.
"""

import dataclasses
from pathlib import Path

import aecluster as ae
from launch import command


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which picture is restored, by what, and where it goes."""

    image: Path | None = command.flag(None, "The picture: PNG, JPEG or the like.")
    run: Path = command.flag(Path("runs/photographs"), "A run folder of launch.deblur that has trained a restorer.")
    network: str | None = command.flag(None, "Which of its networks, where several are restorers; by its row's name.")
    restored: Path | None = command.flag(
        None, "The file to write; IMAGE_restored.png beside the picture by default.", called="path"
    )
    overwrite: bool = command.flag(False, "Replace the file where it is there already.")


def main(settings: Settings) -> None:
    """Read, restore, write."""
    from aecluster import deblurring

    if settings.image is None:
        raise ValueError("`--image` must name a picture; give its path.")
    place = settings.restored or settings.image.with_name(f"{settings.image.stem}_restored.png")
    ae.check_picture_path(place, overwrite=settings.overwrite)
    image = ae.read_picture(settings.image)
    restored = deblurring.restore(chosen(settings.run, settings.network), image)
    written = ae.write_picture(place, restored[0], overwrite=settings.overwrite)
    print(f"wrote {written}, {image.shape[1]}x{image.shape[0]} pixels")


def chosen(run: Path, wanted: str | None) -> ae.Ensemble:
    """The run's restorer that is wanted, or the only one; its first seed."""
    folder = run / "checkpoints"
    records = ae.records(folder) if folder.is_dir() else {}
    known = {path.name: path for path, record in records.items() if isinstance(record.architecture, ae.Restorer)}
    if not known:
        raise ValueError(
            f"`--run` {str(run)!r} has trained no restorer; run `python -m launch.deblur --preset=photographs` first."
        )
    if wanted not in known and (wanted is not None or len(known) > 1):
        told = "must name one of" if wanted is None else f"{wanted!r} is none of"
        raise ValueError(f"`--network` {told} the run's restorers; choose among {', '.join(known)}.")
    return ae.restore(known[wanted] if wanted else next(iter(known.values()))).alone(0)


if __name__ == "__main__":
    command.run(main, Settings)
