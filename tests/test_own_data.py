"""Files of one's own: folders of IDX and .npz, in one piece or in two, and refusals by their text."""

import numpy as np
import pytest
from image_files import ARRAYS, FILES, WHOLE, assert_holds, refusal, write_all

from aecluster.data import load, write_idx


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
        (
            written(b""),
            ["must be a file of images (IDX, .npz, .npy, parquet, .mat, HDF5, CSV), it is empty; write it again."],
        ),
        (written(b"\x80\x04N."), ["must be a file of images (IDX, ", "it is a pickle, which could run foreign code"]),
        (damaged, ["must be a whole .npz file, it is damaged (Bad CRC-32"]),
        (saved(images=np.array([[1], None], object)), ["must hold plain arrays, it has pickled objects"]),
        (
            saved(first=ARRAYS[0], second=ARRAYS[0], y_train=ARRAYS[1]),
            ["must hold arrays of images, such as x_train and x_test", "got first, second, y_train; pass `images_key`"],
        ),
        (saved(), ["must hold arrays of images", "got none;"]),
        (saved(images=np.full((2, 2, 2), np.nan)), [", images: `images` must be finite, image 0"]),
        (
            saved(x=ARRAYS[0], y=ARRAYS[3]),
            [", x and y: `labels` must be one whole number for each of the 12", "shape (4,)"],
        ),
        (
            saved(x_train=ARRAYS[0], x_test=ARRAYS[2] / 2.0),
            [", x_test: `images` are float64 from ", "which tells no white; pass `white`"],
        ),
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
        (
            lambda folder: None,
            ["must hold pictures, or files of images such as train-images-idx3-ubyte.gz", "it is empty"],
        ),
        (
            lambda folder: write_all(folder, FILES[1:2], ARRAYS[1:2]),
            ["train-labels-idx1-ubyte.gz' has labels without images; add the train images"],
        ),
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
            lambda folder: write_all(folder, FILES, [ARRAYS[0].astype(np.int16) - 1, *ARRAYS[1:]]),
            [
                "train-images-idx3-ubyte.gz' with",
                "`images` are int16 from -1 to 254, which tells no white; pass `white`",
            ],
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
