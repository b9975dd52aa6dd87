"""The page of a latent space: its pictures unpacked by another hand, and the page itself in a browser."""

import base64
import dataclasses
import html
import io
import json
import re

import numpy as np
import pytest
from browser import driven
from PIL import Image
from test_launch import launch_here
from test_pages import CHROMIUM, OPTIONS, contents, in_a_browser, opened, text_of

import aecluster as ae
from aecluster import pages
from aecluster.pages import latents as latents_file
from launch import command, train

COUNT, SHAPE = 70, (4, 6, 1)


def of_tests(channels=1, count=COUNT, side=1):
    """Positions, images, reconstructions and labels that know their own numbers."""
    rng = np.random.default_rng(0)
    shape = (count, SHAPE[0] * side, SHAPE[1] * side, channels)
    images = (rng.integers(0, 256, shape) / 255).astype(np.float32)
    positions = rng.normal(size=(count, 2)).astype(np.float32)
    return positions, images, 1 - images, np.arange(count) % 3


def decode(places):
    """Brighter to the right, and brighter above in the last column of pixels."""
    bright = np.zeros((len(places), *SHAPE), np.float32)
    bright[..., :-1, 0] = (np.clip(places[:, 0], -3, 3) / 6 + 0.5)[:, None, None]
    bright[..., -1, 0] = (np.clip(places[:, 1], -3, 3) / 6 + 0.5)[:, None]
    return bright


@pytest.fixture(scope="module")
def page():
    positions, images, rebuilt, labels = of_tests()
    return pages.latent_map(
        positions, images, rebuilt, labels=labels, class_names=["a", "b", "<c>"], decode=decode, title="a <map>"
    )


