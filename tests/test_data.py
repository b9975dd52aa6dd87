"""Data: IDX against hand-made bytes, the known sets against their published numbers, and refusals by their text."""

import functools
import gzip
import hashlib
import http.server
import re
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from aecluster.data import NAMES, ImageData, Split, downloads, load, read_idx, write_idx

MNIST = Path(__file__).parents[2] / "shared" / "data" / "mnist"
needs_mnist = pytest.mark.skipif(not MNIST.is_dir(), reason="the original files of MNIST are not there")

FILES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
RNG = np.random.default_rng(7)
ARRAYS = [
    RNG.integers(0, 256, (12, 6, 5), np.uint8),
    RNG.integers(0, 10, 12, np.uint8),
    RNG.integers(0, 256, (4, 6, 5), np.uint8),
    RNG.integers(0, 10, 4, np.uint8),
]
WHOLE = [ARRAYS[0], ARRAYS[1]]


def write_all(folder, names, arrays=ARRAYS):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, arrays, strict=True):
        write_idx(folder / name, array)
    return folder


def assert_holds(split, images, labels):
    np.testing.assert_array_equal(split.images[..., 0], images / np.float32(255))
    np.testing.assert_array_equal(split.labels, labels)
    assert split.images.dtype == np.float32


def refusal(*parts):
    """Matches one sentence that holds all parts, in their order."""
    return "^[^\n]*" + "[^\n]*".join(map(re.escape, parts)) + "[^\n]*(?<=[.?])$"


# IDX


HAND_MADE = [
    (b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03\1\2\3\4\5\xff", np.array([[1, 2, 3], [4, 5, 255]], np.uint8)),
    (b"\0\0\x09\x01\0\0\0\x02\xff\x7f", np.array([-1, 127], np.int8)),
    (b"\0\0\x0b\x01\0\0\0\x02\x01\x00\xff\xfe", np.array([256, -2], np.int16)),
    (b"\0\0\x0c\x01\0\0\0\x01\0\1\0\0", np.array([65536], np.int32)),
    (b"\0\0\x0d\x01\0\0\0\x01\x3f\x80\0\0", np.array([1], np.float32)),
    (b"\0\0\x0e\x01\0\0\0\x01\xc0\0\0\0\0\0\0\0", np.array([-2], np.float64)),
    (b"\0\0\x08\x02\0\0\0\0\0\0\0\x03", np.empty((0, 3), np.uint8)),
]


@pytest.mark.parametrize(("content", "array"), HAND_MADE)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_is_read_as_it_is_defined(content, array, pack, tmp_path):
    (tmp_path / "numbers").write_bytes(pack(content))
    found = read_idx(tmp_path / "numbers")
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape, found.dtype.isnative) == (array.dtype, array.shape, True)


@pytest.mark.parametrize(("content", "array"), HAND_MADE)
def test_idx_is_written_as_it_is_defined(content, array, tmp_path):
    write_idx(tmp_path / "a", array)
    write_idx(tmp_path / "b", array.astype(array.dtype.newbyteorder(">")))
    write_idx(tmp_path / "a.gz", array)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == content
    zipped = (tmp_path / "a.gz").read_bytes()
    assert gzip.decompress(zipped) == content
    assert zipped[4:8] == bytes(4)  # no time stamp: equal arrays give equal files


@pytest.mark.parametrize(
    "array", [np.ones(3, np.int64), np.ones(3, bool), np.ones(3, np.float16), np.array(1, np.uint8)]
)
def test_what_idx_cannot_hold_is_refused(array, tmp_path):
    with pytest.raises(ValueError, match=refusal("`array` must be of dtype uint8", str(array.dtype), str(array.shape))):
        write_idx(tmp_path / "a", array)
    assert not (tmp_path / "a").exists()


