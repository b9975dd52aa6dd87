"""Images as people have them: every file here is written by another library, and read as what that library was given."""

import csv
import gzip
import json
import sys
import zipfile

import cv2
import h5py
import imageio.v3 as imageio
import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
import xarray as xr
from image_files import ARRAYS, refusal, write_all
from PIL import Image

import aecluster as ae

RNG = np.random.default_rng(5)
GREYS = RNG.integers(0, 256, (10, 6, 6), np.uint8)
GREYS[0, 0, :2] = 0, 255
COLOURS = RNG.integers(0, 256, (10, 6, 7, 3), np.uint8)
LABELS = np.arange(10) % 3
WORDS = np.array(["cat", "dog", "owl"])[LABELS]
WANTED = GREYS[..., None] / np.float32(255)


def whole(data):
    """Images and labels in the order of the file: what was set aside for the test goes back to its place."""
    order = np.argsort(np.random.PCG64(0).random_raw(10), kind="stable")
    places = np.argsort(np.concatenate([np.sort(order[2:]), np.sort(order[:2])]))
    everything = data.everything()
    return everything.images[places], None if everything.labels is None else everything.labels[places]


def table(path, rows, header=None, delimiter=","):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([*([header] if header else []), *rows])


def with_label(images=GREYS, labels=LABELS):
    return [[label, *image.ravel()] for label, image in zip(labels, images, strict=True)]


PIXELS = [f"pixel{place}" for place in range(36)]


def as_table_of_pandas(path):
    frame = pandas.DataFrame(GREYS.reshape(10, -1), columns=PIXELS)
    frame.insert(36, "class", WORDS)
    frame.to_csv(path, index=False)


def encoded(image):
    return cv2.imencode(".png", image if image.ndim == 2 else image[..., ::-1])[1].tobytes()


def as_hugging_face(path, images=GREYS, labels=LABELS, names=None):
    cells = [{"bytes": encoded(image), "path": None} for image in images]
    found = pa.table({"image": cells, "label": labels})
    if names:
        told = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        found = found.replace_schema_metadata({"huggingface": json.dumps(told)})
    pq.write_table(found, path)


def bytes_in_parquet(path):
    pandas.DataFrame({"png": [encoded(image) for image in GREYS], "label": WORDS}).to_parquet(path)


def rows_in_parquet(path):
    pandas.DataFrame({"pixels": list(GREYS.reshape(10, -1)), "label": LABELS}).to_parquet(path)


def svhn(path):
    scipy.io.savemat(path, {"X": np.moveaxis(COLOURS, 0, -1), "y": LABELS[:, None] + 1})


def usps(path):
    """Patterns in columns from -1 to 1, labels a table of ones among minus ones, as usps_resampled.mat has them."""
    patterns, hot = GREYS.reshape(10, -1).T / 127.5 - 1, 2.0 * np.eye(3)[LABELS].T - 1
    scipy.io.savemat(path, {"train_patterns": patterns, "train_labels": hot}, do_compression=True)


def emnist(path):
    """Nested structs, images transposed, as emnist-letters.mat has them."""
    images = {"images": GREYS.swapaxes(1, 2).reshape(10, -1), "labels": LABELS[:, None], "writers": LABELS[:, None]}
    scipy.io.savemat(path, {"dataset": {"train": images, "mapping": np.arange(6).reshape(3, 2)}})


def grouped(path):
    """Groups of flat rows as usps.h5 has them, compressed, and what is beside them."""
    with h5py.File(path, "w") as file:
        file.create_dataset("train/data", data=GREYS.reshape(10, -1) / 255, compression="gzip")
        file["train/target"] = LABELS
        file["train/data"].attrs["description"] = "rows"
        file["version"], file["names"] = 1, h5py.SoftLink("/train/target")


def with_words(path):
    with h5py.File(path, "w") as file:
        file["images"], file["labels"] = COLOURS, WORDS.tolist()


def two_arrays(path):
    with h5py.File(path, "w") as file:
        file["one/two"], file["one/other"], file["three"] = GREYS, GREYS[::-1], LABELS


