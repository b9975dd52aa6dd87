"""Data by name: digits and the known sets against their published numbers."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from image_files import ARRAYS, FILES, MNIST, assert_holds, needs_mnist, refusal, write_all
from sklearn.datasets import load_digits

from aecluster.data import NAMES, load


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