GOOD = HAND_MADE[0][0]
ZIPPED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\0\0\x08", "magic number is wrong (0x000008)"),
        (b"PK\3\4" + GOOD, "magic number is wrong (0x504b0304)"),
        (b"\1" + GOOD[1:], "magic number is wrong (0x01000802)"),
        (b"\0\0\x0a" + GOOD[3:], "magic number is wrong (0x00000a02)"),
        (b"\0\0\x08\0" + GOOD[4:], "magic number is wrong (0x00000800)"),
        (GOOD[:11], "is cut short: its header needs 12 bytes, found 11"),
        (GOOD[:-1], "is cut short: shape (2, 3) needs 6 bytes after the header, found 5"),
        (GOOD + b"\0", "is too long: shape (2, 3) needs 6 bytes after the header, found 7"),
        (b"\0\0\x0e\2" + b"\xff" * 8, f"needs {(2**32 - 1) ** 2 * 8} bytes after the header, found 0"),
        (ZIPPED[:-9], "must be a whole gzip file, it is damaged"),
        (ZIPPED[:5], "must be a whole gzip file, it is damaged"),
        (ZIPPED[:-8] + bytes([ZIPPED[-8] ^ 1]) + ZIPPED[-7:], "it is damaged (CRC check failed"),
        (ZIPPED[:10] + b"\xff" * 4 + ZIPPED[14:], "it is damaged (Error -3"),
        (ZIPPED + b"more", "must be a whole gzip file, it is damaged"),
    ],
)
def test_a_bad_idx_file_is_named(content, message, tmp_path):
    (tmp_path / "numbers.gz").write_bytes(content)
    with pytest.raises(ValueError, match=refusal("numbers.gz'", message)):
        read_idx(tmp_path / "numbers.gz")


def test_a_gzipped_file_is_unpacked_no_further_than_its_header_says(tmp_path):
    bomb = GOOD[:12] + bytes(300_000_000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bomb, compresslevel=1))
    tracemalloc.start()
    with pytest.raises(ValueError, match="is too long: shape"):
        read_idx(tmp_path / "bomb.gz")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000


# Records


IMAGES = np.linspace(0, 1, 3 * 4 * 5).reshape(3, 4, 5)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (IMAGES, IMAGES),
        (IMAGES.astype(np.float16), IMAGES.astype(np.float16)),
        (IMAGES[..., None], IMAGES),
        (list(IMAGES), IMAGES),
        (IMAGES.tolist(), IMAGES),
        (IMAGES > 0.5, IMAGES > 0.5),
        ((IMAGES * 255).astype(np.uint8), (IMAGES * 255).astype(np.uint8) / 255),
    ],
)
def test_images_of_many_kinds_become_floats(images, expected):
    split = Split.of(images)
    assert (split.images.dtype, split.images.shape, split.labels) == (np.float32, (3, 4, 5, 1), None)
    np.testing.assert_array_equal(split.images[..., 0], expected.astype(np.float32))


@pytest.mark.parametrize(
    "labels", [[2, 0, 1], [[2], [0], [1]], np.array([2, 0, 1], np.uint8), np.array([2, 0, 1], np.int32)]
)
def test_labels_become_int64(labels):
    split = Split.of(np.zeros((3, 2, 2, 3)), labels)
    assert (split.labels.tolist(), split.labels.dtype, split.images.shape) == ([2, 0, 1], np.int64, (3, 2, 2, 3))


