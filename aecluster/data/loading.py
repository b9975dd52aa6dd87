"""The front door: a named set of images, or one's own."""

import difflib
import os
from pathlib import Path
from typing import Any

import numpy as np

from aecluster.arguments import maybe, text
from aecluster.data.downloads import KNOWN, cache_folder, identify, load_known
from aecluster.data.formats import Options, Parts, is_in_memory, read, read_memory, splits_of
from aecluster.data.formats.pixels import resized
from aecluster.data.record import ImageData, Split
from aecluster.places import place, reading

NAMES = ("digits", *KNOWN)
_NUM_DIGITS_TRAIN = 1500


def load(
    name: Any = None,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    image_shape: Any = None,
    image_size: Any = None,
    images_key: str | None = None,
    labels_key: str | None = None,
    white: float | None = None,
    skip_broken: bool = False,
) -> ImageData:
    """Images in [0, 1] and labels, in a training and a test part.

    A named set is downloaded once to $XDG_CACHE_HOME/aecluster (else ~/.cache/aecluster). Its files are compared with
    the checksums in tensorflow-datasets, wherever they come from; only uncompressed files, and the single files of
    EMNIST, have no registered checksum: they need only be well-formed.

    Images of one's own may be a file or a folder: IDX (as MNIST's), .npz and .npy, CSV, parquet with encoded pictures, .mat, HDF5
    (extra `hdf5`), a folder of pictures (PNG, JPEG and the like; folders in it name classes, or train, val and test), a folder
    of such files told apart by their names; or, in memory, images, a pair of images and labels, two such pairs, an array or data
    set of xarray's. They may be of 8 or 16 bits, whole or floating numbers, grey or in colour, flat rows, channels first or last.
    Labels may be numbers from 0, words, bytes, one-hot, columns, or not there. Validation images join the training images; of
    images in one piece a fixed fifth is set aside for the test.

    **Arguments**

    - `name`: one of `NAMES`; or images of one's own, a path or in memory; or None. "digits", also taken when nothing is given: the
      1,797 handwritten digits of 8x8 pixels that scikit-learn carries, far smaller and easier than MNIST. Their source leaves
      them in one piece; here the first 1,500 are for training and the last 297 for the test. "mnist", "fashion_mnist",
      "kmnist": 60,000 and 10,000 images of 28x28 pixels. "emnist/balanced" (or just "emnist"), "emnist/letters" and so on:
      the parts of EMNIST, turned upright, with every image and label as the files have them (the letters count from 1).
    - `data_dir`: with a name, a folder that holds the set's original files under their original names (of EMNIST the archive
      gzip.zip or the files in it); they are used instead of a download. Without a name, the path of images of one's own; a
      folder of the original files of "mnist", "fashion_mnist" or "kmnist" is recognised and named so, others get the folder's
      or file's name. Files whose names begin with "emnist" are turned upright.
    - `image_shape`: height and width, and the channels, of one image as it is stored, where its file leaves it open: flat rows
      that are no squares, channels that may be first or last.
    - `image_size`: a number, or height and width, that all images are stretched or shrunk to (by triangles, without aliases).
    - `images_key`, `labels_key`: the array or column of a file that is meant, where its names leave it open.
    - `white`: the number that is white, where the range of numbers leaves it open: 255 for 8 bits, 16 for the digits.
    - `skip_broken`: leave out pictures that cannot be decoded, instead of refusing the first.

    Raises ValueError for an unknown name; a file that is missing, damaged, cut short or not the registered one; what is
    ambiguous, or announces more than it holds; images or labels that `Split` refuses; a download that failed. One sentence says
    which and what to do.

    Examples:
        >>> data = ae.load()
        >>> data.train.images.shape, data.test.images.shape
        ((1500, 8, 8, 1), (297, 8, 8, 1))
    """
    options = Options(image_shape, image_size, images_key, labels_key, white, skip_broken)
    if is_in_memory(name):
        if data_dir is not None:
            raise ValueError("`data_dir` and images in memory exclude each other; give one.")
        return splits_of("images", read_memory(name, options), options)
    if data_dir is None and _is_path(name):
        name, data_dir = None, name
    if maybe(text)("name", name) not in (None, *NAMES):
        raise ValueError(_unknown(str(name)))
    path = None if data_dir is None else place("data_dir", data_dir)
    with reading(path or cache_folder()):
        return _load(name, path, options)


def _is_path(name: Any) -> bool:
    """Whether what was given first is no name of a known set, but where images are."""
    if isinstance(name, os.PathLike):
        return True
    if not isinstance(name, str) or name in NAMES or not name or "\0" in name:
        return False
    return name.startswith((".", "~", os.sep)) or bool(Path(name).suffix) or os.path.lexists(name)


def _load(name: str | None, path: Path | None, options: Options) -> ImageData:
    if path is not None and not path.exists():
        link = "is a link to what is not there, and" if path.is_symlink() else ""
        raise ValueError(
            f"`data_dir` '{path}' {link} must exist; give a file or a folder of images.".replace("  ", " ")
        )
    if name is None and path is not None:
        return _load_own(path, options)
    strays = [option for option in options.given() if option != "image_size"]
    if strays:
        raise ValueError(f"`{strays[0]}` is for images of one's own, not for {name or 'digits'}; leave it out.")
    if path is not None and name not in (None, "digits") and not path.is_dir():
        raise ValueError(
            f"`data_dir` '{path}' must be a folder with the original files of {name}; "
            "leave `name` out to read a file of your own."
        )
    known = _load_digits(path) if name in (None, "digits") else load_known(str(name), path)
    return _of_size(known, options)


def _of_size(data: ImageData, options: Options) -> ImageData:
    if options.image_size is None:
        return data
    train, test = (Split(resized(split.images, options), split.labels) for split in (data.train, data.test))
    return ImageData(data.name, train, test, data.classes, data.stored)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), NAMES, 1)
    hint = f"did you mean '{near[0]}'?" if near else "leave it out and give `data_dir` to read files of your own."
    return f"`name` must be one of {', '.join(NAMES)}, got '{name}'; {hint}"


def _load_own(path: Path, options: Options) -> ImageData:
    name = (
        (identify(path) or path.resolve().name) if path.is_dir() else path.name.removesuffix(".gz").rpartition(".")[0]
    )
    return splits_of(name or path.name, upright(read(path, options)), options)


def upright(parts: Parts) -> Parts:
    """EMNIST's files hold every image transposed, whatever their format; their names tell them."""
    return {
        part: each._replace(images=_transposed(each.images), labels=each.labels) if _is_emnist(each.source) else each
        for part, each in parts.items()
    }


def _is_emnist(source: str) -> bool:
    return Path(source.split("'")[1]).name.lower().startswith("emnist") if "'" in source else False


def _transposed(images: np.ndarray) -> np.ndarray:
    side = round(images.shape[-1] ** 0.5)
    squares = images.reshape(len(images), side, side) if images.ndim == 2 and side**2 == images.shape[1] else images
    return squares.swapaxes(1, 2)


def _load_digits(path: Path | None) -> ImageData:
    if path is not None:
        raise ValueError(
            f"`data_dir` must be left out with the name 'digits', which scikit-learn carries, got '{path}'; "
            "leave `name` out to read files of your own."
        )
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = digits.images / 16, digits.target
    train = Split.of(images[:_NUM_DIGITS_TRAIN], labels[:_NUM_DIGITS_TRAIN])
    return ImageData("digits", train, Split.of(images[_NUM_DIGITS_TRAIN:], labels[_NUM_DIGITS_TRAIN:]))
