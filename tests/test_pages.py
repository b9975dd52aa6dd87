"""The page of a sweep: its arrays unpacked by another hand, and the page itself in a browser."""

import base64
import gzip
import html
import json
import re
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray
from browser import driven
from test_launch import launch_here

import hillopt as ho
from hillopt.pages.packing import packed
from launch import explore, stored

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is here")
# Without a sandbox it runs as root too; the rest keeps it from calling home.
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
OPTIONS += ["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"]
AXES = {"learning_rate": ho.Axis.log(0.01, 0.9, 7), "b1": ho.Axis.log_complement(0, 0.99, 5)}


@pytest.fixture(scope="module")
def dataset():
    return ho.sweep(ho.CriticalHeight(max_steps=400), ho.TentHill(), ho.Adam(0.1), AXES)


@pytest.fixture(scope="module")
def page(dataset):
    return ho.explore(dataset)


def contents(page):
    return json.loads(re.search(r'id="contents">(.*?)</script>', page.text, re.DOTALL)[1])


def unpacked(field, shape, beside=None):
    """Byte planes put together, differences summed: in NumPy, with nothing of what has packed them."""
    planes = np.frombuffer(gzip.decompress(base64.b64decode(field["data"])), np.uint8).astype(np.uint32)
    size = np.dtype(field["dtype"]).itemsize
    whole = sum(plane << (8 * at) for at, plane in enumerate(planes.reshape(size, -1)))
    whole = np.cumsum(whole.reshape(shape), axis=-1, dtype=np.uint32)
    if field["is_beside"]:
        whole = whole + beside.view(np.uint32)
    return whole.astype(f"u{size}").view(field["dtype"])


def test_what_is_packed_is_told(dataset, page):
    told = contents(page)
    assert [axis["values"] for axis in told["axes"]] == [dataset[name].values.tolist() for name in AXES]
    assert told["fields"][0]["name"] == "critical_height"
    assert {field["name"] for field in told["fields"]} == set(dataset.data_vars)
    first = unpacked(told["fields"][0], (7, 5))
    for field in told["fields"]:
        values, wanted = unpacked(field, (7, 5), first), dataset[field["name"]].values
        exact = wanted.dtype.kind != "f"
        np.testing.assert_allclose(values, wanted, rtol=0 if exact else 2 * 10.0 ** -field["digits"])


HARD = {
    "not finite": np.array([[np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, -1e300, 1e-50]]),
    "whole": np.array([[-3, 0, 200, 70_000]]),
    "large": np.array([[2**31 - 1, -(2**31)]]),
    "words": np.array([[True, False, True]]).astype(np.uint8),
}


@pytest.mark.parametrize("values", HARD.values(), ids=HARD)
def test_hard_numbers_come_back(values):
    found = packed(values, 10_000)
    field = {"data": found.text, "dtype": found.dtype, "is_beside": False}
    with np.errstate(over="ignore"):
        wanted = values if values.dtype.kind != "f" else np.clip(values, -3.4028235e38, 3.4028235e38).astype(np.float32)
        wanted = np.where(np.isinf(values), values, wanted) if values.dtype.kind == "f" else wanted
    np.testing.assert_array_equal(unpacked(field, values.shape), wanted)


def test_floats_lose_digits_before_they_lose_their_place():
    values = np.random.default_rng(0).uniform(0.5, 2, (100, 100))
    whole, some = packed(values, 10**6), packed(values, 24_000)
    assert (whole.digits, some.digits) == (7, 3)
    assert len(some.text) <= 24_000
    field = {"data": some.text, "dtype": some.dtype, "is_beside": False}
    np.testing.assert_allclose(unpacked(field, values.shape), values, rtol=2**-9)
    assert packed(values, 5_000) is None


def test_fields_are_asked_for_by_name(dataset):
    fields = contents(ho.explore(dataset, fields=["verdict"]))["fields"]
    assert [field["name"] for field in fields] == ["critical_height", "verdict"]


def test_a_title_cannot_end_the_script(dataset):
    page = ho.explore(dataset.assign_attrs(title="</script><b>&"))
    assert "</script><b>" not in page.text
    assert "&lt;/script&gt;&lt;b&gt;&amp;" in page.text


def test_a_page_needs_nothing_from_elsewhere(page):
    assert re.findall(r"(?:src|href)\s*=|@import|https?://(?!www\.w3\.org/2000/svg)", page.text) == []


