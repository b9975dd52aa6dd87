"""What is asked of arguments: numbers of NumPy and JAX are Python's once they are in, and `~` is the home folder in every path."""

import dataclasses
import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import aecluster as ae
from aecluster import clustering, deblurring, figures
from aecluster.arguments import plain
from aecluster.models import critic_params
from aecluster.recipes import RECIPES

RNG = np.random.default_rng(6)
SHAPE = (8, 8, 1)
IMAGES = RNG.random((16, *SHAPE), np.float32)
LABELS = np.arange(16) % 2
DATA = ae.ImageData("noise", ae.Split(IMAGES, LABELS), ae.Split(IMAGES[:4], LABELS[:4]))
KERNEL = np.full((3, 3), 1 / 9)


def of_numpy(value):
    if isinstance(value, (list, tuple)) and all(type(entry) is int for entry in value):
        return np.array(value, np.int32)
    return {bool: np.bool_, int: np.int64, float: np.float32, str: np.str_}.get(type(value), lambda same: same)(value)


def of_jax(value):
    if isinstance(value, (list, tuple)) and all(type(entry) is int for entry in value):
        return jnp.asarray(value)
    kinds = {bool: jnp.bool_, int: jnp.int32, float: jnp.float32}
    return kinds[type(value)](value) if type(value) in kinds else value


def of_zero_axes(value):
    return np.asarray(value) if isinstance(value, (bool, int, float)) else value


WAYS = {"NumPy": of_numpy, "JAX": of_jax, "arrays without axes": of_zero_axes}

RECORDS = {
    "Dense": (ae.Dense, {"latent_size": 3, "widths": (4, 2)}),
    "Convolutional": (ae.Convolutional, {"latent_size": 3, "channels": (2, 4), "width": 8}),
    "Restorer": (ae.Restorer, {"channels": 4, "blocks": 1, "reach": 3}),
    "Recipe": (
        ae.Recipe,
        {
            "epochs": 3,
            "batch_size": 8,
            "learning_rate": 1e-3,
            "small_steps": 9,
            "precision": "bfloat16",
            "name": "mine",
        },
    ),
    "Adversary": (
        ae.Adversary,
        {"weight": 0.1, "learning_rate": 1e-3, "penalty": 0.3, "start": 1.0, "ramp": 2.5, "images": 3},
    ),
    "Blur": (ae.Blur, {"kind": "box", "size": 3, "strength": 1.3, "angle": 0.1, "noise": 0.01, "eight_bit": False}),
    "RandomBlur": (ae.RandomBlur, {"size": 3, "weakest": 0.1, "strongest": 0.7, "noise": 0.01, "eight_bit": False}),
    "Deformation": (ae.Deformation, {"rotation": 5.0, "shift": 0.1, "scale": 0.3, "shear": 0.2}),
    "WarmUp": (ae.WarmUp, {"epochs": 2.3}),
    "SelfTraining": (clustering.SelfTraining, {"epochs": 2, "learning_rate": 1e-3, "batch_size": 8, "smoothing": 0.1}),
    "Preset": (functools.partial(deblurring.Preset, ae.Dense(2), ae.Recipe()), {"judged": 0.1}),
    "composite": (ae.composite, {"clear": 0.9, "blurred": 0.1}),
    "mixture": (
        lambda weight, adversary: deblurring.mixture(ae.Dense(2), {"l1": weight}, adversary),
        {"weight": 0.3, "adversary": 0.1},
    ),
}


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("record", RECORDS)
def test_a_record_of_foreign_numbers_is_the_record_of_plain_ones(record, way):
    make, settings = RECORDS[record]
    ours, theirs = make(**settings), make(**{name: WAYS[way](value) for name, value in settings.items()})
    assert (theirs, hash(theirs), repr(theirs)) == (ours, hash(ours), repr(ours))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.float32(0.1), 0.1),
        (np.float16(0.1), 0.1),
        (np.float64(0.1), 0.1),
        (np.float32(1e-30), 1e-30),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.array(7), 7),
        ("text", "text"),
        (None, None),
    ],
)
def test_numbers_become_plain(given, expected):
    found = plain(given)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("way", ["NumPy", "JAX"])
def test_a_recipe_of_foreign_numbers_has_the_same_words_and_programs(way):
    convert = WAYS[way]
    settings = {"learning_rate": 1e-3, "loss": ae.composite(0.9, 0.1), "epochs": 2, "batch_size": 8}
    foreign = {
        "learning_rate": convert(1e-3),
        "loss": ae.composite(convert(0.9), convert(0.1)),
        "epochs": convert(2),
        "batch_size": convert(8),
    }
    ours = ae.Recipe(**settings, optimizer=functools.partial(optax.adam, b1=0.8))
    theirs = ae.Recipe(**foreign, optimizer=functools.partial(optax.adam, b1=convert(0.8)))
    assert json.dumps(theirs.describe()) == json.dumps(ours.describe())
    assert theirs.fingerprints(SHAPE, 4) == ours.fingerprints(SHAPE, 4)
    named = ae.optimizer_named("adam", {"b1": convert(0.8)})
    assert json.dumps(dataclasses.replace(ours, optimizer=named).describe()) == json.dumps(ours.describe())


