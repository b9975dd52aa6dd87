"""No preset rots: each is what the command line could give, and its tiny brother runs end to end."""

import dataclasses
import functools
import importlib

import jaxtyping
import pytest

from aecluster.training import discriminators
from launch import cluster, command, fields, train

COMMANDS = {
    name: importlib.import_module(f"launch.{name}")
    for name in (
        "trajectory",
        "optimizers",
        "sweep",
        "atlas",
        "reproduce",
        "compare",
        "train",
        "cluster",
        "benchmark",
        "deblur",
    )
}
PRESETS = [(name, preset) for name, module in COMMANDS.items() for preset in module.PRESETS]
BY_NAME = ("trajectory", "optimizers", "sweep", "atlas", "reproduce", "compare")


@pytest.fixture(autouse=True, scope="module")
def as_a_command():
    """No annotation is executed, JAX, which runs already, is not set up, and a discriminator learns next to nothing."""
    jaxtyping.config.update("jaxtyping_disable", True)
    with pytest.MonkeyPatch.context() as patch:
        for module in COMMANDS.values():
            patch.setattr(module, "set_up", lambda settings: None, raising=False)
        patch.setattr(discriminators, "LEAST_STEPS", 3)
        yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_preset_is_what_flags_could_give(name, preset):
    module = COMMANDS[name]
    settings = module.PRESETS[preset]
    for flag in fields.flags_of(module.Settings).values():
        value = getattr(settings, flag.name)
        assert flag.check(flag.plain(value)) == value
    assert command.parse([f"--preset={preset}"], module.Settings, module.PRESETS, module.tiny) == settings


# What other tests run every day but for its numbers: tests/test_launch_optimizers.py the table, the default preset a sweep's
# maps, golden files what convolves; the map of tanh networks those that differ in the network alone; tests/test_comparison.py,
# tests/test_trajectory.py and tests/test_plot.py what is drawn of the others.
SLOW = {
    ("optimizers", "table"),
    ("optimizers", "hills"),
    ("sweep", "teeth"),
    ("sweep", "facets"),
    ("train", "mnist_conv"),
}
SLOW |= {
    ("sweep", "wedge"),
    ("sweep", "curve"),
    ("compare", "escape"),
    ("compare", "hills"),
    ("compare", "momentum"),
    ("compare", "both"),
    ("trajectory", "mueller_brown"),
}
SLOW |= {("train", "mnist_invariant"), ("train", "mnist_variational")}
SLOW |= {("sweep", f"network_{kind}") for kind in ("relu", "linear", "minibatch", "one_example")}


def daily(name, presets):
    return [
        pytest.param(name, preset, id=f"{name}-{preset}", marks=pytest.mark.slow if (name, preset) in SLOW else [])
        for preset in presets
    ]


@pytest.mark.parametrize(("name", "preset"), [case for name in BY_NAME for case in daily(name, COMMANDS[name].PRESETS)])
def test_a_tiny_brother_runs_end_to_end(name, preset, tmp_path, capsys):
    module = COMMANDS[name]
    arguments = [f"--preset={preset}", "--tiny", f"--out={tmp_path}"]
    settings = command.parse(arguments, module.Settings, module.PRESETS, module.tiny)
    module.main(settings)
    (run,) = tmp_path.iterdir()
    assert run.name.endswith("_tiny")
    where = {"out": settings.out, "name": settings.name}
    assert dataclasses.replace(command.saved(run, module.Settings), **where) == settings
    assert f"{run}" in capsys.readouterr().out.splitlines()[-1]


def distinct(module):
    """Presets whose tiny brothers differ in more than their names and what they read."""
    seen = {}
    for preset, settings in module.PRESETS.items():
        names = {name: None for name in ("name", "run") if hasattr(settings, name)}
        seen.setdefault(repr(dataclasses.replace(module.tiny(settings), **names)), preset)
    return list(seen.values())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Trains a preset's tiny brother; the folder of its run."""
    folder = tmp_path_factory.mktemp("trainings")

    @functools.cache
    def train_it(preset):
        train.main(dataclasses.replace(train.tiny(train.PRESETS[preset]), out=folder, name=preset))
        return folder / preset

    return train_it


@pytest.mark.parametrize(("name", "preset"), daily("train", distinct(train)))
def test_a_tiny_training_runs_end_to_end(name, preset, trained):
    assert (trained(preset) / "metrics.csv").is_file()


@pytest.mark.slow  # test_launch_aecluster.py clusters a run every day
@pytest.mark.parametrize("preset", distinct(cluster))
def test_a_tiny_clustering_of_a_tiny_training_runs_end_to_end(preset, trained, tmp_path):
    settings = cluster.tiny(cluster.PRESETS[preset])
    cluster.main(dataclasses.replace(settings, run=trained("digits"), out=tmp_path))
    (run,) = tmp_path.iterdir()
    assert (run / "scores.csv").is_file()


@pytest.mark.slow  # test_launch_deblur.py runs a study every day
@pytest.mark.parametrize("preset", ["digits", "mnist_random"])
def test_a_tiny_deblurring_runs_end_to_end(preset, tmp_path):
    module = COMMANDS["deblur"]
    module.main(dataclasses.replace(module.tiny(module.PRESETS[preset]), out=tmp_path))
    (run,) = tmp_path.iterdir()
    assert (run / "metrics.csv").is_file()
