"""The known sets' original files: found in a folder or downloaded, and compared with their registered checksums.

tensorflow-datasets knows the addresses and the SHA-256 sums; TensorFlow itself is not needed.
"""

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from aecluster.data.idx import parse_idx, read_idx
from aecluster.data.record import ImageData, Split

_PLAIN = ("fashion_mnist", "kmnist", "mnist")
_EMNIST_PARTS = ("balanced", "byclass", "bymerge", "digits", "letters", "mnist")
KNOWN = ("emnist", *(f"emnist/{part}" for part in _EMNIST_PARTS), *_PLAIN)


def load_known(name: str, data_dir: Path | None) -> ImageData:
    """A known set from the folder of its original files, or from the cache, which the first call fills by a download.

    EMNIST's files hold each image transposed (as its description in tensorflow-datasets warns); here it is upright.
    """
    dataset, _, part = name.partition("/")
    folder = _downloaded(dataset) if data_dir is None else data_dir
    if dataset == "emnist":
        arrays = _emnist_arrays(folder, part or "balanced")
        arrays = [array.swapaxes(1, 2) if array.ndim == 3 else array for array in arrays]
    else:
        arrays = [read_idx(_original(folder, file, dataset)) for file in _file_names("", "t10k")]
    train = Split.of(*arrays[:2], source=f"'{folder}', training files")
    test = Split.of(*arrays[2:], source=f"'{folder}', test files")
    return ImageData(name, train, test)


def identify(folder: Path) -> str | None:
    """The name of the known set whose four original files, byte for byte, lie in the folder; None if there is none.

    EMNIST is registered as one archive, so its single files are not identified.
    """
    files = _file_names("", "t10k")
    if not all((folder / file).is_file() for file in files):
        return None
    found = {file: _sha256(folder / file) for file in files}
    return next((dataset for dataset in _PLAIN if found == _checksums(dataset)), None)


def registered(dataset: str) -> dict[str, Any]:
    """By address, the size, checksum (SHA-256) and filename of a known set's original files."""
    import tensorflow_datasets as tfds

    return tfds.builder_cls(dataset).url_infos


def cache_folder() -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME/aecluster, else ~/.cache/aecluster."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "aecluster"


def _file_names(prefix: str, test: str) -> list[str]:
    """Training images and labels, test images and labels."""
    kinds = ("images-idx3", "labels-idx1")
    return [f"{prefix}{part}-{kind}-ubyte.gz" for part in ("train", test) for kind in kinds]


def _original(folder: Path, file: str, dataset: str) -> Path:
    """The file in the folder, compared with what is registered, or else the same file uncompressed, as it is."""
    path, plain = folder / file, folder / file.removesuffix(".gz")
    if path.is_file():
        _verify(path, dataset)
        return path
    for known in (plain, plain.with_name(plain.name.replace("-idx", ".idx"))):  # with a dot, as other mirrors name them
        if known.is_file():
            return known
    raise ValueError(
        f"`data_dir` '{folder}' must hold {file}, or the same without .gz, for {dataset}; "
        "add it, or leave `data_dir` out to download the set."
    )


def _emnist_arrays(folder: Path, part: str) -> list[np.ndarray]:
    files = _file_names(f"emnist-{part}-", "test")
    path = folder / "gzip.zip"
    if not path.is_file():
        return [read_idx(_original(folder, file, "emnist")) for file in files]
    _verify(path, "emnist")
    with zipfile.ZipFile(path) as archive:
        return [parse_idx(archive.read(f"gzip/{file}"), f"{path}/gzip/{file}") for file in files]


def _verify(path: Path, dataset: str) -> None:
    """Refuse a file that differs from the registered one; a file that is not registered passes."""
    found = _sha256(path)
    expected = _checksums(dataset).get(path.name, found)
    if found != expected:
        raise ValueError(
            f"'{path}' must be the file registered for {dataset}, but its sha256 is {found[:12]}... instead of "
            f"{expected[:12]}...; remove it and fetch it again, or leave `name` out to read it as a file of your own."
        )


def _checksums(dataset: str) -> dict[str, str]:
    return {info.filename: info.checksum for info in registered(dataset).values()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _downloaded(dataset: str) -> Path:
    """The cache's folder of a known set, after fetching what it lacks."""
    folder = cache_folder() / dataset
    urls = {info.filename: url for url, info in registered(dataset).items() if not (folder / info.filename).is_file()}
    if urls:
        _download(dataset, urls, folder)
    return folder


def _download(dataset: str, urls: dict[str, str], folder: Path) -> None:
    import requests
    import tensorflow_datasets as tfds

    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A file gets its name in the cache only when it is whole and verified.
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as workplace:
            # Without this first word, tensorflow-datasets retries an unreachable server for more than three minutes.
            requests.head(next(iter(urls.values())), timeout=20)
            manager = tfds.download.DownloadManager(
                download_dir=workplace, url_infos=registered(dataset), force_checksums_validation=True
            )
            for file, url in urls.items():  # one by one, so that nothing is still being written when one fails
                Path(manager.download(url)).replace(folder / file)
    except (OSError, tfds.download.DownloadError, tfds.download.download_manager.NonMatchingChecksumError) as error:
        raise ValueError(
            f"{dataset} could not be downloaded to '{folder}' ({type(error).__name__}); fetch {', '.join(urls.values())} "
            "yourself and pass the folder as `data_dir`."
        ) from error