def changed(index, value):
    images = IMAGES.copy()
    images[index] = value
    return images


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (changed((2, 0, 0), np.nan), None, "`images` must be finite, image 2 has a NaN"),
        (changed((slice(1, 3), 3, 4), np.nan), None, "`images` must be finite, image 1 has a NaN"),
        (changed((1, 0, 0), np.inf), None, "`images` must be finite, image 1 has a NaN or infinite"),
        (changed((0, 0, 0), -1e300), None, "`images` must be finite, image 0 has a NaN or infinite"),
        (
            changed((2, 1, 1), -0.25),
            None,
            "`images` must lie in [0, 1], image 2 has a pixel -0.25",
        ),
        (changed((1, 1, 1), 1.25), None, "image 1 has a pixel 1.25; divide by the largest value"),
        (IMAGES * 255, None, "image 0 has a pixel 4.32203; divide by the largest value"),
        ([IMAGES[0], IMAGES[0], IMAGES[0, :3]], None, "one shape, image 2 has (3, 5) and image 0 (4, 5); crop"),
        (IMAGES.reshape(3, 20), None, "(image, height, width, channel), got (3, 20); reshape"),
        (IMAGES[None, None], None, "got (1, 1, 3, 4, 5); reshape"),
        (np.array(0.5), None, "got (); reshape"),
        ([], None, "got (0,); reshape"),
        (IMAGES[:0], None, "`images` must hold at least one image, got the shape (0, 4, 5, 1)"),
        (IMAGES[:, :0], None, "`images` must hold at least one image, got the shape (3, 0, 5, 1)"),
        (IMAGES.astype(np.int64), None, "`images` must be uint8, bool or float, got int64"),
        (IMAGES.astype(np.uint16), None, "`images` must be uint8, bool or float, got uint16"),
        (IMAGES.astype(complex), None, "`images` must be uint8, bool or float, got complex128"),
        (None, None, "`images` must be uint8, bool or float, got object"),
        ("images.npz", None, "`images` must be uint8, bool or float, got <U10"),
        (IMAGES, [0, 1], "`labels` must be one whole number for each of the 3 images, got the shape (2,)"),
        (IMAGES, [0, 1, 2, 3], "`labels` must be one whole number for each of the 3 images, got the shape (4,)"),
        (IMAGES, np.eye(3), "got the shape (3, 3); of one-hot labels take `labels.argmax(1)`"),
        (IMAGES, np.eye(3, dtype=int), "got the shape (3, 3); of one-hot labels take `labels.argmax(1)`"),
        (IMAGES, [[0], [1, 2], [3]], "`labels` must be one whole number an image, got lists of many lengths"),
        (IMAGES, 4, "`labels` must be one whole number for each of the 3 images, got the shape ()"),
        (IMAGES, [0.0, 1.0, 2.0], "`labels` must be whole numbers, got float64; number the classes as integers from 0"),
        (
            IMAGES,
            ["a", "b", "c"],
            "`labels` must be whole numbers, got <U1; number the classes by `np.unique(",
        ),
        (IMAGES, [3, -1, -2], "`labels` must count from 0, image 1 has -1"),
    ],
)
@pytest.mark.usefixtures("as_users_call")
def test_bad_images_and_labels_are_refused(images, labels, message):
    with pytest.raises(ValueError, match=refusal(message)) as plain:
        Split.of(images, labels)
    with pytest.raises(ValueError, match=refusal("'my file', x: ", message)) as named:
        Split.of(images, labels, source="'my file', x")
    assert str(named.value) == f"'my file', x: {plain.value}"


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[..., None], None, "`images` must be float32 of shape (image, height, width, channel), got float64"),
        (IMAGES.astype(np.float32), None, "got float32 of shape (3, 4, 5); make them with `Split.of`"),
        (IMAGES[..., None].astype(np.float32), np.ones(3), "`labels` must be whole numbers, got float64"),
        (changed((2, 0, 0), np.nan)[..., None].astype(np.float32), None, "`images` must be finite, image 2"),
    ],
)
@pytest.mark.usefixtures("as_users_call")
def test_a_split_made_directly_is_checked_too(images, labels, message):
    with pytest.raises(ValueError, match=refusal(message)):
        Split(images, labels)


def both(labels=(0, 1, 2), test_labels=(5, 6)):
    return ImageData("mine", Split.of(IMAGES, labels), Split.of(1 - IMAGES[:2], test_labels))


def test_everything_is_the_training_images_and_then_the_test_images():
    data = both()
    whole = data.everything()
    np.testing.assert_array_equal(whole.images[..., 0], np.concatenate([IMAGES, 1 - IMAGES[:2]]).astype(np.float32))
    assert whole.labels.tolist() == [0, 1, 2, 5, 6]
    assert data.image_shape == (4, 5, 1)


@pytest.mark.parametrize("labels", [{"labels": None}, {"test_labels": None}, {"labels": None, "test_labels": None}])
def test_everything_has_labels_only_where_both_parts_have_them(labels):
    assert both(**labels).everything().labels is None


@pytest.mark.parametrize(
    ("sizes", "labels", "test_labels"),
    [({}, [0, 1, 2], [5, 6]), ({"train": 2}, [0, 1], [5, 6]), ({"train": 3, "test": 1}, [0, 1, 2], [5])],
)
def test_the_first_images_are_taken(sizes, labels, test_labels):
    data = both().take(**sizes)
    assert (data.name, data.train.labels.tolist(), data.test.labels.tolist()) == ("mine", labels, test_labels)
    np.testing.assert_array_equal(data.train.images, both().train.images[: len(labels)])
    assert both(labels=None).take(train=2).train.labels is None