def test_the_recipes_by_name_stay_equal_to_themselves():
    for recipe in RECIPES.values():
        assert dataclasses.replace(recipe) == recipe


@pytest.mark.slow
@pytest.mark.usefixtures("as_users_call")
def test_what_foreign_numbers_trained_is_saved_read_and_gone_on_with_by_plain_ones(tmp_path):
    recipe = ae.Recipe(np.int64(1), jnp.int32(8), optax.sgd, learning_rate=np.float32(1e-3))
    trained = ae.train(
        ae.Dense(jnp.int32(2), np.array([4])),
        DATA,
        recipe,
        seeds=np.arange(2),
        checkpoints=tmp_path,
        resume=np.bool_(False),
    )
    assert ae.restore(tmp_path).seeds == trained.seeds == (0, 1)
    assert ae.restore(tmp_path).architecture == ae.Dense(2, (4,))
    alike = ae.Recipe(1, 8, optax.sgd, learning_rate=1e-3)
    again = ae.train(ae.Dense(2, (4,)), DATA, alike, seeds=(0, 1), checkpoints=tmp_path, resume=True)
    assert again.history.num_epochs == 1
    np.testing.assert_array_equal(trained.member(np.int64(1))(IMAGES), trained.member(1)(IMAGES))


CALLS = {
    "first": lambda number: DATA.train.first(number(3)).images,
    "corrupted": lambda number: ae.corrupted(ae.Blur(size=3, noise=0.1), IMAGES, number(3)),
    "score": lambda number: clustering.score(LABELS, LABELS, IMAGES.reshape(16, -1), number(2)).silhouette,
    "k_means": lambda number: clustering.k_means(number(2), number(3)).get_params()["n_clusters"],
    "mixture": lambda number: clustering.mixture(number(2), number(3)).get_params()["random_state"],
    "strengths": lambda number: [
        blur.strength for blur in deblurring.strengths((number(8), number(9), number(1)), number(4))
    ],
    "losses": lambda number: list(deblurring.losses(SHAPE, np.array([number(1)]))),
    "best": lambda number: deblurring.best({"a": {"mae": np.ones((1, 1))}}, ["a"], number(1)),
    "RichardsonLucy": lambda number: deblurring.RichardsonLucy(KERNEL, number(2))(IMAGES),
    "for_images": lambda number: ae.Recipe().for_images(number(40)).describe(),
}


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("number", [np.int64, np.int32, jnp.int32], ids=["int64", "int32", "JAX"])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_with_foreign_numbers_is_the_call_with_plain_ones(call, number):
    np.testing.assert_equal(CALLS[call](number), CALLS[call](int))


def test_the_tilde_is_the_home_folder_in_every_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    recipe = ae.Recipe(epochs=1, batch_size=8, optimizer=optax.sgd)
    trained = ae.train(ae.Dense(1, ()), DATA, recipe, checkpoints="~/run/net")
    judge = ae.Discriminator(SHAPE, critic_params(jax.random.key(0), SHAPE), epochs=1)
    np.savez(tmp_path / "mine.npz", x=IMAGES)
    for kind in (str, Path):
        here = f"~/{kind.__name__}"
        ae.save(trained, kind(f"{here}/saved"))
        assert ae.restore(kind(f"{here}/saved")).seeds == ae.restore(kind("~/run/net")).seeds == (0,)
        assert list(ae.records(kind("~/run"))) == [tmp_path / "run" / "net"]
        assert list(ae.trained(kind("~/run"))) == [("own", 1)]
        ae.save(judge, kind(f"{here}/judge"))
        assert ae.restore_discriminator(kind(f"{here}/judge")).digest() == judge.digest()
        ae.write_idx(kind(f"{here}/images-idx3-ubyte"), (255 * IMAGES[..., 0]).astype(np.uint8))
        assert ae.read_idx(kind(f"{here}/images-idx3-ubyte")).shape == (16, 8, 8)
        assert len(ae.load(data_dir=kind(here)).train.images) == 13
        assert ae.load(data_dir=kind("~/mine.npz")).name == "mine"
        figures.write(figures.confusion_matrix(np.eye(2, dtype=int)), [kind(f"{here}/counts.png")])
        assert (tmp_path / kind.__name__ / "counts.png").is_file()
    assert not (tmp_path / "~").exists()