def tiles(told, count):
    """A sprite's images, as Pillow reads them."""
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(told["source"].partition(",")[2]))))
    height, width = told["height"], told["width"]
    corners = [(index // told["across"] * height, index % told["across"] * width) for index in range(count)]
    return np.stack([sheet[top : top + height, left : left + width] for top, left in corners])


def test_what_is_packed_is_what_was_given(page):
    positions, images, rebuilt, labels = of_tests()
    told = contents(page)
    np.testing.assert_array_equal(tiles(told["images"], COUNT), np.round(255 * images[..., 0]))
    np.testing.assert_array_equal(tiles(told["rebuilt"], COUNT), np.round(255 * rebuilt[..., 0]))
    for name, values in {
        "places": positions,
        "labels": labels,
        "errors": np.abs(rebuilt - images).mean((1, 2, 3)),
    }.items():
        dtype = "<u2" if name == "labels" else "<f4"
        found = np.frombuffer(base64.b64decode(told[name]), dtype).reshape(values.shape)
        np.testing.assert_allclose(found, values, rtol=1e-6)
    assert told["told"] == ["70 images"]
    assert len(told["classes"]) == len(told["colours"]) == 3


def test_the_decoders_pictures_grow_as_the_plane_does(page):
    told = contents(page)
    side = pages.DECODED
    drawn = tiles(told["decoded"], side**2).reshape(side, side, *SHAPE[:2]).astype(int)
    left, right, low, high = told["view"]
    middles = left + (np.arange(side) + 0.5) / side * (right - left)
    np.testing.assert_allclose(drawn[0, :, 0, 0], 255 * (middles / 6 + 0.5), atol=3)
    up = high - (np.arange(side) + 0.5) / side * (high - low)
    np.testing.assert_allclose(drawn[:, 0, 0, -1], 255 * (np.clip(up, -3, 3) / 6 + 0.5), atol=3)


def test_colour_and_size_and_no_labels():
    positions, images, rebuilt, _ = of_tests(channels=3, side=10)
    told = contents(pages.latent_map(positions, images, rebuilt, axis_names=None))
    assert (told["images"]["height"], told["images"]["width"]) == (20, 30)
    wanted = images.reshape(COUNT, 20, 2, 30, 2, 3).mean((2, 4))
    np.testing.assert_allclose(tiles(told["images"], COUNT) / 255, wanted, atol=0.51 / 255)
    assert (told["labels"], told["axes"], told["decoded"], told["is_grey"]) == (None, None, None, False)


def test_what_finds_no_room_is_told(monkeypatch):
    positions, images, rebuilt, _ = of_tests()
    monkeypatch.setattr(latents_file, "ROOM", 4_800)
    told = contents(pages.latent_map(positions, images, rebuilt))
    assert told["told"] == ["70 images", "reconstructions in 64 greys, for its size"]
    assert set(np.unique(tiles(told["rebuilt"], COUNT))) <= set(np.round(np.arange(64) * 255 / 63).astype(int))
    monkeypatch.setattr(latents_file, "ROOM", 3_400)
    told = contents(pages.latent_map(positions, images, rebuilt))
    assert told["told"][0] == "the first 35 of 70 images, for its size"
    assert len(np.frombuffer(base64.b64decode(told["places"]), "<f4")) == 2 * 35
    monkeypatch.setattr(latents_file, "ROOM", 10)
    with pytest.raises(ValueError, match="find no room in a page; make them smaller"):
        pages.latent_map(positions, images, rebuilt)


def test_it_needs_nothing_from_elsewhere_and_a_title_cannot_end_its_script(page):
    assert re.findall(r"(?:src|href)\s*=\s*[\"']|@import|https?://", page.text) == []
    assert "a &lt;map&gt;" in page.text
    shown = page._repr_html_()
    assert html.unescape(re.search(r'srcdoc="(.*?)"', shown, re.DOTALL)[1]) == page.text
    assert len(repr(page)) < 60


POSITIONS, IMAGES, REBUILT, LABELS = of_tests()
REFUSED = [
    (lambda: pages.latent_map(POSITIONS[:, :1], IMAGES, REBUILT), r"`positions` must have the shape \(image, 2\)"),
    (lambda: pages.latent_map(POSITIONS[:3], IMAGES, REBUILT), "`images` must have the shape of one image a position"),
    (lambda: pages.latent_map(POSITIONS, IMAGES, REBUILT[:3]), "`reconstructions` must have the shape of `images`"),
    (lambda: pages.latent_map(POSITIONS, IMAGES, REBUILT, labels=LABELS[:3]), "`labels` must be one whole number"),
    (lambda: pages.latent_map(POSITIONS, 2 * IMAGES, REBUILT), r"`images` must lie in \[0, 1\]"),
]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("ask", "sentence"), REFUSED, ids=[sentence[:30] for _, sentence in REFUSED])
def test_what_does_not_belong_together_is_refused(ask, sentence):
    with pytest.raises(ValueError, match=sentence):
        ask()


def test_a_page_is_not_overwritten_unasked(page, tmp_path):
    place = page.write(tmp_path / "map.html")
    with pytest.raises(ValueError, match=r"exists; choose another name, or pass overwrite=True"):
        page.write(place)
    with pytest.raises(ValueError, match="cannot be written"):
        page.write(tmp_path / "no" / "map.html")
    assert page.write(place, overwrite=True).read_text() == page.text


PIXELS = "Array.from(byId('{name}').getContext('2d').getImageData(0, 0, 6, 4).data).filter((_, at) => at % 4 === 0)"
PROBE = f"""(() => {{
    return {{
        original: {PIXELS.format(name="original")}, rebuilt: {PIXELS.format(name="rebuilt")},
        near: [...document.querySelectorAll('#near button')].map((each) => each.getAttribute('aria-label')),
        legend: document.querySelectorAll('#legend button').length,
        fits: document.documentElement.scrollWidth <= innerWidth,
    }};
}})()"""


@in_a_browser
@pytest.mark.parametrize("width", [400, 1600])
def test_an_image_is_shown_with_its_reconstruction(page, tmp_path, width):
    dom, found = opened(page, tmp_path, "#image=7", (width, 900), PROBE)
    positions, images, rebuilt, labels = of_tests()
    np.testing.assert_array_equal(found["original"], np.round(255 * images[7]).ravel())
    np.testing.assert_array_equal(found["rebuilt"], np.round(255 * rebuilt[7]).ravel())
    nearest = np.argsort(np.square(positions - positions[7]).sum(1))[1:17]
    assert found["near"] == [f"Image {index}, class {('a', 'b', '<c>')[labels[index]]}" for index in nearest]
    assert (found["legend"], found["fits"]) == (3, True)
    told = text_of(dom, "facts")
    assert f"mean absolute error {float(f'{np.abs(rebuilt[7] - images[7]).mean():.4g}')!r}" in told
    assert "class b" in told


GO = """(() => {
    const map = byId('map'), press = (key) => map.dispatchEvent(new KeyboardEvent('keydown', { key }));
    ['ArrowRight', 'ArrowRight', 'Enter', '+', 'Escape', 'ArrowUp'].forEach(press);
    document.querySelector('#legend button').click();
    return [document.getElementById('spoken').textContent, location.hash, document.querySelector('#legend button').ariaPressed];
})()"""


@in_a_browser
def test_it_is_walked_by_keys_and_an_address_that_is_none_is_no_trouble(page, tmp_path):
    dom, (spoken, address, pressed) = opened(page, tmp_path, "#image=99&view=1,0,2,x&ground=7", probe=GO)
    assert re.fullmatch(r"Image \d+, class .*, mean absolute error 0\.\d+", spoken)
    assert address.startswith("#view=")
    assert pressed == "false"
    assert "data-ready" in dom


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run, recipe = folder / "runs" / "digits", dataclasses.replace(ae.RECIPES["cured"], epochs=1, batch_size=500)
    run.mkdir(parents=True)
    command.save(run, train.Settings())
    for size in (1, 2, 3):
        ae.train(ae.Dense(size, (8,)), ae.load(), recipe, checkpoints=run / "checkpoints" / f"cured_{size}")
    return folder


def test_a_command_writes_it(runs):
    done = launch_here("latent_map", cwd=runs)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "wrote runs/digits/latent_map.html, 0.1 MB\n"
    text = (runs / "runs" / "digits" / "latent_map.html").read_text()
    told = json.loads(re.search(r'id="contents">(.*?)</script>', text, re.DOTALL)[1])
    ensemble = ae.restore(runs / "runs" / "digits" / "checkpoints" / "cured_2")
    positions = np.frombuffer(base64.b64decode(told["places"]), "<f4").reshape(-1, 2)
    np.testing.assert_allclose(positions, ensemble.encode(ae.load().test.images)[0], rtol=1e-5, atol=1e-6)
    assert told["title"] == "digits: 2 latents, cured recipe"


def test_one_latent_is_a_line(runs):
    done = launch_here("latent_map", "--map=cured_1", "--page=one.html", cwd=runs)
    assert done.returncode == 0, done.stderr
    told = json.loads(re.search(r'id="contents">(.*?)</script>', (runs / "one.html").read_text(), re.DOTALL)[1])
    assert "one latent, from left to right" in told["told"]
    assert not np.frombuffer(base64.b64decode(told["places"]), "<f4")[1::2].any()


@pytest.mark.slow
def test_more_latents_are_laid_out(runs):
    done = launch_here("latent_map", "--map=cured_3", "--page=three.html", cwd=runs)
    assert done.returncode == 0, done.stderr
    assert '"axes":null' in (runs / "three.html").read_text()


WRONG = [
    (["--run=no"], "`--run` 'no' is no finished training; run `python -m launch.train` first."),
    (
        ["--map=cured_9", "--page=a.html"],
        "`--map=cured_9` is none of the run's latents; choose among cured_1, cured_2, cured_3.",
    ),
    (["--page=runs"], "`--page` 'runs' exists; choose another name, or pass --overwrite."),
    (["--page=no/a.html"], "`--page`: '.*a.html.*' cannot be written"),
]


@pytest.mark.parametrize(("flags", "sentence"), WRONG, ids=[" ".join(flags) for flags, _ in WRONG])
def test_a_command_refuses_in_a_sentence(runs, flags, sentence):
    before = sorted(runs.rglob("*"))
    done = launch_here("latent_map", *flags, cwd=runs)
    assert done.returncode == 2
    assert re.match(f"latent_map: {sentence}", done.stderr)
    assert sorted(runs.rglob("*")) == before


# Mouse and fingers


class Driven:
    """The page under a hand that knows nothing of its script: places become pixels by what address and canvas say."""

    def __init__(self, driver, whole):
        self.driver, self.whole = driver, whole
        self.left, self.top, self.width, self.height = driver.value(
            "(({ left, top, width, height }) => [left, top, width, height])(byId('map').getBoundingClientRect())"
        )

    def told(self):
        """What the address holds."""
        return dict(pair.split("=") for pair in self.driver.value("location.hash")[1:].split("&") if pair)

    def frame(self):
        """The middle of the map in pixels and on the plane, and pixels of a unit."""
        x0, x1, y0, y1 = map(float, self.told().get("view", self.whole).split(","))
        width, height = self.width - 52 - 10, self.height - 8 - 40  # margins of the axes
        middle = np.array([self.left + 52 + width / 2, self.top + 8 + height / 2])
        return middle, np.array([x0 + x1, y0 + y1]) / 2, min(width / (x1 - x0), height / (y1 - y0))

    def pixel(self, place):
        middle, at, scale = self.frame()
        return middle + (np.asarray(place) - at) * [scale, -scale]

    def place(self, pixel):
        middle, at, scale = self.frame()
        return at + (np.asarray(pixel) - middle) / [scale, -scale]

    def image(self):
        """The number of the image that is shown, or nothing."""
        return self.driver.value("byId('number').value")

    def stays(self, place, pixel):
        """Whether a place is at a pixel now; browsers tell of a wheel in whole pixels."""
        np.testing.assert_allclose(self.pixel(place), pixel, atol=1)


@pytest.fixture
def hand(page, tmp_path):
    place = tmp_path / "page.html"
    place.write_text(page.text)
    whole = ",".join(map(str, contents(page)["view"]))
    with driven([CHROMIUM, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"], place.as_uri(), (1200, 900)) as driver:
        yield Driven(driver, whole)


@in_a_browser
def test_the_mouse_points_and_a_click_holds(hand):
    positions, mouse = of_tests()[0], hand.driver.mouse
    for index in (7, 30):
        mouse("mouseMoved", *hand.pixel(positions[index]))
        assert hand.image() == str(index)
        assert hand.told() == {}
    decoded = hand.driver.value(PIXELS.format(name="decoded"))
    np.testing.assert_allclose(decoded[0], 255 * (positions[30, 0] / 6 + 0.5), atol=8)
    mouse("mousePressed", *hand.pixel(positions[30]))
    mouse("mouseReleased", *hand.pixel(positions[30]))
    assert hand.told() == {"image": "30"}
    mouse("mouseMoved", *hand.pixel(positions[7]))
    assert hand.image() == "7"
    mouse("mouseMoved", 5, 5)
    assert hand.image() == "30"


@in_a_browser
def test_the_wheel_zooms_where_it_stands_and_a_drag_takes_the_plane_along(hand):
    mouse, pixel, along = hand.driver.mouse, np.array([300.0, 250.0]), np.array([30.0, 10.0])
    place, (_, _, scale) = hand.place(pixel), hand.frame()
    mouse("mouseWheel", *pixel, deltaX=0, deltaY=-400)
    hand.stays(place, pixel)
    assert hand.frame()[2] == pytest.approx(np.e * scale, rel=1e-4)
    mouse("mousePressed", *pixel)
    for step in range(1, 5):
        mouse("mouseMoved", *(pixel + step * along), button="left", buttons=1)
    mouse("mouseReleased", *(pixel + 4 * along))
    hand.stays(place, pixel + 4 * along)
    assert "image" not in hand.told()


@in_a_browser
@pytest.mark.parametrize(
    "end",
    [[(200, 250), (520, 400)], [(350, 300), (430, 340)], [(320, 330), (480, 430)]],
    ids=["apart", "together", "aside"],
)
def test_the_plane_follows_two_fingers(hand, end):
    """What was under each finger is under it still, where they have not turned about each other."""
    begin, end = np.array([(300.0, 280.0), (460.0, 380.0)]), np.array(end, float)
    middles, ratio = (begin.mean(0), end.mean(0)), np.linalg.norm(end[1] - end[0]) / np.linalg.norm(begin[1] - begin[0])
    place, (_, _, scale) = hand.place(middles[0]), hand.frame()
    hand.driver.fingers("touchStart", *begin)
    for share in np.linspace(0, 1, 8)[1:]:
        hand.driver.fingers("touchMove", *(begin + share * (end - begin)))
    hand.driver.fingers("touchEnd")
    hand.stays(place, middles[1])
    assert hand.frame()[2] == pytest.approx(ratio * scale, rel=1e-3)
    assert "image" not in hand.told()
    assert hand.driver.value("visualViewport.scale") == 1


@in_a_browser
def test_a_finger_holds_what_it_taps(hand):
    pixel = hand.pixel(of_tests()[0][30])
    hand.driver.fingers("touchStart", pixel)
    hand.driver.fingers("touchEnd")
    assert hand.told() == {"image": "30"}
    assert hand.image() == "30"
