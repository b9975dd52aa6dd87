"""The command that undoes a blur, as a user starts it: files, numbers, kills and refusals."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from test_launch import launch, launch_here
from test_launch_aecluster import rows

import aecluster as ae
from aecluster import deblurring
from aecluster.deblurring import study
from aecluster.training import discriminators

TINY = ["--methods=ridge,l1_64,composite_1", "--blur_weights=1", "--epochs=1", "--num_seeds=2"]
TINY += ["--model=dense", "--latent_size=3", "--loss=l2=1,probability_of_blur=0.1"]


@pytest.fixture(scope="module")
def deblurred(tmp_path_factory):
    """A study whose judge learns next to nothing; as a process of its own one runs in the slow test below."""
    folder = tmp_path_factory.mktemp("deblurred")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discriminators, "LEAST_STEPS", 3)
        done = launch_here("deblur", *TINY, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_a_study_writes_tables_checkpoints_and_figures(deblurred):
    folder, printed = deblurred
    run = folder / "runs" / "digits_deblurred"
    for name in ("restorations", "losses", "failures", "weight_curve", "strength_curve"):
        assert (run / f"{name}.png").stat().st_size > 5_000
        assert (run / f"{name}.pdf").stat().st_size > 5_000
    table = {row["method"]: row for row in rows(run / "metrics.csv")}
    assert list(table) == ["blurred", "ridge", "l1_64", "composite_1", "own"]
    images, blur = ae.load().test.images, ae.Blur(size=3)
    blurred = ae.corrupted(blur, images)
    assert float(table["blurred"]["mae"]) == pytest.approx(np.abs(blurred - images).mean(), rel=1e-5)
    own = ae.restore(run / "checkpoints" / "own").reconstruct(blurred)
    errors = np.abs(own - images).mean((1, 2, 3, 4))
    assert float(table["own"]["mae"]) == pytest.approx(errors.mean(), rel=1e-4)
    assert float(table["own"]["mae_std"]) == pytest.approx(errors.std(), abs=1e-6)
    assert f"{errors.mean():.4f} ± {errors.std():.4f}" in printed
    said = ae.restore_discriminator(run / "judge").probability(own[0])
    assert 0 <= float(table["own"]["clear"]) <= 1
    assert said.shape == (len(images),)
    assert [float(row["share_of_clear"]) for row in rows(run / "judge.csv")] == [0, 0.25, 0.5, 0.75, 1]
    assert {row["width"] for row in rows(run / "strengths.csv")} == {"2.0", "3.0", "4.0", "5.0", "6.0", "7.0"}


@pytest.mark.slow
def test_of_photographs_there_is_a_table_of_whole_ones(tmp_path, monkeypatch):
    """Ridge regression knows patches alone; kernels are random, so that those who are told them stand beside."""
    camera = deblurring.photograph("camera")
    patches = ae.Split(np.stack([camera[150:182, 200 + 8 * shift : 232 + 8 * shift] for shift in range(20)]))
    monkeypatch.setattr(deblurring, "photographs", lambda: ae.ImageData("photographs", patches, patches))
    monkeypatch.setattr(study, "TO_TEST_ON", ("left", "right"))
    monkeypatch.setattr(study, "photograph", {"left": camera[99:150, :60], "right": camera[99:150, 300:360]}.get)
    monkeypatch.setattr(discriminators, "LEAST_STEPS", 3)
    mine = ["--preset=photographs_random", "--size=5", "--methods=wiener,ridge", "--model=restorer", "--epochs=1"]
    done = launch_here("deblur", *mine, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = rows(tmp_path / "runs" / "photographs_random" / "photographs.csv")
    methods = ["blurred", "wiener", "own", "richardson_lucy, told", "wiener, told"]
    assert [(row["kernel"], row["photograph"], row["method"]) for row in table] == [
        (kind, shown, method)
        for kind in ae.KINDS
        for _ in range(2)
        for shown in ("left", "right")
        for method in methods
    ]
    left, right = (
        [row for row in table if (row["photograph"], row["method"]) == (shown, "own")] for shown in ("left", "right")
    )
    psnr = [np.mean([float(row["psnr"]) for row in kinds]) for kinds in (left, right)]
    line = next(line for line in done.stdout.splitlines() if line.startswith("own") and len(line.split()) == 5)
    assert [float(cell) for cell in line.split()[1::2]] == pytest.approx(psnr, abs=0.006)
    assert (tmp_path / "runs" / "photographs_random" / "metrics.csv").read_text().count("ridge") == 1


@pytest.mark.slow
def test_killed_and_resumed_a_study_ends_as_if_nothing_had_happened(tmp_path):
    folder, arguments = tmp_path, [*TINY, "--name=killed"]
    whole = launch("deblur", *TINY, cwd=folder)
    assert whole.returncode == 0, whole.stderr
    process = subprocess.Popen(
        [sys.executable, "-m", "launch.deblur", *arguments],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    unfinished = folder / "runs" / ".killed.unfinished"
    deadline = time.monotonic() + 120
    while not (unfinished / "checkpoints" / "composite_1").is_dir() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    refused = launch("deblur", *arguments, "--size=5", "--resume", cwd=folder)
    assert refused.returncode == 2
    assert "was begun with" in refused.stderr
    assert "not --size=5; --resume it with the same settings" in refused.stderr
    done = launch("deblur", *arguments, "--resume", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert rows(folder / "runs" / "killed" / "metrics.csv") == rows(
        folder / "runs" / "digits_deblurred" / "metrics.csv"
    )


BAD_STUDIES = [
    (["--size=9"], "`--size` must be at most 8 for images of 8x8 pixels, got 9"),
    (["--kernel=random", "--strength=2"], "`--strength` is drawn anew for every image with --kernel=random"),
    (["--methods=rigde"], "No method is called 'rigde'; did you mean 'ridge'?"),
    (["--blur_weights=-1"], "`--blur_weights` must be at least 0, got -1.0."),
    (["--loss=l1=1"], "`--loss` is of a network of one's own; name that network with --model"),
    (["--model=restorer", "--loss=l1=1,l1=2"], "`--loss` gives 'l1' twice; give every name one number."),
    (["--model=restorer", "--latent_size=2"], "a restorer has no latent space; leave it out"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD_STUDIES, ids=[" ".join(case) for case, _ in BAD_STUDIES])
def test_deblur_refuses_in_one_sentence(arguments, sentence, tmp_path):
    done = launch_here("deblur", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs" / "digits_deblurred").exists()