@pytest.mark.parametrize("num", [0, -1, 4])
def test_more_images_than_there_are_cannot_be_taken(num):
    with pytest.raises(
        ValueError, match=refusal("`num_images` must be between 1 and the 3 images there are, got", str(num))
    ):
        both().take(train=num)


def test_train_and_test_images_have_one_shape():
    with pytest.raises(ValueError, match=refusal("`test` images must have", "(4, 5, 1), got (4, 4, 1); crop")):
        ImageData("mine", Split.of(IMAGES), Split.of(IMAGES[:, :, :4]))


# Digits, and names


@pytest.mark.parametrize("name", [None, "digits"])
def test_the_digits_are_scikit_learns(name):
    data, expected = load(name), load_digits()
    whole = data.everything()
    np.testing.assert_array_equal(whole.images[..., 0] * 16, expected.images)
    np.testing.assert_array_equal(whole.labels, expected.target)
    assert (data.name, data.image_shape) == ("digits", (8, 8, 1))
    assert (len(data.train.images), len(data.test.images)) == (1500, 297)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnits", "did you mean 'mnist'?"),
        ("MNIST", "did you mean 'mnist'?"),
        ("Fashion-MNIST", "did you mean 'fashion_mnist'?"),
        ("emnist/leters", "did you mean 'emnist/letters'?"),
        ("digit", "did you mean 'digits'?"),
        ("", "leave it out and give `data_dir`"),
        ("imagenet", "leave it out and give `data_dir`"),
    ],
)
def test_an_unknown_name_is_refused(name, hint):
    with pytest.raises(ValueError, match=refusal("`name` must be one of digits, emnist, ", f"got '{name}'; {hint}")):
        load(name)


@pytest.mark.parametrize("name", [None, *NAMES])
def test_a_folder_that_is_not_there_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=refusal("`data_dir` '", "nowhere' must exist")):
        load(name, tmp_path / "nowhere")


def test_the_digits_need_no_folder(tmp_path):
    with pytest.raises(ValueError, match=refusal("`data_dir` must be left out with the name 'digits'", str(tmp_path))):
        load("digits", tmp_path)


def test_a_named_set_is_read_from_a_folder_alone(tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=ARRAYS[0], x_test=ARRAYS[2])
    with pytest.raises(ValueError, match=refusal("must be a folder with the original files of mnist; leave `name`")):
        load("mnist", tmp_path / "mnist.npz")


def test_the_import_is_light():
    heavy = "{'tensorflow_datasets', 'sklearn', 'requests'} & set(sys.modules)"
    code = f"import sys, aecluster.data; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


# The known sets


@needs_mnist
@pytest.mark.parametrize("name", ["mnist", None])
def test_mnist_is_what_was_published(name, tmp_path):
    for file in FILES:
        (tmp_path / file).symlink_to(MNIST / file)
    data = load(name, tmp_path)
    assert data.name == "mnist"
    assert data.image_shape == (28, 28, 1)
    assert (data.train.images.mean(dtype=np.float64)).item() == pytest.approx(0.1306604762738429, rel=1e-7)
    assert data.train.images.std(dtype=np.float64).item() == pytest.approx(0.30810780717887876, rel=1e-6)
    # Counts as in https://yann.lecun.com/exdb/mnist and its many descriptions.
    assert np.bincount(data.train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.everything().images.shape == (70_000, 28, 28, 1)
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


@needs_mnist
@pytest.mark.parametrize("file", FILES)
def test_one_changed_byte_of_mnist_is_found_and_its_file_named(file, tmp_path):
    for name in FILES:
        (tmp_path / name).symlink_to(MNIST / name)
    content = bytearray((MNIST / file).read_bytes())
    content[4] ^= 1  # the time stamp in gzip's header, which the decompression does not miss
    (tmp_path / file).unlink()
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ValueError, match=refusal(f"{file}' must be the file registered for mnist", "fetch it again")):
        load("mnist", tmp_path)
    assert load(None, tmp_path).name == tmp_path.name


