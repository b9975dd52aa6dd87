"""Bad input at every front door of aecluster and its three commands: one sentence each, before any work, nothing written."""

import dataclasses
import os
import pickle
import re
import struct
import sys
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from matplotlib.figure import Figure

import aecluster as ae
from aecluster import clustering, deblurring, figures
from aecluster.ensemble import History
from aecluster.models import critic_params, initialize
from launch import cluster, command, deblur, train

RNG = np.random.default_rng(4)
SHAPE = (8, 8, 1)
IMAGES = RNG.random((20, *SHAPE), np.float32)
LABELS = np.arange(20) % 4
DATA = ae.ImageData("noise", ae.Split(IMAGES, LABELS), ae.Split(IMAGES[:12], LABELS[:12]))
KEYS = jax.random.split(jax.random.key(0), 1)
KERNEL = np.full((3, 3), 1 / 9)
ONE_EPOCH = History(*[np.ones((1, 1))] * 3, np.ones((1, 1), int))
DENSE = ae.Dense(2, (4,))
NETWORKS = ae.Ensemble(DENSE, SHAPE, (0,), initialize(DENSE, SHAPE, KEYS), ONE_EPOCH)
JUDGE = ae.Discriminator(SHAPE, critic_params(jax.random.key(0), SHAPE))
POINTS = RNG.random((60, 3))
QUICK = ae.Recipe(epochs=1, batch_size=10, optimizer=optax.adam)


def same(count):
    return np.repeat(IMAGES[:1], count, 0)


# What lies on disk before anything is called