def version73(path):
    """As MATLAB 7.3 saves a struct: axes turned, a block of text before all, letters as numbers, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in {"set/X": np.moveaxis(COLOURS, 0, -1), "set/y": LABELS[:, None] + 1.0}.items():
            file.create_dataset(name, data=array.T, chunks=True, compression="gzip").attrs["MATLAB_class"] = np.bytes_(
                "double"
            )
        file["set/image_text"] = np.array([[ord(letter)] for letter in "abc"], np.uint16)
        file["set/image_text"].attrs["MATLAB_class"] = np.bytes_("char")
        file["set/image_cells"] = np.array([file["set/y"].ref], h5py.ref_dtype)
        file["#refs#/data"] = GREYS
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(124) + b"\0\2IM")


# a file's name, who writes it, what is in it, labels, and what is said of it
CASES = {
    "npz of Keras' keys": ("a.npz", lambda path: np.savez(path, X=GREYS, y=LABELS), WANTED, LABELS, {}),
    "npz, data and target": ("a.npz", lambda path: np.savez(path, data=GREYS, target=WORDS), WANTED, LABELS, {}),
    "npz by position": ("a.npz", lambda path: np.savez_compressed(path, GREYS, LABELS), WANTED, LABELS, {}),
    "npz of one array": ("a.npz", lambda path: np.savez(path, GREYS), WANTED, None, {}),
    "npz by its keys": (
        "a.npz",
        lambda path: np.savez(path, one=GREYS, two=GREYS[::-1], three=LABELS),
        WANTED,
        LABELS,
        {"images_key": "one", "labels_key": "three"},
    ),
    "npy": ("a.npy", lambda path: np.save(path, GREYS), WANTED, None, {}),
    "npy in colour": ("a.npy", lambda path: np.save(path, COLOURS), COLOURS / np.float32(255), None, {}),
    "npy, channels first": (
        "a.npy",
        lambda path: np.save(path, np.moveaxis(COLOURS, -1, 1)),
        COLOURS / np.float32(255),
        None,
        {},
    ),
    "npy of flat planes": (
        "a.npy",
        lambda path: np.save(path, np.moveaxis(COLOURS, -1, 1).reshape(10, -1)),
        COLOURS / np.float32(255),
        None,
        {"image_shape": (3, 6, 7)},
    ),
    "npy, 16 bits": ("a.npy", lambda path: np.save(path, GREYS.astype(np.uint16) * 257), WANTED, None, {}),
    "npy, 8 bits in floats": ("a.npy", lambda path: np.save(path, GREYS.astype(np.float64)), WANTED, None, {}),
    "npy, from -1 to 1": ("a.npy", lambda path: np.save(path, GREYS / 127.5 - 1), WANTED, None, {}),
    "npy of 5 bits": (
        "a.npy",
        lambda path: np.save(path, GREYS // 8),
        (GREYS // 8)[..., None] / 31,
        None,
        {"white": 31},
    ),
    "CSV, label first": (
        "a.csv",
        lambda path: table(path, with_label(), ["label", *PIXELS]),
        WANTED,
        LABELS,
        {},
    ),
    "CSV of pandas, label last": ("a.csv", as_table_of_pandas, WANTED, LABELS, {}),
    "CSV without names": (
        "a.csv",
        lambda path: table(path, with_label(), delimiter=";"),
        WANTED,
        LABELS,
        {"labels_key": "0"},
    ),
    "CSV without labels": ("a.tsv", lambda path: table(path, GREYS.reshape(10, -1), None, "\t"), WANTED, None, {}),
    "CSV of EMNIST": (
        "emnist-balanced-train.csv",
        lambda path: table(path, with_label(GREYS.swapaxes(1, 2))),
        WANTED,
        LABELS,
        {"labels_key": "0"},
    ),
    "parquet of Hugging Face": ("a.parquet", as_hugging_face, WANTED, LABELS, {}),
    "parquet in colour": (
        "a.parquet",
        lambda path: as_hugging_face(path, COLOURS),
        COLOURS / np.float32(255),
        LABELS,
        {},
    ),
    "parquet with bytes": ("a.parquet", bytes_in_parquet, WANTED, LABELS, {}),
    "parquet with rows": ("a.parquet", rows_in_parquet, WANTED, LABELS, {}),
    "mat of SVHN": ("train_32x32.mat", svhn, COLOURS / np.float32(255), LABELS + 1, {}),
    "mat of USPS": ("usps_resampled.mat", usps, WANTED, LABELS, {}),
    "mat of EMNIST": ("emnist-letters.mat", emnist, WANTED, LABELS, {}),
    "mat of version 7.3": ("train_32x32.mat", version73, COLOURS / np.float32(255), LABELS + 1, {}),
    "HDF5 of USPS": ("usps.h5", grouped, WANTED, LABELS, {}),
    "HDF5 with words": ("a.hdf5", with_words, COLOURS / np.float32(255), LABELS, {}),
    "HDF5 by its keys": (
        "a.h5",
        two_arrays,
        WANTED,
        LABELS,
        {"images_key": "one/two", "labels_key": "three"},
    ),
    "one IDX file": ("images-idx3-ubyte", lambda path: ae.write_idx(path, GREYS), WANTED, None, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file_is_read_as_it_was_written(case, tmp_path):
    name, write, images, labels, said = CASES[case]
    write(tmp_path / name)
    found, found_labels = whole(ae.load(tmp_path / name, **said))
    np.testing.assert_allclose(found, images, atol=1e-6)
    np.testing.assert_array_equal(found_labels, labels)


LABEL_KINDS = {
    "column": LABELS[:, None],
    "row": LABELS[None],
    "one-hot": np.eye(3)[LABELS],
    "one-hot of bools": np.eye(3, dtype=bool)[LABELS],
    "floats": LABELS.astype(float),
    "words": WORDS,
    "bytes": WORDS.astype("S"),
    "numbers in words": LABELS.astype(str),
    "objects": WORDS.astype(object),
    "a list": LABELS.tolist(),
    "int8": LABELS.astype(np.int8),
}


@pytest.mark.parametrize("kind", LABEL_KINDS)
def test_labels_of_any_kind_become_numbers(kind):
    data = ae.load((GREYS, LABEL_KINDS[kind]))
    np.testing.assert_array_equal(whole(data)[1], LABELS)
    assert data.classes == (("cat", "dog", "owl") if kind in ("words", "bytes", "objects") else None)


def array_of_xarray(**coords):
    return xr.DataArray(GREYS, dims=("image", "y", "x"), coords=coords)


MEMORY = {
    "an array": (GREYS, None),
    "a pair": ((GREYS, LABELS), LABELS),
    "a list of images": ((list(GREYS), LABELS), LABELS),
    "xarray's array": (array_of_xarray(), None),
    "xarray's array with labels": (array_of_xarray(label=("image", WORDS)), LABELS),
    "xarray's data set": (xr.Dataset({"images": array_of_xarray(), "labels": ("image", LABELS)}), LABELS),
}


@pytest.mark.parametrize("case", MEMORY)
def test_images_in_memory_are_taken(case):
    value, labels = MEMORY[case]
    images, found = whole(ae.load(value))
    np.testing.assert_array_equal(images, WANTED)
    np.testing.assert_array_equal(found, labels)


def test_a_band_of_xarray_is_a_channel():
    bands = xr.DataArray(np.moveaxis(COLOURS, -1, 0), dims=("band", "image", "y", "x")).transpose("image", ...)
    np.testing.assert_array_equal(whole(ae.load(bands))[0], COLOURS / np.float32(255))


# Sets in several parts


def single_arrays(folder):
    """As KMNIST is published."""
    for name, array in zip(("train-imgs", "train-labels", "test-imgs", "test-labels"), ARRAYS, strict=True):
        np.savez_compressed(folder / f"kmnist-{name}.npz", array)
    (folder / "kmnist_classmap.csv").write_text("index,codepoint,char\n")


def plain_arrays(folder):
    for name, array in zip(("x_train", "y_train", "X_test", "y_test"), ARRAYS, strict=True):
        np.save(folder / f"{name}.npy", array)


def tables(folder):
    for part, images, labels in [("train", *ARRAYS[:2]), ("test", *ARRAYS[2:])]:
        table(folder / f"mnist_{part}.csv", with_label(images, labels), ["label", *PIXELS[:30]])
    with open(folder / "mnist_train.csv", "rb") as file:
        (folder / "mnist_train.csv.gz").write_bytes(gzip.compress(file.read()))
    (folder / "mnist_train.csv").unlink()


def shards(folder):
    as_hugging_face(folder / "train-00000-of-00002.parquet", ARRAYS[0][:5], ARRAYS[1][:5])
    as_hugging_face(folder / "train-00001-of-00002.parquet", ARRAYS[0][5:], ARRAYS[1][5:])
    as_hugging_face(folder / "test-00000-of-00001.parquet", *ARRAYS[2:])


def of_hdf5(folder):
    with h5py.File(folder / "usps.h5", "w") as file:
        for part, images, labels in [("train", *ARRAYS[:2]), ("test", *ARRAYS[2:])]:
            file[f"{part}/data"], file[f"{part}/target"] = images.reshape(len(images), -1), labels


def mats(folder):
    for part, images, labels in [("train", *ARRAYS[:2]), ("test", *ARRAYS[2:])]:
        scipy.io.savemat(folder / f"{part}_32x32.mat", {"X": np.moveaxis(images, 0, -1), "y": labels[:, None]})


def pictures(folder):
    for part, images, labels in [("train", *ARRAYS[:2]), ("test", *ARRAYS[2:])]:
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            place = folder / "digits" / part / f"{label}" / f"{index:03}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            imageio.imwrite(place, image)


SHAPED = {"image_shape": (6, 5)}
FOLDERS = {"single arrays": (single_arrays, {}), "npy": (plain_arrays, {}), "CSV": (tables, SHAPED)}
FOLDERS |= {"HDF5": (of_hdf5, SHAPED), "parquet": (shards, {}), "mat": (mats, {}), "pictures": (pictures, {})}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_in_parts_is_read(case, tmp_path):
    write, said = FOLDERS[case]
    write(tmp_path)
    data = ae.load(data_dir=tmp_path, **said)
    for split, images, labels in [(data.train, *ARRAYS[:2]), (data.test, *ARRAYS[2:])]:
        order = np.argsort(labels, kind="stable") if case == "pictures" else slice(None)
        np.testing.assert_array_equal(split.images[..., 0], images[order] / np.float32(255))
        np.testing.assert_array_equal(split.labels, labels[order])


def test_validation_images_join_the_training_images(tmp_path):
    medmnist = {f"{part}_images": COLOURS[:count] for part, count in [("train", 6), ("val", 3), ("test", 4)]}
    labels = {f"{part}_labels": LABELS[:count, None] for part, count in [("train", 6), ("val", 3), ("test", 4)]}
    np.savez(tmp_path / "bloodmnist.npz", **medmnist, **labels)
    data = ae.load(tmp_path / "bloodmnist.npz")
    assert (len(data.train.images), len(data.test.images)) == (9, 4)
    assert data.train.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff"])
@pytest.mark.parametrize("images", [GREYS, COLOURS], ids=["grey", "colour"])
def test_pictures_that_lose_nothing_come_back(images, suffix, tmp_path):
    for index, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{index}.{suffix}")
    found, labels = whole(ae.load(tmp_path))
    np.testing.assert_array_equal(found, images.reshape(found.shape) / np.float32(255))
    assert labels is None


def test_pictures_of_many_kinds_become_one(tmp_path):
    """JPEG in colour, PNG in grey, with a palette, of 16 bits and of several sizes."""
    smooth = np.tile(np.linspace(0, 255, 20).astype(np.uint8), (20, 1))
    for place in ("light", "steep"):
        (tmp_path / place).mkdir()
    Image.fromarray(np.stack([smooth] * 3, -1)).save(tmp_path / "light" / "a.JPG", quality=95)
    Image.fromarray(smooth).convert("P").save(tmp_path / "light" / "b.png")
    cv2.imwrite(str(tmp_path / "steep" / "c.png"), smooth.astype(np.uint16) * 257)
    Image.fromarray(smooth).resize((40, 40)).convert("RGBA").save(tmp_path / "steep" / "d.png")
    data = ae.load(tmp_path, image_size=(10, 10))
    assert data.classes == ("light", "steep")
    assert data.image_shape == (10, 10, 3)
    wanted = np.tile(cv2.resize(smooth, (10, 10), interpolation=cv2.INTER_AREA)[..., None] / 255, 3)
    np.testing.assert_allclose(data.everything().images, [wanted] * 4, atol=0.03)


def test_images_are_resized_on_request(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.kron(GREYS, np.ones((1, 4, 4), np.uint8)), y=LABELS)
    data = ae.load(tmp_path / "a.npz", image_size=6)
    assert data.image_shape == (6, 6, 1)
    assert np.corrcoef(whole(data)[0].ravel(), WANTED.ravel())[0, 1] > 0.9
    flat = ae.load(np.full((4, 8, 8), 0.25), image_size=(5, 3))
    np.testing.assert_allclose(flat.train.images, np.full((3, 5, 3, 1), 0.25), rtol=1e-6)
    assert ae.load("digits", image_size=16).image_shape == (16, 16, 1)


def test_names_of_classes_that_hugging_face_leaves_are_kept(tmp_path):
    as_hugging_face(tmp_path / "a.parquet", names=["ant", "bee", "cow"])
    assert ae.load(tmp_path / "a.parquet").classes == ("ant", "bee", "cow")


def test_what_was_read_is_told_in_one_line(tmp_path):
    np.savez(tmp_path / "pets.npz", x=COLOURS, y=[*WORDS[:9], "emu"])
    told = "pets: 8 images to train on, 2 to test on; 6x7, colour, uint8 from 0 to 255; 4 classes, 1 of a single image (emu)"
    assert ae.load(tmp_path / "pets.npz").describe() == told
    assert repr(ae.load(tmp_path / "pets.npz")) == f"ImageData({told})"
    assert ae.load(GREYS / 255).describe().endswith("6x6, grey, float64 from 0 to 1; no labels")


def test_emnists_own_files_are_turned_upright(tmp_path):
    names = [
        f"emnist-letters-{part}-{kind}"
        for part in ("train", "test")
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    ]
    data = ae.load(write_all(tmp_path, names))
    np.testing.assert_array_equal(data.train.images[..., 0], ARRAYS[0].transpose(0, 2, 1) / np.float32(255))
    write_all(tmp_path, [name.replace("letters", "balanced") for name in names])
    with pytest.raises(
        ValueError, match=refusal("one file of test images", "name the split, such as 'emnist/letters'")
    ):
        ae.load(tmp_path)
    np.testing.assert_array_equal(ae.load("emnist/letters", tmp_path).test.labels, ARRAYS[3])


@pytest.mark.parametrize("name", ["mnist", "kmnist"])
def test_known_sets_whose_names_have_dots_are_read(name, tmp_path):
    write_all(
        tmp_path,
        ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
    )
    np.testing.assert_array_equal(ae.load(name, tmp_path).train.labels, ARRAYS[1])


# What is refused


def broken(folder):
    for index, image in enumerate(GREYS):
        Image.fromarray(image).save(folder / f"{index}.png")
    (folder / "3.png").write_bytes((folder / "3.png").read_bytes()[:60])


def sizes(folder):
    Image.fromarray(GREYS[0]).save(folder / "0.png")
    Image.fromarray(GREYS[0][:4]).save(folder / "1.png")


def transparent(folder):
    Image.fromarray(np.dstack([COLOURS[0], GREYS[0][:, :1].repeat(7, 1)])).save(folder / "0.png")


def huge_picture(folder):
    Image.new("1", (9_000, 8_000)).save(folder / "0.png")


def mixed(folder):
    (folder / "cat").mkdir()
    Image.fromarray(GREYS[0]).save(folder / "cat" / "0.png")
    Image.fromarray(GREYS[0]).save(folder / "1.png")


def ten_million(folder):
    header = str({"descr": "|u1", "fortran_order": False, "shape": (10**7, 28, 28)}).encode().ljust(117) + b"\n"
    (folder / "a.npy").write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(64))


def bomb(folder):
    """Black images, more than memory holds, in a hundred kilobytes: every header tells the truth."""
    shape = (10**9, 28, 28)
    header = str({"descr": "|u1", "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(10**6))


def npz(**arrays):
    return lambda folder: np.savez(folder / "a.npz", **arrays)


def rows(*lines):
    return lambda folder: (folder / "a.csv").write_text("\n".join(lines) + "\n")


def damaged_mat(folder):
    svhn(folder / "a.mat")
    (folder / "a.mat").write_bytes((folder / "a.mat").read_bytes()[:300])


def damaged_parquet(folder):
    as_hugging_face(folder / "a.parquet")
    (folder / "a.parquet").write_bytes((folder / "a.parquet").read_bytes()[:-20])


def damaged_hdf5(folder):
    grouped(folder / "a.h5")
    (folder / "a.h5").write_bytes((folder / "a.h5").read_bytes()[:700])


def hollow(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("images", (10**9, 28, 28), np.uint8, chunks=True)


def elsewhere(folder):
    (folder / "secret").write_bytes(GREYS.tobytes())
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("images", (3, 6, 6), np.uint8, external=[(str(folder / "secret"), 0, 108)])


def broken_row(folder):
    pq.write_table(pa.table({"image": [encoded(GREYS[0]), b"no picture"], "label": [0, 1]}), folder / "a.parquet")


def two_labels(folder):
    pandas.DataFrame({"image": [encoded(GREYS[0])] * 2, "fine_label": [0, 1], "coarse_label": [0, 0]}).to_parquet(
        folder / "a.parquet"
    )


def unlabelled_mat(folder):
    scipy.io.savemat(folder / "a.mat", {"data": RNG.integers(0, 256, (36, 50, 10), np.uint8)})


BIG = RNG.integers(0, 256, (20, 3, 4, 4), np.uint8)
REFUSED = {
    "a broken picture": (
        broken,
        {},
        ["3.png' is no whole picture, it cannot be decoded; mend or remove it, or pass `skip"],
    ),
    "several sizes": (
        sizes,
        {},
        ["0.png' has 6x6 pixels and '", "1.png' 6x4, and images must be of one size; pass `image_size`"],
    ),
    "transparent": (transparent, {}, ["0.png' is no whole picture, it is transparent in part"]),
    "a huge picture": (
        huge_picture,
        {},
        ["0.png' is no whole picture, it has 9000x8000 pixels, more than 67,108,864"],
    ),
    "pictures beside folders": (mixed, {}, ["must hold pictures or folders of them, it holds both"]),
    "ten million images": (
        ten_million,
        {},
        ["says that it has 7,840,000,128 bytes, and the file holds 192 at most; write"],
    ),
    "an archive that unpacks to more": (
        bomb,
        {},
        ["images.npy says that it has 784,000,000,128 bytes, and the file holds"],
    ),
    "channels first or last": (npz(x=BIG), {}, ["may have their channels first or last; pass `image_shape=(3, 4, 4)`"]),
    "rows of no square": (
        npz(x=GREYS.reshape(10, 36)[:, :30]),
        {},
        ["rows of 30 numbers, which make no square; pass `image_sh"],
    ),
    "another shape": (
        npz(x=GREYS),
        {"image_shape": (5, 5)},
        ["`image_shape` is (5, 5), but one image has the shape (6, 6)"],
    ),
    "no white": (
        npz(x=GREYS // 16 * 1.0),
        {},
        ["`images` are float64 from 0 to 15, which tells no white; pass `white`, such"],
    ),
    "0 and 1 in bytes": (
        npz(x=GREYS // 128),
        {},
        ["`images` are uint8 from 0 to 1, which tells no white; pass `white`"],
    ),
    "two arrays": (
        npz(x=GREYS, images=GREYS),
        {},
        ["holds both x and images; pass `images_key`, such as images_key='images'"],
    ),
    "two labels": (npz(x=GREYS, y=LABELS, target=LABELS), {}, ["holds both y and target; pass `labels_key`"]),
    "no such key": (npz(x=GREYS), {"images_key": "z"}, ["`images_key` must be one of x of '", "got 'z'; correct it."]),
    "several classes": (
        npz(x=GREYS, y=np.ones((10, 3))),
        {},
        ["must have one class an image, as one number or one-hot"],
    ),
    "labels of a half": (
        npz(x=GREYS, y=LABELS / 2),
        {},
        ["must be whole numbers or words, image 1 has 0.5; give it a class"],
    ),
    "fewer labels": (npz(x=GREYS, y=LABELS[:4]), {}, ["`labels` must be one whole number for each of the 10 images"]),
    "a table without names": (
        rows(*[",".join("1" * 10)] * 3),
        {},
        ["has 10 columns, and which are labels is open; pass `labels_key`, such as 0 or 9."],
    ),
    "a word among pixels": (
        rows("label,a,b,c,d", "1,2,3,4,x", "1,2,3,4,5"),
        {},
        ["could not convert string 'x'", "mend that row"],
    ),
    "rows of several lengths": (
        rows("label,a,b,c,d", "1,2,3,4,5", "1,2"),
        {},
        ["must be a table of one image a row ("],
    ),
    "a table of nothing": (rows("label,a,b,c,d"), {}, ["must hold at least one image, it has no row"]),
    "no such column": (
        rows("label,a", "1,2"),
        {"labels_key": "digit"},
        ["`labels_key` must be one of the columns label, a"],
    ),
    "damaged .mat": (damaged_mat, {}, ["must be a whole .mat file, it is damaged ("]),
    "which axis": (
        unlabelled_mat,
        {},
        ["(36, 50, 10) and without labels do not tell which axis counts them; pass `image_shape`"],
    ),
    "damaged HDF5": (damaged_hdf5, {}, ["a.h5' must be a whole HDF5 file, it is damaged ("]),
    "HDF5 of nothing": (hollow, {}, ["images says that it has 784,000,000,000 bytes, and the file holds 0 at most"]),
    "HDF5 from elsewhere": (elsewhere, {}, ["a.h5' only points to other files, where images lies; give a file that"]),
    "damaged parquet": (damaged_parquet, {}, ["must be a whole parquet file, it is damaged ("]),
    "a broken row": (broken_row, {}, ["row 1 of '", "a.parquet' is no whole picture, it cannot be decoded"]),
    "two columns of labels": (
        two_labels,
        {},
        ["holds fine_label, coarse_label, of which one is meant; pass `labels_key`"],
    ),
    "a word that is not heeded": (
        npz(x=GREYS),
        {"skip_broken": True},
        ["`skip_broken` means nothing for '", "(.npz); leave it"],
    ),
    "a size of nothing": (
        npz(x=GREYS),
        {"image_size": 0},
        ["`image_size` must be a whole number of at least 1, got 0"],
    ),
    "three sizes": (
        npz(x=GREYS),
        {"image_size": (1, 2, 3)},
        ["`image_size` must be one number, or height and width, got (1, 2"],
    ),
    "a line for a shape": (
        npz(x=GREYS),
        {"image_shape": (36,)},
        ["`image_shape` must be height and width, or those and the"],
    ),
    "two tables": (
        lambda folder: [rows("label,a", "1,2")(folder), (folder / "b.csv").write_text("label,a\n1,2\n")],
        {},
        ["holds a.csv and b.csv, whose names say neither train nor test; give one."],
    ),
}


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_ambiguous_or_broken_is_refused_in_one_sentence(case, tmp_path):
    write, said, message = REFUSED[case]
    write(tmp_path)
    with pytest.raises(ValueError, match=refusal(*message)):
        ae.load(tmp_path, **said)


def test_without_h5py_it_is_named(tmp_path, monkeypatch):
    grouped(tmp_path / "a.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(
        ValueError, match=refusal("a.h5' is an HDF5 file, which h5py reads; install it by `pip install")
    ):
        ae.load(tmp_path / "a.h5")


def test_broken_pictures_are_left_out_on_request(tmp_path):
    broken(tmp_path)
    data = ae.load(tmp_path, skip_broken=True)
    assert len(data.everything().images) == 9
    assert "uint8 from 0 to 255, 1 broken left out; no labels" in data.describe()


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("value", "said", "message"),
    [
        ((GREYS, LABELS, LABELS), {}, ["`name` must be images, (images, labels) or ((images, labels), (test images"]),
        ((GREYS, LABELS[:3]), {}, ["the train part: `labels` must be one whole number for each of the 10 images"]),
        (
            array_of_xarray(label=("image", WORDS), target=("image", WORDS)),
            {},
            ["coordinates label, target; pass `labels_key`"],
        ),
        ("digits", {"white": 16}, ["`white` is for images of one's own, not for digits; leave it out."]),
        ("nowhere.npz", {}, ["`data_dir` 'nowhere.npz' must exist; give a file or a folder of images."]),
        (GREYS, {"data_dir": "a"}, ["`data_dir` and images in memory exclude each other; give one."]),
    ],
)
def test_bad_images_in_memory_are_refused(value, said, message):
    with pytest.raises(ValueError, match=refusal(*message)):
        ae.load(value, **said)


def test_more_images_than_memory_holds_are_refused():
    with pytest.raises(
        ValueError, match=refusal("images announces 10,000,000,000,000,000 pixels, 40,000,000 GB in float32")
    ):
        ae.load(np.broadcast_to(np.uint8(0), (10**12, 100, 100)))