@needs_mnist
@pytest.mark.parametrize("name", ["fashion_mnist", "kmnist"])
def test_mnist_is_not_taken_for_its_namesakes(name):
    with pytest.raises(
        ValueError, match=refusal(f"train-images-idx3-ubyte.gz' must be the file registered for {name}")
    ):
        load(name, MNIST)


@needs_mnist
def test_mnist_uncompressed_is_read_by_its_name(tmp_path):
    for name in FILES[2:]:
        (tmp_path / name.removesuffix(".gz")).write_bytes(gzip.decompress((MNIST / name).read_bytes()))
    for name in FILES[:2]:
        (tmp_path / name).symlink_to(MNIST / name)
    data = load("mnist", tmp_path)
    assert (len(data.train.images), len(data.test.images)) == (60_000, 10_000)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
def test_uncompressed_files_need_only_be_well_formed(name, tmp_path):
    names = [file.removesuffix(".gz") for file in FILES]
    data = load(name, write_all(tmp_path, names))
    assert data.name == name
    assert_holds(data.train, *ARRAYS[:2])
    assert_holds(data.test, *ARRAYS[2:])
    (tmp_path / names[3]).write_bytes((tmp_path / names[3]).read_bytes()[:-1])
    with pytest.raises(ValueError, match=refusal(f"{names[3]}' is cut short", "needs 4 bytes", "found 3")):
        load(name, tmp_path)


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_original_is_named(missing, tmp_path):
    names = [file.removesuffix(".gz") for file in FILES]
    write_all(tmp_path, names)
    (tmp_path / missing.removesuffix(".gz")).unlink()
    with pytest.raises(ValueError, match=refusal(f"`data_dir` '{tmp_path}' must hold {missing}", "for kmnist; add it")):
        load("kmnist", tmp_path)


