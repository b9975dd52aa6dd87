"""The front door: a named set of images, or one's own."""

import difflib
import os
from pathlib import Path

from aecluster.arguments import maybe, text
from aecluster.data.downloads import KNOWN, cache_folder, identify, load_known
from aecluster.data.own_files import load_idx_folder, load_npz
from aecluster.data.record import ImageData, Split
from aecluster.places import place, reading

NAMES = ("digits", *KNOWN)
_NUM_DIGITS_TRAIN = 1500


def load(name: str | None = None, data_dir: str | os.PathLike[str] | None = None) -> ImageData:
    """Images in [0, 1] and labels, in a training and a test part.

    A named set is downloaded once to $XDG_CACHE_HOME/aecluster (else ~/.cache/aecluster). Its files are compared with
    the checksums in tensorflow-datasets, wherever they come from; only uncompressed files, and the single files of
    EMNIST, have no registered checksum: they need only be well-formed.

    **Arguments**

    - `name`: one of `NAMES`, or None. "digits", also taken when nothing is given: the 1,797 handwritten digits of 8x8 pixels
      that scikit-learn carries, far smaller and easier than MNIST. Their source leaves them in one piece; here the first
      1,500 are for training and the last 297 for the test. "mnist", "fashion_mnist", "kmnist": 60,000 and 10,000 images of
      28x28 pixels. "emnist/balanced" (or just "emnist"), "emnist/letters" and so on: the parts of EMNIST, turned upright,
      with every image and label as the files have them (the letters count from 1).
    - `data_dir`: with a name, a folder that holds the set's original files under their original names (of EMNIST the archive
      gzip.zip or the files in it); they are used instead of a download. Without a name, a folder of IDX files or a .npz file
      of one's own, see `load_idx_folder` and `load_npz`; a folder of the original files of "mnist", "fashion_mnist" or
      "kmnist" is recognised and named so, others get the folder's or file's name.

    Raises ValueError for an unknown name; a file that is missing, damaged, cut short or not the registered one; images or
    labels that `Split.of` refuses; a download that failed. One sentence says which and what to do.

    Examples:
        >>> data = ae.load()
        >>> data.train.images.shape, data.test.images.shape
        ((1500, 8, 8, 1), (297, 8, 8, 1))
    """
    if maybe(text)("name", name) not in (None, *NAMES):
        raise ValueError(_unknown(str(name)))
    path = None if data_dir is None else place("data_dir", data_dir)
    with reading(path or cache_folder()):
        return _load(name, path)


def _load(name: str | None, path: Path | None) -> ImageData:
    if path is not None and not path.exists():
        link = "is a link to what is not there, and" if path.is_symlink() else ""
        raise ValueError(
            f"`data_dir` '{path}' {link} must exist; give a folder of IDX files or a .npz file.".replace("  ", " ")
        )
    if name is None and path is not None:
        return _load_own(path)
    if name is None or name == "digits":
        return _load_digits(path)
    if path is not None and not path.is_dir():
        raise ValueError(
            f"`data_dir` '{path}' must be a folder with the original files of {name}; "
            "leave `name` out to read a file of your own."
        )
    return load_known(name, path)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), NAMES, 1)
    hint = f"did you mean '{near[0]}'?" if near else "leave it out and give `data_dir` to read files of your own."
    return f"`name` must be one of {', '.join(NAMES)}, got '{name}'; {hint}"


def _load_own(path: Path) -> ImageData:
    if path.is_dir():
        return load_idx_folder(path, identify(path) or path.resolve().name)
    return load_npz(path, path.stem)


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
