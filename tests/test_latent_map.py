"""The page of a training's latents: what it holds, and the page itself in a browser."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from test_launch import launch_here
from test_pages import in_a_browser, opened

import aecluster as ae
from launch import latent_map


@pytest.fixture(scope="module")
def data():
    digits = ae.load()
    test = ae.Split(digits.test.images[:40], digits.test.labels[:40])
    return ae.ImageData("few digits", ae.Split(digits.train.images[:100], digits.train.labels[:100]), test)


@pytest.fixture(scope="module")
def ensemble(data):
    return ae.train(ae.Dense(2, widths=(8,)), data, ae.Recipe(epochs=1, batch_size=50), seeds=(3, 4))


@pytest.fixture(scope="module")
def text(data, ensemble):
    return latent_map.page_of(data, ensemble, "few </script> digits")


def contents(text):
    return json.loads(re.search(r'id="contents">(.*?)</script>', text, re.DOTALL)[1])


def cut_out(sprite, index):
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(sprite["source"].partition(",")[2]))))
    row, column = divmod(index, sprite["columns"])
    height, width = sprite["height"], sprite["width"]
    return picture[row * height : (row + 1) * height, column * width : (column + 1) * width].mean(-1) / 255


def test_dots_images_and_reconstructions_are_those_of_the_first_member(data, ensemble, text):
    told = contents(text)
    np.testing.assert_allclose(told["points"], ensemble.encode(data.test.images)[0], atol=1e-4)
    assert told["labels"] == data.test.labels.tolist()
    rebuilt = np.asarray(ensemble.reconstruct(data.test.images))[0]
    for name, images in {"image": data.test.images, "rebuilt": rebuilt}.items():
        for index in (0, 17, 39):
            assert abs(cut_out(told["sprites"][name], index) - images[index, :, :, 0]).mean() < 0.05  # lossy pictures


def test_the_lattice_is_what_the_decoder_draws(ensemble, text):
    told = contents(text)
    left, right, low, high = told["window"]
    corners = {0: (left, low), latent_map.SIDE - 1: (right, low), latent_map.SIDE**2 - 1: (right, high)}
    for index, place in corners.items():
        drawn = ensemble.decode(np.broadcast_to(np.float32(place), (2, 1, 2)))[0, 0, :, :, 0]
        assert abs(cut_out(told["sprites"]["drawn"], index) - np.clip(drawn, 0, 1)).mean() < 0.05


def test_it_needs_nothing_from_elsewhere(text):
    assert "few &lt;/script&gt; digits" in text
    assert re.findall(r"(?:src|href)\s*=\s*[\"']|@import|https?://", text) == []


def test_many_images_are_thinned_and_that_is_said(data, ensemble, monkeypatch):
    monkeypatch.setattr(latent_map, "MOST", 15)
    told = contents(latent_map.page_of(data, ensemble, "few"))
    assert told["indices"] == list(range(0, 40, 3))
    assert "one in 3 of 40" in told["told"]


@in_a_browser
@pytest.mark.parametrize("width", [400, 1600])
def test_a_known_image_shows_what_is_known(data, ensemble, text, tmp_path, width):
    class Shown:
        pass

    page = Shown()
    page.text = text
    probe = "[document.documentElement.scrollWidth <= innerWidth, document.getElementById('words').textContent]"
    _, (fits, words) = opened(page, tmp_path, "#i=17", (width, 900), probe)
    error = abs(np.asarray(ensemble.reconstruct(data.test.images))[0, 17] - data.test.images[17]).mean()
    assert fits
    assert words.startswith(f"Test image 17, class {data.test.labels[17]}, at (")
    assert f"reconstruction: {round(float(error), 4)}." in words


REFUSED = [
    (["--run=no"], "`--run` 'no' is no finished training; run `python -m launch.train` first."),
]


@pytest.mark.parametrize(("flags", "sentence"), REFUSED, ids=[sentence[:40] for _, sentence in REFUSED])
def test_what_is_no_training_is_refused(tmp_path, flags, sentence):
    done = launch_here("latent_map", *flags, cwd=tmp_path)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert done.stderr.startswith(f"latent_map: {sentence}")