def test_a_notebook_shows_it_in_a_frame(page):
    shown = page._repr_html_()
    assert html.unescape(re.search(r'srcdoc="(.*?)"', shown, re.DOTALL)[1]) == page.text
    assert 'sandbox="allow-scripts"' in shown
    assert len(repr(page)) < 60


REFUSED = [
    (lambda data, path: ho.explore(3), "`dataset` must be a sweep's or an answer's, got a int"),
    (lambda data, path: ho.explore(data, fields=["uper"]), "`fields` names 'uper'; did you mean 'upper'"),
    (lambda data, path: ho.explore(data.drop_vars("verdict")), "`dataset` must have the field 'verdict'"),
    (lambda data, path: ho.explore(data).write(path / "is.html"), r"`path` '.*is.html' exists; choose another name"),
    (lambda data, path: ho.explore(data).write(path / "no" / "a.html"), r"`path` '.*' cannot be written \(No such"),
]


@pytest.mark.parametrize(("ask", "sentence"), REFUSED, ids=[sentence[:40] for _, sentence in REFUSED])
def test_what_is_no_sweep_is_refused(dataset, tmp_path, ask, sentence):
    (tmp_path / "is.html").write_text("kept")
    with pytest.raises(ValueError, match=sentence):
        ask(dataset, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["is.html"]
    assert (tmp_path / "is.html").read_text() == "kept"


def opened(page, folder, address="", size=(1600, 1000), probe=""):
    """The page's DOM after it was opened at an address, what `probe` (JavaScript) found, and what the console said."""
    text = page.text
    if probe:
        waiting = "const wait = () => document.body.dataset.ready === undefined ? setTimeout(wait, 20) : report();"
        report = f"const report = () => {{ document.getElementById('spoken').textContent = JSON.stringify({probe}); }};"
        text = text.replace("</body>", f"<script>{report}{waiting}wait();</script></body>")
    place = folder / "page.html"
    place.write_text(text)
    command = [CHROMIUM, *OPTIONS, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=10000"]
    command += [f"--window-size={size[0]},{size[1]}", "--dump-dom", f"{place.as_uri()}{address}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert [line for line in done.stderr.splitlines() if ":CONSOLE" in line] == []
    found = re.search(r'id="spoken"[^>]*>(.*?)</p>', done.stdout, re.DOTALL)[1]
    return done.stdout, json.loads(html.unescape(found)) if probe else None


def text_of(dom, element):
    """Without tags, spaces made one."""
    inner = re.search(rf'<(\w+) id="{element}".*?>(.*?)</\1>', dom, re.DOTALL)[2]
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", inner).split()))


@in_a_browser
@pytest.mark.parametrize("width", [400, 1600])
def test_a_known_cell_shows_what_is_known(dataset, page, tmp_path, width):
    dom, fits = opened(
        page, tmp_path, "#a=6,3&b=2,1", (width, 900), "document.documentElement.scrollWidth <= innerWidth"
    )
    assert "data-ready" in dom
    assert fits
    cell = dataset.isel(learning_rate=6, b1=3)
    told = text_of(dom, "cells")
    assert f"{float(cell.critical_height):.7g}" in told
    assert f"learning rate α {float(cell.learning_rate)!r} {float(dataset.learning_rate[2])!r}" in told
    assert f"A: trapped, proved: no number of steps climbs above {float(cell.upper):.7g}" in text_of(dom, "words")
    walk = ho.trajectory(ho.TentHill(), ho.Adam(float(cell.learning_rate), float(cell.b1)), max_steps=20)
    numbers = text_of(dom, "numbers").split()
    shown = [float(number) for number in numbers[numbers.index("0") :]][1::3][:21]
    np.testing.assert_allclose(shown, walk.position, rtol=0, atol=1e-12)


@in_a_browser
def test_the_map_follows_two_fingers(page, tmp_path):
    """Side by side they take it along; the cells under them are as large as before."""
    place = tmp_path / "page.html"
    place.write_text(page.text)
    command, address = [CHROMIUM, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"], "#view=1.5,6.5,0.25,4.75"
    with driven(command, place.as_uri() + address, (1200, 900)) as opened_page:
        across, up = opened_page.value("(({ width, height }) => [width, height])(byId('map').getBoundingClientRect())")
        move = np.array([0.5 * (across - 66 - 10) / 5, 0.2 * (up - 8 - 44) / 4.5])  # within the margins of the axes
        fingers = np.array([(300.0, 280.0), (460.0, 380.0)])
        opened_page.fingers("touchStart", *fingers)
        for share in np.linspace(0, 1, 8)[1:]:
            opened_page.fingers("touchMove", *(fingers + share * move))
        opened_page.fingers("touchEnd")
        view = re.search(r"view=([\d.,]+)", opened_page.value("decodeURIComponent(location.hash)"))[1]
    np.testing.assert_allclose([float(end) for end in view.split(",")], [1, 6, 0.45, 4.95], atol=0.02)


OPTIMIZERS = {
    "GradientDescent": ho.GradientDescent(0.07),
    "SignDescent": ho.SignDescent(0.07),
    "HeavyBall": ho.HeavyBall(0.02, 0.9),
    "Nesterov": ho.Nesterov(0.02, 0.8),
    "Lion": ho.Lion(0.03, 0.9, 0.95),
    "Lion with decay": ho.Lion(0.03, 0.9, 0.95, weight_decay=0.1),
    "Adagrad": ho.Adagrad(0.2, 0.1, 1e-3),
    "RMSprop": ho.RMSprop(0.03, 0.9, 1e-4, 0.5),
    "Adam": ho.Adam(0.05, 0.8, 0.99, 1e-3),
    "AdamW": ho.AdamW(0.05, 0.8, 0.99, 1e-3, 0.1),
}
HILLS = {
    "TentHill": ho.TentHill(0.3),
    "WedgeHill": ho.WedgeHill(0.3, 0.25, 0.7),
    "GaussianHill": ho.GaussianHill(0.6, 0.3, 0.8),
    "DoubleWell": ho.DoubleWell(0.25),
    "RoughBowl": ho.RoughBowl(0.02, 0.3),
    "RoughBowl times": ho.RoughBowl(0.02, 0.3, multiplicative=True),
}
STEPS = 60


@in_a_browser
def test_the_page_walks_as_the_library_does(page, tmp_path):
    """Every optimizer on every hill, and what the page knows of hills at places all along them."""
    places = jnp.linspace(-1.7, 2.3, 81) + 1e-3
    pairs = [(optimizer, HILLS["DoubleWell"]) for optimizer in OPTIMIZERS.values()]
    pairs += [(OPTIMIZERS[name], hill) for name in ("Adam", "HeavyBall") for hill in HILLS.values()]
    cases = [
        {
            "optimizer": type(optimizer).__name__,
            "p": optimizer.hyperparameters(),
            "hill": type(hill).__name__,
            "h": {**hill.hyperparameters(), **hill.fixed()},
        }
        for optimizer, hill in pairs
    ]
    probe = f"""{json.dumps(cases)}.map(({{optimizer, p, hill, h}}) => {{
        const land = HILLS[hill];
        return {{
            x: [...walk(OPTIMIZERS[optimizer], p, land, h, {STEPS})],
            goal: land.goal(h),
            land: {json.dumps(places.tolist())}.map((x) => [land.value(h, x), land.slope(h, x), land.rise(h, x)]),
        }};
    }})"""
    _, found = opened(page, tmp_path, probe=probe)
    for (optimizer, hill), answer in zip(pairs, found, strict=True):
        where = f"{optimizer!r} on {hill!r}"
        walk = np.asarray(ho.trajectory(hill, optimizer, max_steps=STEPS).position)
        np.testing.assert_allclose(answer["x"], walk, rtol=0, atol=1e-12, err_msg=where)
        assert answer["goal"] == pytest.approx(float(hill.goal()), abs=1e-12)
        land = np.transpose([jax.vmap(look)(places) for look in (hill.value, hill.slope, hill.rise)])
        np.testing.assert_allclose(answer["land"], land, rtol=1e-12, atol=1e-12, err_msg=where)


@in_a_browser
def test_what_it_cannot_walk_again_it_says(tmp_path):
    """And what takes more than two axes, or fewer, is drawn too."""
    axes = {"learning_rate": [0.1, 0.2, 0.3]}
    nadam = ho.sweep(ho.Loss(20), ho.DoubleWell(0.25), ho.from_optax(optax.nadam, learning_rate=0.1), axes)
    dom, _ = opened(ho.explore(nadam), tmp_path, "#a=1,0")
    assert "This page cannot recompute the walks of nadam" in text_of(dom, "walk-told")


@in_a_browser
def test_a_map_of_verdicts_is_drawn(tmp_path):
    axes = {"learning_rate": [0.1, 0.3, 0.5], "height": [0.1, 0.3, 0.5]}
    found = ho.sweep(ho.Escape(50, ho.FAST), ho.TentHill(0.1), ho.GradientDescent(0.1), axes)
    dom, _ = opened(ho.explore(found), tmp_path, "#a=2,0")
    assert "data-ready" in dom
    assert "A: escaped, some step was at the crest or beyond it" in text_of(dom, "words")


@in_a_browser
def test_further_axes_get_sliders_that_the_address_holds(tmp_path):
    axes = {"learning_rate": [0.1, 0.2, 0.3], "b1": [0.0, 0.5], "eps": [0.0, 0.1, 1.0]}
    found = ho.sweep(ho.CriticalHeight(300, ho.FAST), ho.TentHill(), ho.Adam(0.1), axes)
    probe = (
        "[document.querySelectorAll('#sliders input').length, document.querySelector('#sliders output').textContent]"
    )
    dom, (sliders, shown) = opened(ho.explore(found), tmp_path, "#a=2,1&at.eps=2&field=upper", probe=probe)
    assert (sliders, shown) == (1, "1")
    told = text_of(dom, "cells")
    assert f"{float(found.critical_height[2, 1, 2]):.7g}" in told
    assert "ε 1 " in told


@in_a_browser
def test_an_address_that_is_none_is_no_trouble(page, tmp_path):
    dom, _ = opened(page, tmp_path, "#a=99,1&b=x&view=3,1,0,9&at.b1=77&colours=5&field=nothing&steps=-3")
    assert "Point at a cell of the map." in text_of(dom, "words")


@pytest.fixture(scope="module")
def runs(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    ho.save(dataset, folder / "adam" / stored.DATA)
    ho.save(dataset, folder / "store.zarr")
    (folder / ".half.unfinished").mkdir()
    (folder / "other").mkdir()
    return folder


def test_a_command_writes_it(runs, page):
    done = launch_here("explore", "--run=adam", cwd=runs)
    assert (done.returncode, done.stdout) == (0, "wrote adam/explore.html, 0.1 MB\n"), done.stderr
    assert (runs / "adam" / explore.PAGE).read_text() == page.text
    done = launch_here("explore", "--run=adam", "--fields=verdict,upper", "--overwrite", cwd=runs)
    assert done.returncode == 0, done.stderr
    assert len((runs / "adam" / explore.PAGE).read_text()) < len(page.text)


WRONG = [
    (["--run=no"], "`--run=no` holds no finished sweep; give a run folder"),
    (["--run=half"], "`--run=half` is unfinished; launch.sweep --resume goes on with it."),
    (["--run=other"], "`--run=other` holds no finished sweep"),
    (["--run=adam", "--fields=uper", "--page=a.html"], "`--fields` names 'uper'; did you mean 'upper'?"),
    (["--run=store.zarr", "--page=other"], "`--page` 'other' exists; choose another name, or pass --overwrite."),
    (["--run=store.zarr", "--page=no/a.html"], "`--page` 'no/a.html' cannot be written"),
]


@pytest.mark.parametrize(("flags", "sentence"), WRONG, ids=[" ".join(flags) for flags, _ in WRONG])
def test_a_command_refuses_in_a_sentence(runs, flags, sentence):
    before = sorted(runs.rglob("*"))
    done = launch_here("explore", *flags, cwd=runs)
    assert done.returncode == 2
    assert done.stderr.startswith(f"explore: {sentence}")
    assert sorted(runs.rglob("*")) == before


def test_answers_become_pages_too():
    answer = ho.critical_height(ho.TentHill(), ho.Adam(jnp.array([0.1, 0.3])), max_steps=100, climb=ho.FAST)
    told = contents(ho.explore(answer.to_dataset({"learning_rate": [0.1, 0.3]})))
    assert told["axes"][0]["values"] == [0.1, 0.3]


def test_many_cells_are_thinned_and_that_is_said(dataset):
    axes = {"learning_rate": np.linspace(0.01, 0.9, 1200), "b1": np.linspace(0, 0.9, 1000)}
    fields = {
        name: (list(axes), np.full((1200, 1000), 1, dataset[name].dtype))
        for name in ("critical_height", "verdict", "certainty")
    }
    told = contents(ho.explore(xarray.Dataset(fields, axes, dataset.attrs)))
    assert told["thinned"] == 2
    assert [len(axis["values"]) for axis in told["axes"]] == [600, 500]