@pytest.mark.parametrize(("name", "part"), [("emnist", "balanced"), ("emnist/letters", "letters")])
def test_emnist_is_turned_upright(name, part, tmp_path):
    names = [f"emnist-{part}-{end}" for end in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")]
    write_all(tmp_path, [*names, *(file.replace("train", "test") for file in names)])
    data = load(name, tmp_path)
    assert (data.name, data.image_shape) == (name, (5, 6, 1))
    assert_holds(data.train, ARRAYS[0].transpose(0, 2, 1), ARRAYS[1])
    assert_holds(data.test, ARRAYS[2].transpose(0, 2, 1), ARRAYS[3])


# Downloads, from a server of our own


class _Info:
    """What tensorflow-datasets has registered of one file."""

    def __new__(cls, filename, content):
        from tensorflow_datasets.core.download.checksums import UrlInfo

        return UrlInfo(size=len(content), checksum=hashlib.sha256(content).hexdigest(), filename=filename)


@pytest.fixture
def register(tmp_path, monkeypatch):
    """A function that makes files on a server the registered ones, and returns the server's folder."""
    handler = functools.partial(_Quiet, directory=tmp_path / "server")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def make(files, address=f"http://127.0.0.1:{server.server_port}"):
        folder = tmp_path / "server"
        infos = {f"{address}/{path.name}": _Info(path.name, path.read_bytes()) for path in files}
        monkeypatch.setattr(downloads, "registered", lambda dataset: infos)
        return folder

    yield make
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def originals(tmp_path):
    folder = write_all(tmp_path / "server", FILES)
    return [folder / name for name in FILES]


def leftovers(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache" / "aecluster" / "kmnist").iterdir())


def test_a_download_is_kept_and_used_again(register, tmp_path):
    server = register(originals(tmp_path))
    assert_holds(load("kmnist").train, *ARRAYS[:2])
    assert leftovers(tmp_path) == sorted(FILES)
    for path in server.iterdir():
        path.unlink()
    data = load("kmnist")
    assert_holds(data.train, *ARRAYS[:2])
    assert_holds(data.test, *ARRAYS[2:])


def test_only_what_the_cache_lacks_is_downloaded(register, tmp_path):
    server = register(originals(tmp_path))
    load("kmnist")
    cache = tmp_path / "cache" / "aecluster" / "kmnist"
    (cache / FILES[1]).unlink()
    (server / FILES[0]).unlink()
    assert_holds(load("kmnist").train, *ARRAYS[:2])


def test_a_file_damaged_in_the_cache_is_named(register, tmp_path):
    register(originals(tmp_path))
    load("kmnist")
    write_idx(tmp_path / "cache" / "aecluster" / "kmnist" / FILES[2], ARRAYS[2] // 2)
    with pytest.raises(ValueError, match=refusal("t10k-images-idx3-ubyte.gz' must be the file registered for kmnist")):
        load("kmnist")


def test_files_given_by_hand_are_used_instead_of_a_download(register, tmp_path):
    files = originals(tmp_path)
    register(files, "http://127.0.0.1:9")
    assert_holds(load("kmnist", tmp_path / "server").test, *ARRAYS[2:])
    assert not (tmp_path / "cache").exists()


def test_emnist_is_read_out_of_its_archive(register, tmp_path):
    names = [f"emnist-digits-{file.replace('t10k', 'test')}" for file in FILES]
    write_all(tmp_path / "gzip", names)
    (tmp_path / "server").mkdir()
    with zipfile.ZipFile(tmp_path / "server" / "gzip.zip", "w") as archive:
        for name in names:
            archive.write(tmp_path / "gzip" / name, f"gzip/{name}")
    register([tmp_path / "server" / "gzip.zip"])
    for data in (load("emnist/digits"), load("emnist/digits", tmp_path / "server")):
        assert_holds(data.train, ARRAYS[0].transpose(0, 2, 1), ARRAYS[1])
        assert_holds(data.test, ARRAYS[2].transpose(0, 2, 1), ARRAYS[3])
    (tmp_path / "server" / "gzip.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match=refusal("gzip.zip' must be the file registered for emnist")):
        load("emnist/digits", tmp_path / "server")


def test_an_unreachable_server_is_soon_refused(register, tmp_path):
    register(originals(tmp_path), "http://127.0.0.1:9")
    message = refusal(
        "kmnist could not be downloaded to", "(ConnectionError); fetch http://127.0.0.1:9/train", "as `data_dir`"
    )
    start = time.monotonic()
    with pytest.raises(ValueError, match=message):
        load("kmnist")
    assert time.monotonic() - start < 60  # tensorflow-datasets alone tries again for 200 seconds
    assert leftovers(tmp_path) == []


def test_a_file_the_server_lost_is_a_clear_refusal(register, tmp_path):
    server = register(originals(tmp_path))
    (server / FILES[3]).unlink()
    with pytest.raises(ValueError, match=refusal("kmnist could not be downloaded to", "(DownloadError); fetch")):
        load("kmnist")
    assert leftovers(tmp_path) == sorted(FILES[:3])


def test_a_file_that_the_server_changed_is_never_kept(register, tmp_path):
    server = register(originals(tmp_path))
    write_idx(server / FILES[1], ARRAYS[1] // 2)
    with pytest.raises(
        ValueError, match=refusal("kmnist could not be downloaded", "(NonMatchingChecksumError); fetch")
    ):
        load("kmnist")
    assert leftovers(tmp_path) == FILES[:1]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist", "emnist"])
def test_tensorflow_datasets_has_the_files_registered(name):
    names = ["gzip.zip"] if name == "emnist" else FILES
    infos = downloads.registered(name).values()
    assert sorted(info.filename for info in infos) == sorted(names)
    assert all(re.fullmatch("[0-9a-f]{64}", info.checksum) for info in infos)


def test_the_cache_is_in_the_home_folder_where_nothing_else_is_said(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert downloads.cache_folder() == Path("/home/somebody/.cache/aecluster")


# Files of one's own


@pytest.mark.parametrize(
    "names",
    [
        FILES,
        [file.removesuffix(".gz") for file in FILES],
        ["Train_Images.idx", "Train_Labels.idx.gz", "Test_Images.idx", "Test_Labels.idx"],
        ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
        ["my-images-idx3-ubyte", "my-labels-idx1-ubyte", "my-test-images-idx3-ubyte", "my-test-labels-idx1-ubyte"],
    ],
)
def test_a_folder_of_idx_files_is_read(names, tmp_path):
    write_all(tmp_path / "letters", names)
    (tmp_path / "letters" / "images.md").write_text("about these images")
    (tmp_path / "letters" / "._train-images-idx3-ubyte").write_text("what macOS leaves on foreign disks")
    data = load(data_dir=tmp_path / "letters")
    assert data.name == "letters"
    assert_holds(data.train, *ARRAYS[:2])
    assert_holds(data.test, *ARRAYS[2:])


def test_labels_are_optional_in_a_folder(tmp_path):
    data = load(data_dir=write_all(tmp_path, FILES[::2], ARRAYS[::2]))
    assert (data.train.labels, data.test.labels) == (None, None)
    np.testing.assert_array_equal(data.test.images[..., 0], ARRAYS[2] / np.float32(255))


def test_of_a_file_that_is_there_twice_the_gzipped_one_is_read(tmp_path):
    write_all(tmp_path, FILES)
    write_idx(tmp_path / FILES[1].removesuffix(".gz"), ARRAYS[1] + 1)
    np.testing.assert_array_equal(load(data_dir=tmp_path).train.labels, ARRAYS[1])


KERAS = ["x_train", "y_train", "x_test", "y_test"]
LONG = ["train_images", "train_labels", "test_images", "test_labels"]


@pytest.mark.parametrize("keys", [KERAS, LONG])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_npz_file_in_two_parts_is_read(keys, save, tmp_path):
    save(tmp_path / "mine.npz", **dict(zip(keys, ARRAYS, strict=True)), notes=np.array(["by", "hand"], object))
    data = load(data_dir=tmp_path / "mine.npz")
    assert data.name == "mine"
    assert_holds(data.train, *ARRAYS[:2])
    assert_holds(data.test, *ARRAYS[2:])


def test_names_may_have_dots(tmp_path):
    np.savez(tmp_path / "my.v1.2.npz", x=ARRAYS[0], y=ARRAYS[1][:, None])
    data = load(data_dir=tmp_path / "my.v1.2.npz")
    assert (data.name, data.everything().labels.shape) == ("my.v1.2", (12,))
    assert load(data_dir=write_all(tmp_path / "mine.v2", FILES)).name == "mine.v2"


def test_labels_are_optional_in_a_npz_file(tmp_path):
    np.savez(tmp_path / "mine.npz", x_train=ARRAYS[0] / 255, x_test=ARRAYS[2] / 255)
    data = load(data_dir=str(tmp_path / "mine.npz"))
    assert (data.train.labels, data.test.labels) == (None, None)


def whole_as_idx(tmp_path):
    return write_all(tmp_path, ["images-idx3-ubyte", "labels-idx1-ubyte"], WHOLE)


def whole_as_test_files(tmp_path):
    return write_all(tmp_path, FILES[2:], WHOLE)


def whole_as_npz(*keys):
    def make(tmp_path):
        np.savez(tmp_path / "mine.npz", **dict(zip(keys, WHOLE, strict=True)))
        return tmp_path / "mine.npz"

    return make


@pytest.mark.parametrize(
    "make",
    [
        whole_as_idx,
        whole_as_test_files,
        *(whole_as_npz(*keys[:2]) for keys in (KERAS, LONG, ["images", "labels"], "xy")),
    ],
)
def test_images_in_one_piece_are_divided_in_a_fixed_way(make, tmp_path):
    data = load(data_dir=make(tmp_path))
    test = [3, 11]  # of 12 images, on every machine and every day
    train = [row for row in range(12) if row not in test]
    assert_holds(data.train, ARRAYS[0][train], ARRAYS[1][train])
    assert_holds(data.test, ARRAYS[0][test], ARRAYS[1][test])


@pytest.mark.parametrize(("num", "num_test"), [(2, 1), (3, 1), (8, 2), (10, 2), (101, 20)])
def test_a_fifth_is_set_aside(num, num_test, tmp_path):
    labels = np.sort(np.arange(num) % 5)  # as a file sorted by class has them
    np.savez(tmp_path / "mine.npz", images=np.zeros((num, 2, 2)), labels=labels)
    data = load(data_dir=tmp_path / "mine.npz")
    assert (len(data.train.images), len(data.test.images)) == (num - num_test, num_test)
    assert sorted(data.everything().labels) == labels.tolist()
    assert num < 101 or set(data.test.labels) == set(range(5))


def saved(**arrays):
    return lambda folder: np.savez(folder / "mine.npz", **arrays)


def written(content):
    return lambda folder: (folder / "mine.npz").write_bytes(content)


def damaged(folder):
    np.savez(folder / "mine.npz", images=ARRAYS[0])
    content = bytearray((folder / "mine.npz").read_bytes())
    content[300] ^= 1
    (folder / "mine.npz").write_bytes(content)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (written(b""), ["must be a .npz file, it is empty; write it again."]),
        (written(b"\x80\x04N."), ["must be a .npz file, it is a pickle, which could run foreign code"]),
        (damaged, ["must be a whole .npz file, it is damaged (Bad CRC-32"]),
        (saved(images=np.array([[1], None], object)), ["must hold plain arrays, it has pickled objects"]),
        (
            saved(pictures=ARRAYS[0], y_train=ARRAYS[1]),
            ["must hold arrays x_train and x_test", "got pictures, y_train;"],
        ),
        (saved(), ["must hold arrays x_train and x_test", "got none;"]),
        (saved(images=np.full((2, 2, 2), np.nan)), [", images and labels: `images` must be finite, image 0"]),
        (
            saved(x=ARRAYS[0], y=ARRAYS[3]),
            [", x and y: `labels` must be one whole number for each of the 12", "shape (4,)"],
        ),
        (saved(x_train=ARRAYS[0], x_test=ARRAYS[2] / 2.0), [", x_test and y_test: `images` must lie in [0, 1]"]),
        (saved(x_train=ARRAYS[0], x_test=ARRAYS[2][:, 1:]), ["`test` images must have", "(6, 5, 1), got (5, 5, 1)"]),
        (saved(images=ARRAYS[0][:1]), ["must hold two images or more, got 1"]),
    ],
)
def test_a_bad_npz_file_is_refused(make, message, tmp_path):
    make(tmp_path)
    with pytest.raises(ValueError, match=refusal(*message)):
        load(data_dir=tmp_path / "mine.npz")


def cut_short(folder):
    write_all(folder, FILES)
    (folder / FILES[2]).write_bytes((folder / FILES[2]).read_bytes()[:-20])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, ["must hold a file of images in IDX format, named like train-images-idx3-ubyte.gz"]),
        (lambda folder: write_all(folder, FILES[1:2], ARRAYS[1:2]), ["must hold a file of images in IDX format"]),
        (
            lambda folder: write_all(folder, [FILES[0], FILES[3]], [ARRAYS[0], ARRAYS[3]]),
            ["t10k-labels-idx1-ubyte.gz' has labels without images; add the test images"],
        ),
        (
            lambda folder: write_all(folder, [FILES[0], "images-idx3-ubyte"], ARRAYS[::2]),
            ["must hold one file of train images, got images-idx3-ubyte and train-images-idx3-ubyte.gz; keep one"],
        ),
        (
            lambda folder: write_all(folder, FILES, [*ARRAYS[:3], ARRAYS[1]]),
            [
                "t10k-images-idx3-ubyte.gz' with t10k-labels-idx1-ubyte.gz: `labels` must be one whole number for each of the 4"
            ],
        ),
        (
            lambda folder: write_all(folder, FILES, [ARRAYS[0].astype(np.int16), *ARRAYS[1:]]),
            ["train-images-idx3-ubyte.gz' with", "`images` must be uint8, bool or float, got int16"],
        ),
        (
            lambda folder: write_all(folder, FILES, [*ARRAYS[:2], ARRAYS[2][:, 1:], ARRAYS[3]]),
            ["`test` images must have the shape of the training images, (6, 5, 1), got (5, 5, 1)"],
        ),
        (cut_short, ["t10k-images-idx3-ubyte.gz' must be a whole gzip file, it is damaged"]),
    ],
)
def test_a_bad_folder_is_refused(make, message, tmp_path):
    make(tmp_path)
    with pytest.raises(ValueError, match=refusal(*message)):
        load(data_dir=tmp_path)
