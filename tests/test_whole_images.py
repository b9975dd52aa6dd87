"""Restorers on images of any size: tiles are the whole, pixels see no farther than they say, channels one by one; on files."""

import cv2
import jax
import numpy as np
import pytest
from image_files import refusal
from PIL import Image
from test_launch import launch_here

import aecluster as ae
from aecluster import deblurring
from aecluster.ensemble import History
from aecluster.models import initialize

RNG = np.random.default_rng(8)


def drawn(architecture, channels=1, num_seeds=1):
    """Networks whose numbers are all drawn: an untrained restorer's last layer is zero."""
    shape = (8, 8, channels)
    params = initialize(architecture, shape, jax.random.split(jax.random.key(1), num_seeds))
    numbers = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: 0.3 * numbers.standard_normal(leaf.shape, np.float32), params)
    return ae.Ensemble(architecture, shape, tuple(range(num_seeds)), params, History.empty(num_seeds))


def image(*shape):
    return RNG.random(shape, np.float32)


SMALL = ae.Restorer(3, 1, 3)


@pytest.mark.parametrize(
    ("architecture", "shape", "tile"),
    [
        (SMALL, (33, 46, 1), 7),
        (SMALL, (1, 40, 1), 1),
        (ae.Restorer(2, 2, 5), (45, 17, 1), 16),
        (ae.Restorer(2, 1, 4), (41, 30, 1), 10),
    ],
    ids=str,
)
def test_tiles_are_the_whole(architecture, shape, tile):
    ensemble, given = drawn(architecture), image(*shape)
    whole = ensemble.reconstruct(given[None])[:, 0]
    np.testing.assert_allclose(deblurring.restore(ensemble, given, tile=tile), whole, atol=2e-6)


@pytest.mark.parametrize("architecture", [ae.Restorer(3, 1, 5)], ids=str)
def test_a_pixel_sees_as_far_as_it_says_and_hardly_less(architecture):
    """Every pixel but the middle one is moved, and what answers is measured."""
    radius, side = architecture.radius(), 2 * architecture.radius() + 21
    ensemble, given = drawn(architecture), image(side, side, 1)
    other = given.copy()
    middle = side // 2
    other[middle, middle] = 1 - other[middle, middle]
    moved = np.argwhere(
        deblurring.restore(ensemble, given)[0, ..., 0] != deblurring.restore(ensemble, other)[0, ..., 0]
    )
    farthest = abs(moved - middle).max()
    assert radius - 3 <= farthest <= radius


def test_colours_one_by_one_or_together():
    grey, joint, given = drawn(SMALL), drawn(SMALL, 3), image(20, 13, 3)
    one_by_one = deblurring.restore(grey, given)
    for channel in range(3):
        alone = deblurring.restore(grey, given[..., channel : channel + 1])
        np.testing.assert_allclose(one_by_one[..., channel], alone[..., 0], atol=2e-6)
    np.testing.assert_allclose(deblurring.restore(joint, given)[:, None], joint.reconstruct(given[None]), atol=2e-6)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (
            lambda: (drawn(ae.Dense(2)), image(8, 8, 1)),
            "`ensemble` must be of restorers, which suit any size, got Dense(",
        ),
        (lambda: (3, image(8, 8, 1)), "`ensemble` must be an Ensemble, got 3; write ae.restore(path)."),
        (
            lambda: (drawn(SMALL), image(8, 8)),
            "`image` must be an array (height, width, channel), got an array of",
        ),
        (lambda: (drawn(SMALL), 2 * image(8, 8, 1) + 1), "`image` must lie in [0, 1], image 0 has a pixel"),
        (
            lambda: (drawn(SMALL, 3), image(8, 8, 1)),
            "`image` must have 3 channels as those trained on, got 1; convert it,",
        ),
    ],
)
def test_refusals(refused, sentence):
    with pytest.raises(ValueError, match="`") as error:
        deblurring.restore(*refused())
    assert str(error.value).startswith(sentence)


@pytest.mark.usefixtures("as_users_call")
def test_a_tile_is_one_pixel_at_least():
    with pytest.raises(ValueError, match="`tile` must be a whole number of at least 1, got 0; give more"):
        deblurring.restore(drawn(SMALL), image(8, 8, 1), tile=0)


# Files


def greys(*shape):
    return RNG.integers(0, 256, shape, np.uint8)


WRITTEN = {"grey.png": greys(9, 7), "colour.png": greys(9, 7, 3), "deep.png": greys(9, 7).astype(np.uint16) * 256 + 7}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_picture_is_read_as_opencv_wrote_it(name, tmp_path):
    cv2.imwrite(str(tmp_path / name), WRITTEN[name])
    wanted = (
        WRITTEN[name].reshape(9, 7, -1)[..., ::-1] / np.iinfo(WRITTEN[name].dtype).max
    )  # OpenCV's order is blue first
    found = ae.read_picture(tmp_path / name)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(("shape", "flags"), [((9, 7, 1), cv2.IMREAD_GRAYSCALE), ((9, 7, 3), cv2.IMREAD_COLOR)])
