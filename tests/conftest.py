"""Sets JAX up: float64, two devices on the CPU, and what it compiles is kept. Marks what is thorough."""

import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

# The workers share the cores; scikit-learn's threads, as many for each of them, would wait for one another, and openTSNE's
# would do so awake. Read at import.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}

import jax
import jaxtyping
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", 2)

KEPT_DAYS = 14
OLDER_EMITTERS_UNTIL = (0, 11)  # of JAX
MOST_MAPS = 30_000  # Linux gives a process 65,530
THOROUGH = tuple(
    line for line in Path(__file__).with_name("thorough.txt").read_text().splitlines() if not line.startswith("#")
)
LONGEST = (
    "transformations",
    "presets",
    "golden",
    "launch_aecluster",
    "readme",
    "clustering",
    "critical_height",
    "precision",
    "certificates",
    "restoration",
    "golden_aecluster",
    "launch_report",
    "flags",
    "checkpoints",
    "launch_sweeps",
    "climbs",
    "design",
    "launch_deblur",
    "launch",
    "blur",
)


def pytest_configure(config: pytest.Config) -> None:
    """Thorough and slow tests execute the annotations of both libraries, and compile as users do; everyday ones are quick.

    Executed annotations take a quarter of the time, for nothing that another run of the same functions would not find. XLA's
    older emitters of kernels compile in three quarters of it; hillopt's walks have the same bits by both, trainings do not.

    Most of the rest is compilation. One process takes from disk what another has compiled: workers, the commands that tests
    start, and the next run. An entry is found by the whole program, its options, JAX and the devices; `--cache-clear` forgets all.
    """
    everyday = "not thorough" in config.option.markexpr
    if not everyday:
        jaxtyping.install_import_hook(["hillopt", "aecluster"], "annotations.checked")
    os.environ["XLA_FLAGS"] = importlib.import_module("hillopt").xla_flags()  # as the commands do
    if everyday and jax.__version_info__ < OLDER_EMITTERS_UNTIL:
        os.environ["XLA_FLAGS"] += " --xla_cpu_use_fusion_emitters=false"
    folder = config.cache.mkdir("compiled")
    if not hasattr(config, "workerinput"):
        forget_the_old(folder)
    kept = {"compilation_cache_dir": str(folder), "persistent_cache_min_compile_time_secs": 0.0}
    for name, value in kept.items():
        jax.config.update(f"jax_{name}", value)
        os.environ[f"JAX_{name.upper()}"] = str(value)  # for the processes that tests start


@pytest.hookimpl(tryfirst=True)  # before marks are chosen from
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is thorough, and the longest files first: whatever worker is free takes the next one, and none ends late."""
    for item in items:
        if f"{item.path.name}::{item.name}".startswith(THOROUGH):
            item.add_marker(pytest.mark.thorough)
    names = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: names.get(item.path.stem.removeprefix("test_"), len(LONGEST)))


def forget_the_old(folder: Path) -> None:
    """Programs that nobody compiles any more must not fill the disk."""
    for entry in folder.glob("*-cache"):
        if time.time() - entry.stat().st_mtime > KEPT_DAYS * 86_400:
            entry.unlink(missing_ok=True)


@pytest.fixture(scope="module", autouse=True)
def room_for_more_programs() -> Iterator[None]:
    """A compiled program takes some twenty memory maps for good, and XLA dies where the system has no more of them."""
    yield
    maps = Path("/proc/self/maps")
    if maps.is_file() and maps.read_text().count("\n") > MOST_MAPS:
        jax.clear_caches()


@pytest.fixture(scope="module")
def compiled_in_haste() -> Iterator[None]:
    """XLA optimises next to nothing, and takes little more than half the time: for labels and tolerances, never for bits."""
    from hillopt.sweeps.program import _program

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()  # whoever comes next gets programs as users have them
    _program.cache_clear()


@pytest.fixture
def as_users_call() -> Iterator[None]:
    """Bad input meets the library's own checks, as it does outside these tests, where no annotation is executed."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture
def as_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen where no accelerator is, also on a machine that has one."""
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