def lying_npz(path, shape, compression):
    """A .npz file whose header announces more numbers than the file holds."""
    header = str({"descr": "|u1", "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("images.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(64))


def lying_directory(path, save):
    """A .npz file whose directory claims that one array unpacks to four gigabytes."""
    save(path, images=np.zeros((4, 8, 8), np.uint8))
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\1\2") + 24
    content[place : place + 4] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(content)


def run_of(folder, images, labels, architecture=DENSE):
    """A finished run of launch.train on these images, as launch.cluster reads it."""
    folder.mkdir()
    arrays = {"x": images} if labels is None else {"x": images, "y": labels}
    np.savez(folder / "data.npz", **arrays)
    command.save(folder, train.Settings(data_dir=folder / "data.npz"))
    shape = images.shape[1:]
    trained = ae.Ensemble(architecture, shape, (0,), initialize(architecture, shape, KEYS), ONE_EPOCH)
    ae.save(trained, folder / "checkpoints" / "net")


FILES = {
    "a.parquet": lambda path: path.write_bytes(b"PAR1" + bytes(90) + b"PAR1"),
    "a.mat": lambda path: path.write_bytes(b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(200)),
    "a73.mat": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(90)),
    "a.pkl": lambda path: path.write_bytes(pickle.dumps({"images": IMAGES})),
    "a.csv": lambda path: path.write_text("label,pixel0,pixel1\n5,0,255\n"),
    "a.html": lambda path: path.write_text("<!DOCTYPE html><html>not found</html>"),
    "a.png": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(90)),
    "a.json": lambda path: path.write_text('{"images": []}'),
    "empty.npz": lambda path: path.write_bytes(b""),
    "noise.npz": lambda path: path.write_bytes(bytes(range(128, 256))),
    "zipped.npz": lambda path: zipfile.ZipFile(path, "w").writestr("train/0.png", b"x"),
    "huge.npz": lambda path: lying_npz(path, (1_000_000, 28, 28_000), zipfile.ZIP_STORED),
    "huge_packed.npz": lambda path: lying_npz(path, (1_000_000, 28, 28_000), zipfile.ZIP_DEFLATED),
    "directory.npz": lambda path: lying_directory(path, np.savez),
    "directory_packed.npz": lambda path: lying_directory(path, np.savez_compressed),
    "anywhere.npz": lambda path: np.savez(path, x=RNG.random((20, 3, 4, 4))),
    "rgba.npz": lambda path: np.savez(path, x=np.repeat(IMAGES, 4, -1)),
    "tiny.npz": lambda path: np.savez(path, x=IMAGES[:, :6, :6], y=LABELS),
    "ids.npz": lambda path: np.savez(path, x=IMAGES, y=LABELS * 10**6),
    "good.npz": lambda path: np.savez(path, x=IMAGES, y=LABELS),
    "empty": lambda path: path.mkdir(),
    "link": lambda path: path.symlink_to("nowhere"),
    "loop": lambda path: path.symlink_to(path),
}


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A folder with everything in it that is wrong, and some things that are right."""
    folder = tmp_path_factory.mktemp("there")
    for name, make in FILES.items():
        make(folder / name)
    (folder / "pictures").mkdir()
    (folder / "pictures" / "0.PNG").write_bytes(b"\x89PNG")
    (folder / "idx").mkdir()
    (folder / "idx" / "images-idx3-ubyte").write_bytes(struct.pack(">HBB3I", 0, 8, 3, 0, 2**32 - 1, 2**32 - 1))
    (folder / "axes").write_bytes(struct.pack(">HBB", 0, 8, 100) + struct.pack(">100I", *[1] * 100) + b"\0")
    ae.save(NETWORKS, folder / "checkpoint")
    ae.save(NETWORKS, folder / "damaged")
    for path in (folder / "damaged").rglob("*"):
        if path.is_file() and "params" in str(path):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    run_of(folder / "run", np.tile(IMAGES, (20, 1, 1, 1)), np.tile(LABELS, 20))
    run_of(folder / "few", IMAGES, LABELS)
    run_of(folder / "unlabelled", IMAGES, None)
    run_of(folder / "alike", np.tile(IMAGES[:2], (200, 1, 1, 1)), np.tile([0, 1], 200))
    run_of(folder / "colours", np.tile(IMAGES, (20, 1, 1, 4)), np.tile(LABELS, 20))
    run_of(folder / "ids", np.tile(IMAGES, (20, 1, 1, 1)), np.tile(LABELS, 20) * 10**6)
    return folder


def listing(folder):
    return {path: path.lstat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def deep(images=IMAGES, **settings):
    return clustering.DeepClustering(**settings).fit(images)


@dataclasses.dataclass
class Sheet:
    """What pandas would give: columns and values, no array."""

    values: np.ndarray


# name: (call by the folder that is there and a new one, what the sentence says)
LIBRARY = {
    # networks and recipes
    "size 0": (lambda t, n: ae.Dense(0), "`latent_size` must be a whole number of at least 1, got 0; give more."),
    "size in text": (lambda t, n: ae.Dense("16"), "`latent_size` must be a whole number of at least 1, got '16'"),
    "half a size": (lambda t, n: ae.Dense(2.5), "`latent_size` must be a whole number of at least 1, got 2.5"),
    "True for a size": (
        lambda t, n: ae.Restorer(blocks=True),
        "`blocks` must be a whole number of at least 1, got True",
    ),
    "widths as a number": (
        lambda t, n: ae.Dense(2, 8),
        "`widths` must be a tuple of whole numbers of at least 1, got 8",
    ),
    "three channels": (lambda t, n: ae.Convolutional(2, (1, 2, 3)), "`channels` must be a tuple of 2 whole numbers"),
    "rate NaN": (
        lambda t, n: ae.Recipe(learning_rate=np.nan),
        "`learning_rate` must be a finite number above 0, got nan",
    ),
    "rate complex": (
        lambda t, n: ae.Recipe(learning_rate=1j),
        "`learning_rate` must be a finite number above 0, got 1j",
    ),
    "epochs 1e3": (lambda t, n: ae.Recipe(epochs=1e3), "`epochs` must be a whole number of at least 1, got 1000.0"),
    "loss as a class": (
        lambda t, n: ae.Recipe(loss=ae.L1),
        "`loss` must be an instance, got the class L1; write ae.L1().",
    ),
    "loss by name": (lambda t, n: ae.Recipe(loss="l1"), "`loss` must be a function, got 'l1'; write ae.L1()."),
    "an optimizer that is made": (
        lambda t, n: ae.Recipe(optimizer=optax.adam(0.1)),
        "`optimizer` must be a function, got",
    ),
    "a factory that wants more": (
        lambda t, n: ae.train(DENSE, DATA, dataclasses.replace(QUICK, optimizer=optax.contrib.dpsgd)),
        "`optimizer` could not be made with a learning rate alone (dpsgd() missing 3 required positional arguments",
    ),
    "blur as a class": (
        lambda t, n: ae.Recipe(degradation=ae.Blur),
        "`degradation` must be an instance, got the class Blur",
    ),
    "adversary as a number": (
        lambda t, n: ae.Recipe(adversary=0.1),
        "`adversary` must be an Adversary, got 0.1; write",
    ),
    "weight as text": (lambda t, n: ae.composite("1"), "`weight` must be a finite number of at least 0, got '1'"),
    "loss without weight": (
        lambda t, n: ae.Weighted((ae.L1(),)),
        "`terms` must be pairs of a weight and a loss, got L1()",
    ),
    "unknown option": (
        lambda t, n: ae.optimizer_named("adam", {"b3": 1}),
        "optax.adam has no option 'b3'; choose one of",
    ),
    "name as a number": (lambda t, n: ae.loss_named(3), "`name` must be text, got 3"),
    "deformation NaN": (
        lambda t, n: ae.Deformation(shift=np.nan),
        "`shift` must be a finite number of at least 0, got nan",
    ),
    "even kernel": (
        lambda t, n: ae.Blur(size=4),
        "`size` must be odd, so that a kernel has a middle, got 4; choose 5.",
    ),
    "1 for True": (lambda t, n: ae.Blur(eight_bit=1), "`eight_bit` must be True or False, got 1"),
    "kinds as text": (
        lambda t, n: ae.RandomBlur(kinds="box"),
        "`kinds` must be a tuple of gaussian, box, motion, defocus",
    ),
    "strengths": (
        lambda t, n: ae.Blur(strength=np.ones(2)),
        "`strength` must be a finite number above 0, got an array of",
    ),
    # training
    "architecture as a class": (
        lambda t, n: ae.train(ae.Dense, DATA),
        "`architecture` must be an instance, got the class",
    ),
    "arrays for data": (
        lambda t, n: ae.train(DENSE, IMAGES),
        "`data` must be an ImageData, got an array of shape (20, 8",
    ),
    "recipe by name": (
        lambda t, n: ae.train(DENSE, DATA, "cured"),
        "`recipe` must be a Recipe, got 'cured'; write ae.Rec",
    ),
    "one seed": (
        lambda t, n: ae.train(DENSE, DATA, QUICK, seeds=3),
        "`seeds` must be a tuple of whole numbers from 0 to",
    ),
    "half a seed": (
        lambda t, n: ae.train(DENSE, DATA, QUICK, seeds=(1.5,)),
        "`seeds` must be a tuple of whole numbers",
    ),
    "a seed too large": (
        lambda t, n: ae.train(DENSE, DATA, QUICK, seeds=(2**63,)),
        "`seeds` must be a tuple of whole num",
    ),
    "no device": (
        lambda t, n: ae.train(DENSE, DATA, QUICK, devices=[]),
        "`devices` must be a list of devices of JAX's",
    ),
    "devices as a number": (
        lambda t, n: ae.train(DENSE, DATA, QUICK, devices=2),
        "`devices` must be a list of devices",
    ),
    "batch too large": (
        lambda t, n: ae.train(DENSE, DATA, ae.Recipe(batch_size=21), checkpoints=n / "new"),
        "`batch_size` is 21, but there are only 20 images to train on; lower it.",
    ),
    "too many latents": (
        lambda t, n: ae.train(ae.Dense(65), DATA, QUICK, checkpoints=n / "new"),
        "`latent_size` must lie between 1 and the image's 64 numbers, got 65; choose another.",
    ),
    "resume as text": (
        lambda t, n: ae.train(DENSE, DATA, QUICK, checkpoints=n / "new", resume="no"),
        "`resume` must be True or False, got 'no'",
    ),
    "train into a file": (
        lambda t, n: ae.train(DENSE, DATA, QUICK, checkpoints=t / "a.csv"),
        "a.csv' cannot be written (File exists); choose another place",
    ),
    "train into nothing": (
        lambda t, n: ae.train(DENSE, DATA, QUICK, checkpoints=""),
        "`checkpoints` must be a path, got ''",
    ),
    "train over another's": (
        lambda t, n: ae.train(DENSE, DATA, QUICK, checkpoints=t / "checkpoint"),
        "checkpoint' was made with another",
    ),
    "judge of bytes": (
        lambda t, n: ae.learn_discriminator((255 * IMAGES).astype(np.uint8), ae.Blur(size=3)),
        "`images` must be floats in [0, 1], got uint8; divide 8-bit greys by 255.",
    ),
    "judge without a blur": (
        lambda t, n: ae.learn_discriminator(IMAGES, None),
        "`degradation` must be a function, got None",
    ),
    # images
    "list of images": (
        lambda t, n: NETWORKS.encode(IMAGES.tolist()),
        "`images` must be a plain array, got a list; make",
    ),
    "masked images": (
        lambda t, n: NETWORKS.reconstruct(np.ma.array(IMAGES)),
        "`images` must be a plain array, got a Masked",
    ),
    "a table of pandas": (
        lambda t, n: ae.corrupted(ae.Blur(), Sheet(IMAGES)),
        "`images` must be a plain array, got a Sheet",
    ),
    "latents NaN": (
        lambda t, n: NETWORKS.decode(np.full((1, 3, 2), np.nan)),
        "`latents` must be finite floats, got float64",
    ),
    "member 1 of 1": (
        lambda t, n: NETWORKS.member(1),
        "`index` must be a whole number from -1 to 0, got 1; give less.",
    ),
    "alone, 1 of 1": (
        lambda t, n: NETWORKS.alone(1),
        "`index` must be a whole number from -1 to 0, got 1; give less.",
    ),
    "dead pixels of others": (
        lambda t, n: ae.dead_pixels_of(IMAGES, IMAGES[:, :7]),
        "`images` must have shape (images, 8, 8",
    ),
    "first 2.5": (lambda t, n: DATA.train.first(2.5), "`num_images` must be a whole number, got 2.5"),
    "split of JAX's arrays": (
        lambda t, n: ae.Split(jnp.asarray(IMAGES)),
        "`images` must be an array of NumPy, got a Array",
    ),
    "data without a name": (lambda t, n: ae.ImageData(None, DATA.train, DATA.test), "`name` must be text, got None"),
    "data of arrays": (
        lambda t, n: ae.ImageData("mine", IMAGES, IMAGES),
        "`train` must be a Split, got an array of shape",
    ),
    # files
    "parquet": (lambda t, n: ae.load(data_dir=t / "a.parquet"), "must be a whole parquet file, it is damaged ("),
    ".mat": (lambda t, n: ae.load(data_dir=t / "a.mat"), "must be a whole .mat file, it is damaged ("),
    ".mat 7.3": (
        lambda t, n: ae.load(data_dir=t / "a73.mat"),
        "must be a whole HDF5 file, it is damaged (",
    ),
    "pickle": (
        lambda t, n: ae.load(data_dir=t / "a.pkl"),
        "it is a pickle, which could run foreign code when read; where",
    ),
    "CSV": (lambda t, n: ae.load(data_dir=t / "a.csv"), "rows of 2 numbers, which make no square; pass `image_shape`."),
    "HTML": (
        lambda t, n: ae.load(data_dir=t / "a.html"),
        "it is a page of HTML or XML, as a download that failed leaves",
    ),
    "PNG": (lambda t, n: ae.load(data_dir=t / "a.png"), "it is a single PNG image; give the folder that holds the im"),
    "JSON": (lambda t, n: ae.load(data_dir=t / "a.json"), "it is a JSON file; read it by `json.load`"),
    "an empty file": (lambda t, n: ae.load(data_dir=t / "empty.npz"), "it is empty; write it again."),
    "noise": (
        lambda t, n: ae.load(data_dir=t / "noise.npz"),
        "must be a file of images (IDX, ",
        "it is none that is known or is damaged; write it",
    ),
    "zip of pictures": (
        lambda t, n: ae.load(data_dir=t / "zipped.npz"),
        "it is a zip archive of train/0.png and the like; unpack it, and give the folder.",
    ),
    "784e9 bytes announced": (
        lambda t, n: ae.load(data_dir=t / "huge.npz"),
        "images.npy says that it has 784,000,000,128 bytes, and the file holds 192 at most; write it again.",
    ),
    "784e9 bytes, packed": (
        lambda t, n: ae.load(data_dir=t / "huge_packed.npz"),
        "images.npy says that it has 784,000,000",
    ),
    "a directory that lies": (
        lambda t, n: ae.load(data_dir=t / "directory.npz"),
        "images.npy says that it has 4,294,967,294",
    ),
    "a directory of packed arrays that lies": (
        lambda t, n: ae.load(data_dir=t / "directory_packed.npz"),
        "images.npy says that it has 4,294,967,294",
    ),
    "channels anywhere": (
        lambda t, n: ae.load(data_dir=t / "anywhere.npz"),
        "may have their channels first or last; pass `image_shape=(3, 4, 4)` if they are last, or move the axis.",
    ),
    "an empty folder": (lambda t, n: ae.load(data_dir=t / "empty"), "must hold pictures, or files of images such as"),
    "a folder of a broken PNG": (
        lambda t, n: ae.load(data_dir=t / "pictures"),
        "0.PNG' is no whole picture, it cannot",
    ),
    "IDX of no huge images": (lambda t, n: ae.load(data_dir=t / "idx"), "(0, 4294967295, 4294967295)"),
    "IDX of 100 axes": (lambda t, n: ae.read_idx(t / "axes"), "axes' must have at most 64 dimensions, got 100;"),
    "a dangling link": (
        lambda t, n: ae.load(data_dir=t / "link"),
        "link' is a link to what is not there, and must exist",
    ),
    "a link to itself": (
        lambda t, n: ae.read_idx(t / "loop"),
        "loop' cannot be read (Too many levels of symbolic links)",
    ),
    "a long name": (
        lambda t, n: ae.load(data_dir=t / ("a" * 300)),
        "cannot be read (File name too long); give the path",
    ),
    "a path in bytes": (
        lambda t, n: ae.load(data_dir=b"here"),
        "`data_dir` must be a path, got b'here'; give text or a",
    ),
    "a zero in a path": (
        lambda t, n: ae.read_idx("a\0b"),
        "`path` must be a path, got 'a\\x00b'; give text or a pathlib",
    ),
    "nobody's home": (
        lambda t, n: ae.load(data_dir="~no_such_user/x"),
        "'~no_such_user/x' names a home folder that is not",
    ),
    "a folder as IDX": (lambda t, n: ae.read_idx(t), "cannot be read (Is a directory); give the path of what is there"),
    "no such IDX": (lambda t, n: ae.read_idx(t / "none"), "none' cannot be read (No such file or directory); give the"),
    "IDX into no folder": (
        lambda t, n: ae.write_idx(n / "a" / "b", LABELS.astype(np.uint8)),
        "b' cannot be written (No suc",
    ),
    "IDX of a list": (
        lambda t, n: ae.write_idx(n / "a", [1, 2]),
        "`array` must be an array of NumPy, got [1, 2]; make it",
    ),
    "name as a list": (lambda t, n: ae.load(["mnist"]), "`name` must be text, got ['mnist']"),
    # checkpoints
    "save over": (lambda t, n: ae.save(NETWORKS, t / "checkpoint"), "holds a checkpoint already; remove it, or choose"),
    "save parameters": (
        lambda t, n: ae.save(NETWORKS.params, n / "a"),
        "`network` must be an Ensemble, got a State; write",
    ),
    "save below a file": (
        lambda t, n: ae.save(NETWORKS, t / "a.csv" / "x"),
        "x' cannot be written (Not a directory); choose",
    ),
    "restore nothing": (
        lambda t, n: ae.restore(t / "none"),
        "none' holds no checkpoint; train with `checkpoints` set to",
    ),
    "restore damage": (
        lambda t, n: ae.restore(t / "damaged"),
        "cannot be read (JSONDecodeError); it is damaged, train it",
    ),
    "records of a file": (
        lambda t, n: ae.records(t / "a.csv"),
        "`folder` '",
        "a.csv' must exist; give the folder that",
    ),
    "trained of None": (
        lambda t, n: ae.trained(None),
        "`folder` must be a path, got None; give text or a pathlib.Path.",
    ),
    "save the untrained": (
        lambda t, n: ae.save(dataclasses.replace(NETWORKS, history=History.empty(1)), n / "a"),
        "`network` must have been trained for one epoch at least, got none; train it first.",
    ),
    # clustering
    "labels as a list": (
        lambda t, n: clustering.score([0, 1], LABELS[:2]),
        "`labels` must be an array, got [0, 1]; make it",
    ),
    "labels as floats": (
        lambda t, n: clustering.counts(LABELS / 1.0, LABELS),
        "`labels` must be whole numbers, got float64",
    ),
    "labels as ids": (
        lambda t, n: clustering.matched(LABELS * 10**8, LABELS),
        "`labels` must be below 5,000, got 300000000",
    ),
    "space of others": (
        lambda t, n: clustering.score(LABELS, LABELS, POINTS),
        "`space` must have one row for each of the 20 points, got 60; give as many.",
    ),
    "no cluster": (lambda t, n: clustering.k_means(0, 0), "`num_clusters` must be a whole number of at least 1, got 0"),
    "seed -1": (
        lambda t, n: clustering.mixture(2, -1),
        "`seed` must be a whole number from 0 to 4294967295, got -1; give",
    ),
    "more clusters than differ": (
        lambda t, n: list(clustering.compare(LABELS, {"all": [same(20).reshape(20, -1)]}, 2)),
        "`num_clusters` is 2, but of the 20 images only 1 differ in 'all'; look for fewer.",
    ),
    "perplexity": (
        lambda t, n: clustering.tsne(POINTS, perplexity=20),
        "`perplexity` must be below a third of the 60 points",
    ),
    "perplexity 0": (
        lambda t, n: clustering.tsne(POINTS, perplexity=0),
        "`perplexity` must be a finite number of at least 1",
    ),
    "points of one axis": (
        lambda t, n: clustering.tsne(POINTS[:, 0]),
        "`points` must be an array (row, feature), got an",
    ),
    "deep, no cluster": (lambda t, n: deep(n_clusters=0), "`n_clusters` must be a whole number of at least 1, got 0"),
    "deep, too many": (
        lambda t, n: deep(n_clusters=21),
        "`n_clusters` is 21, but n_samples=20; look for fewer clusters",
    ),
    "deep, all alike": (lambda t, n: deep(same(20), n_clusters=2), "of the 20 images only 1 differ; look for fewer."),
    "deep, channels first": (
        lambda t, n: deep(np.moveaxis(IMAGES, -1, 1)),
        "`X` must have the channel last, got the shape",
    ),
    "deep, recipe by name": (lambda t, n: deep(n_clusters=2, recipe="cured"), "`recipe` must be a Recipe, got 'cured'"),
    "deep, no latents": (
        lambda t, n: deep(n_clusters=2, latent_size=0),
        "`latent_size` must be a whole number of at least",
    ),
    "member 5": (
        lambda t, n: clustering.LatentEncoder(NETWORKS, 5).fit(IMAGES),
        "`member` must be a whole number from 0 to",
    ),
    "smoothing 2": (
        lambda t, n: clustering.SelfTraining(smoothing=2),
        "`smoothing` must be a finite number from 0 to 1, got",
    ),
    "spaces of no seed": (
        lambda t, n: list(clustering.spaces(IMAGES, {}, 0)),
        "`num_seeds` must be a whole number of at",
    ),
    # deblurring
    "kernel as a list": (
        lambda t, n: deblurring.RichardsonLucy([[1.0]]),
        "`kernel` must be an array of numbers, got [[1.0",
    ),
    "iterations": (
        lambda t, n: deblurring.RichardsonLucy(KERNEL, 0),
        "`num_iterations` must be a whole number of at least",
    ),
    "balance": (lambda t, n: deblurring.Wiener(KERNEL, np.inf), "`balance` must be a finite number above 0, got inf"),
    "ridge of other images": (
        lambda t, n: deblurring.learn_ridge(IMAGES, IMAGES)(IMAGES[:, :7]),
        "`blurred` must have 64 numbers an image as those learned from, got the shape (20, 7, 8, 1)",
    ),
    "fewer clear images": (
        lambda t, n: deblurring.learn_ridge(IMAGES, IMAGES[:5]),
        "must be as many images, got 20 and 5",
    ),
    "unknown peer": (
        lambda t, n: deblurring.peer("rigde", DATA, ae.Blur(size=3)),
        "No method is called 'rigde'; did you",
    ),
    "too small to measure": (
        lambda t, n: deblurring.score(*[IMAGES[:, :6]] * 3),
        "The images must be of at least 7x7 pixels to be measured, got 6x8; pad or enlarge them.",
    ),
    "weights that look alike": (
        lambda t, n: deblurring.losses(SHAPE, [0.1, 0.1000000001]),
        "`blur_weights` must differ in their first six digits, got [0.1, 0.1000000001]; leave some out.",
    ),
    "judge of another shape": (
        lambda t, n: deblurring.score(*[np.zeros((2, 9, 9, 1), np.float32)] * 3, JUDGE),
        "The discriminator judges images of shape (8, 8, 1), got (9, 9, 1)",
    ),
    "preset without a recipe": (
        lambda t, n: deblurring.Preset(DENSE, None),
        "`recipe` must be a Recipe, got None; write",
    ),
    "pixels for boxes": (
        lambda t, n: deblurring.strengths((2, 2, 1)),
        "`image_shape` must be of at least 3x3 pixels, got",
    ),
    # figures
    "figure to text": (
        lambda t, n: figures.write(Figure(), "a.png"),
        "`paths` must be a list of paths, got 'a.png'; write",
    ),
    "figure of no kind": (
        lambda t, n: figures.write(Figure(), [n / "a.pnx"]),
        "`paths` must end in .png, .pdf or the like",
    ),
    "figure to no folder": (
        lambda t, n: figures.write(Figure(), [n / "a" / "b.png"]),
        "b.png' cannot be written (No such",
    ),
    "no row": (
        lambda t, n: figures.reconstruction_grid(IMAGES, {}),
        "`rows` must name at least one thing to draw, got none",
    ),
    "rows as a list": (
        lambda t, n: figures.reconstruction_grid(IMAGES, [IMAGES]),
        "`rows` must be a Mapping, got a list",
    ),
    "four channels": (
        lambda t, n: figures.restoration_grid(*[np.repeat(IMAGES, 4, -1)] * 1, {"a": IMAGES}, np.repeat(IMAGES, 4, -1)),
        "`clear` must have 1 or 3 channels to be drawn, got the shape (20, 8, 8, 4); choose some of the channels.",
    ),
    "points in a list": (
        lambda t, n: figures.latent_points([[0, 1]], LABELS[:1]),
        "`latents` must be an array (image, 2)",
    ),
    "a million classes": (
        lambda t, n: figures.one_of_each(LABELS * 10**6),
        "`labels` must be below 1,000 to be drawn, got",
    ),
    "counts in a list": (
        lambda t, n: figures.confusion_matrix([[1]]),
        "`counts` must be an array, got [[1]]; make it by",
    ),
    "curves without tests": (
        lambda t, n: figures.loss_curves({"a": np.ones((1, 2))}),
        "`curves['a']` must be a pair of",
    ),
    "lattice of NaN": (
        lambda t, n: figures.lattice(np.array([np.nan]), POINTS[:, 0]),
        "`across` must be an array of finite",
    ),
    "worst 0": (
        lambda t, n: figures.failures(IMAGES, IMAGES, IMAGES, np.ones(20), worst=0),
        "`worst` must be a whole number of at least 1, got 0; give more.",
    ),
}


def assert_one_sentence(text, expected):
    assert "\n" not in text
    assert re.search(r"[.?]$", text), text
    for part in expected:
        assert part in text


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("case", LIBRARY)
def test_a_library_call_refuses_in_one_sentence_and_writes_nothing(case, there, tmp_path):
    call, *expected = LIBRARY[case]
    before = listing(there)
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the sentence is looked at below
        call(there, tmp_path)
    assert_one_sentence(str(refused.value), expected)
    assert listing(there) == before
    assert list(tmp_path.iterdir()) == []


COMMANDS = {"train": train, "cluster": cluster, "deblur": deblur}
COMMAND_LINES = [
    (
        "deblur --data_dir={there}/good.npz --model=dense --loss=l1=-1",
        "`--loss=l1` must be a finite number of at least 0",
    ),
    ("train --data_dir={there}/rgba.npz", "`images` must have 1 or 3 channels to be drawn, got the shape (4, 8, 8, 4)"),
    ("train --data_dir={there}/ids.npz", "`labels` must be below 1,000 to be drawn, got 3000000; number them by"),
    (
        "train --data_dir={there}/anywhere.npz",
        "channels first or last; pass `--read=image_shape=3x4x4` if they are last",
    ),
    ("train --data_dir={there}/good.npz --read=image_shape=4x4", "`--read=image_shape` is (4, 4), but one image has"),
    (
        "train --data_dir={there}/good.npz --read=size=4",
        "`--read=size=4` must be NAME=VALUE, such as image_size=28 or 28x40",
    ),
    (
        "deblur --data_dir={there}/good.npz --read=white=black",
        "`--read=white=black` has no such value; write it as in image",
    ),
    (
        "deblur --data_dir={there}/pictures",
        "is no whole picture",
        "or pass `--read=skip_broken=true` to leave such out.",
    ),
    ("train --data_dir={there}/huge.npz", "images.npy says that it has 784,000,000,128 bytes, and the file holds"),
    ("train --data_dir={there}/a.parquet", "must be a whole parquet file, it is damaged ("),
    ("train --data_dir={there}/good.npz --latent_sizes=2,65", "`--latent_sizes` must lie between 1 and the image's 64"),
    (
        "train --data_dir={there}/good.npz --batch_size=17",
        "`--batch_size` is 17, but there are only 16 images to train",
    ),
    ("train --data_dir={there}/good.npz --devices=3", "`--devices=3`, but this machine has 2; ask for fewer."),
    (
        "train --data_dir={there}/good.npz --devices=2 --batch_size=3",
        "3 cannot be shared evenly by 2 devices; choose a",
    ),
    (
        "train --data_dir={there}/good.npz --widths=4 --model=convolutional",
        "`--widths` are those of dense layers; leave",
    ),
    ("train --data_dir={there}/good.npz --beta=2", "`--beta` is of variational autoencoders; leave it out or choose"),
    ("train --data_dir={there}/good.npz --held_out=0.2", "`--held_out` needs `--patience`; say after how many epochs"),
    (
        "train --data_dir={there}/good.npz --patience=2 --held_out=1",
        "`--held_out` must leave images to train on, at most 0.9 held out, got 1; give less.",
    ),
    (
        "train --data_dir={there}/good.npz --patience=2 --batch_size=15",
        "`--batch_size` is 15, but there are only 14 images to train on besides the 2 held out; lower it.",
    ),
    (
        "deblur --data=photographs --data_dir={there}/good.npz",
        "`--data_dir` is of other images, and scikit-image carries the photographs; leave it out.",
    ),
    ("train --data_dir={there}/good.npz --optimizer=nadm", "optax has no optimizer 'nadm'; did you mean 'adam'?"),
    ("train --data_dir={there}/good.npz --out={there}/a.csv", "a.csv", "cannot be written"),
    ("train --data_dir={there}/link", "link' is a link to what is not there, and must exist; give a file or a"),
    ("train --data=mnist --data_dir={there}/good.npz", "good.npz' must be a folder with the original files of mnist"),
    ("train --settings={there}/few --epochs=0", "`--epochs` must be at least 1, got 0."),
    ("cluster --run={there}/run --perplexity=30", "`--perplexity` must be below a third of the 80 points, got 30.0"),
    ("cluster --run={there}/few --perplexity=1 --num_clusters=5", "`--num_clusters` is 5, but there are only 4 images"),
    (
        "cluster --run={there}/run --perplexity=5 --num_clusters=25",
        "`--num_clusters` is 25, but of the 80 images only 20",
    ),
    (
        "cluster --run={there}/alike --perplexity=5",
        "`--num_clusters` is 10, but of the 80 images only 2 differ in 'pixels'",
    ),
    (
        "cluster --run={there}/colours --perplexity=5",
        "`images` must have 1 or 3 channels to be drawn, got the shape (80",
    ),
    ("cluster --run={there}/ids --perplexity=5", "`labels` must be below 1,000 to be drawn, got 3000000; number them"),
    ("cluster --run={there}/unlabelled", "`--run` was trained on images without labels, and clusters are scored by"),
    ("cluster --run={there}/run --map=own_3", "`--map=own_3` is none of the run's latents; choose among own_2."),
    ("cluster --run={there}/checkpoint", "is no finished training; run `python -m launch.train` first."),
    (
        "cluster --run={there}/run --data_dir={there}/tiny.npz --perplexity=1",
        "`images` must have shape (images, 8, 8, 1)",
    ),
    ("deblur --data_dir={there}/tiny.npz", "The images must be of at least 7x7 pixels to be measured, got 6x6; pad or"),
    (
        "deblur --data_dir={there}/rgba.npz",
        "`images` must have 1 or 3 channels to be drawn, got the shape (4, 8, 8, 4)",
    ),
    (
        "deblur --data_dir={there}/good.npz --size=4",
        "`--size` must be odd, so that a kernel has a middle, got 4; choose 5.",
    ),
    (
        "deblur --data_dir={there}/good.npz --size=9",
        "`--size` must be at most 8 for images of 8x8 pixels, got 9; choose",
    ),
    (
        "deblur --data_dir={there}/good.npz --strength=0",
        "`--strength` must be a finite number above 0, got 0.0; give more.",
    ),
    (
        "deblur --data_dir={there}/good.npz --noise=-1",
        "`--noise` must be a finite number of at least 0, got -1.0; give mo",
    ),
    ("deblur --data_dir={there}/good.npz --kernel=motion --angle=nan", "`--angle` must be a finite number, got nan."),
    (
        "deblur --data_dir={there}/good.npz --blur_weights=0.1,0.10000001",
        "`--blur_weights` must differ in their first six",
    ),
    (
        "deblur --data_dir={there}/good.npz --model=dense --adversary=-1",
        "`--adversary` must be a finite number of at least 0",
    ),
    (
        "deblur --data_dir={there}/good.npz --model=dense --latent_size=65",
        "`--latent_size` must lie between 1 and the imag",
    ),
    (
        "deblur --data_dir={there}/good.npz --methods=",
        "`--methods` names none; name some, or a network of one's own with",
    ),
]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("line", "expected"), [(line, parts) for line, *parts in COMMAND_LINES], ids=lambda value: str(value)
)
def test_a_command_refuses_in_one_sentence_before_any_work_and_writes_nothing(
    line, expected, there, tmp_path, monkeypatch, capsys
):
    def work(*_, **__):
        raise AssertionError("something was begun that cannot be ended")

    name, *arguments = line.format(there=there).split()
    module, before = COMMANDS[name], listing(there)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    monkeypatch.setattr(train, "set_up", lambda settings: None)  # JAX has its devices already
    for owner, step in [(ae, "train"), (ae, "learn_discriminator"), (clustering, "compare")]:
        monkeypatch.setattr(owner, step, work)
    with pytest.raises(SystemExit) as ended:
        command.run(module.main, module.Settings, module.PRESETS, module.tiny)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    (sentence,) = [said for said in printed.err.splitlines() if said]
    assert sentence.startswith(f"{name}: ")
    assert_one_sentence(sentence, expected)
    assert printed.out == ""
    assert listing(there) == before
    assert os.listdir(tmp_path) == []