def test_a_picture_is_written_as_opencv_reads_it(shape, flags, tmp_path):
    given = image(*shape)
    ae.write_picture(tmp_path / "a.png", given)
    found = cv2.imread(str(tmp_path / "a.png"), flags).reshape(shape)[..., ::-1]
    np.testing.assert_array_equal(found, np.round(255 * given))


def no_picture(folder):
    (folder / "a.png").write_text("no picture")
    return ae.read_picture(folder / "a.png")


NO_PICTURES = [
    (no_picture, ["a.png' is no whole picture, it cannot be decoded; mend it"]),
    (lambda folder: ae.read_picture(folder / "b.png"), ["b.png' cannot be read (No such file or directory); give"]),
    (lambda folder: ae.write_picture(folder / "a.txt", image(3, 3, 1)), ["a.txt' must end in one of .png, .bmp"]),
    (lambda folder: ae.write_picture(folder / "a.png", image(3, 3, 2)), ["`image` must have one channel or three"]),
    (lambda folder: ae.write_picture(folder / "a.png", 2 + image(3, 3, 1)), ["`image` must lie in [0, 1]"]),
    (
        lambda folder: ae.write_picture(folder / "no" / "a.png", image(3, 3, 1)),
        ["a.png' must lie in a folder that is there"],
    ),
    (
        lambda folder: [ae.write_picture(folder / "a.png", image(3, 3, 1)) for _ in range(2)],
        ["a.png' exists; choose another name, or pass overwrite=True."],
    ),
]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("ask", "message"), NO_PICTURES)
def test_what_is_no_picture_is_refused(ask, message, tmp_path):
    with pytest.raises(ValueError, match=refusal(*message)):
        ask(tmp_path)


def test_a_picture_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def full(self, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    ae.write_picture(tmp_path / "a.png", image(3, 3, 1))
    before = (tmp_path / "a.png").read_bytes()
    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(ValueError, match=refusal("cannot be written (No space left on device); choose")):
        ae.write_picture(tmp_path / "a.png", image(3, 3, 1), overwrite=True)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [before]


def keep(ensemble, folder):
    """As if it had been trained for an epoch."""
    nothing = np.zeros((len(ensemble), 1))
    history = History(nothing, nothing, nothing, nothing.astype(int))
    ae.save(ae.Ensemble(ensemble.architecture, ensemble.image_shape, ensemble.seeds, ensemble.params, history), folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run with a restorer among its networks, and one with two."""
    folder = tmp_path_factory.mktemp("runs")
    keep(drawn(ae.Dense(2)), folder / "one" / "checkpoints" / "l1_2")
    for place in ("one/checkpoints/restorer", "two/checkpoints/restorer", "two/checkpoints/own"):
        keep(drawn(SMALL), folder / place)
    for name in ("photo.png", "other.png"):
        cv2.imwrite(str(folder / name), greys(21, 34, 3))
    return folder


def test_a_command_restores_a_picture(runs):
    done = launch_here("restore", "--run=one", "--image=photo.png", cwd=runs)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "wrote photo_restored.png, 34x21 pixels\n"
    wanted = deblurring.restore(drawn(SMALL), ae.read_picture(runs / "photo.png"))[0]
    np.testing.assert_allclose(ae.read_picture(runs / "photo_restored.png"), wanted, atol=0.51 / 255)
    again = launch_here("restore", "--run=one", "--image=photo.png", cwd=runs)
    assert "`--restored` 'photo_restored.png' exists; choose another name, or pass --overwrite." in again.stderr


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--run=one"], "`--image` must name a picture; give its path."),
        (["--image=other.png"], "`--run` 'runs/photographs' has trained no restorer; run `python -m launch.deblur"),
        (["--image=no.png", "--run=one"], "'no.png' cannot be read (No such file or directory); give the path"),
        (["--image=other.png", "--run=two"], "`--network` must name one of the run's restorers; choose among"),
        (["--image=other.png", "--run=one", "--network=l1_2"], "`--network` 'l1_2' is none of the run's restorers;"),
        (["--image=other.png", "--run=one", "--restored=a.txt"], "`--restored` 'a.txt' must end in one of .png, .bmp"),
    ],
)
def test_a_command_refuses_in_a_sentence(flags, sentence, runs):
    done = launch_here("restore", *flags, cwd=runs)
    assert (done.returncode, done.stderr.startswith(f"restore: {sentence}")) == (2, True), done.stderr
