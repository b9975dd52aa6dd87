"""The lattice climb as a kernel on a GPU beside the same climb in rounds, and what lets it be lowered."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_climbs import on_a_gpu

import hillopt as ho
from hillopt import kernels
from hillopt.climbs import Batch, lattice
from hillopt.loops import in_strides
from hillopt.lowerable import lowerable
from hillopt.optimizers import as_arrays

TENT, STEPS = ho.TentHill().flank(), 400
UNOPTIMISED = {"xla_backend_optimization_level": 0}
RATES = np.linspace(0.031, 0.93, 9)
BETAS = np.array([0.0, 0.3, 0.9, 0.99])[:, None]

OPTIMIZERS = {
    "adam": ho.Adam(RATES, b1=BETAS),
    "heavy ball": ho.HeavyBall(RATES, momentum=BETAS),
    "nesterov": ho.Nesterov(RATES, momentum=BETAS),
    "lion": ho.Lion(RATES, b1=0.9, b2=BETAS),
    "gradient descent": ho.GradientDescent(RATES),
}


def a_batch(name, dtype, target=None):
    """Settings in rows that share a beta."""
    optimizer = jax.tree.map(lambda leaf: np.asarray(leaf, dtype), as_arrays(OPTIMIZERS[name]))
    return Batch(optimizer, TENT, None if target is None else jnp.asarray(target, dtype), (4, len(RATES)))


def climbed(climb, batch):
    return jax.jit(lambda steps: climb(batch, steps), compiler_options=UNOPTIMISED)(jnp.int32(STEPS))


def in_a_kernel(batch, steps):
    return lattice.climb_in_registers(batch, steps, interpret=True)


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "dtype", "target"),
    [
        ("lion", np.float32, 0.3),
        pytest.param("heavy ball", np.float64, 0.3, marks=slow),
        pytest.param("adam", np.float64, 0.3, marks=slow),
        pytest.param("heavy ball", np.float32, None, marks=slow),
        pytest.param("adam", np.float32, None, marks=slow),
        pytest.param("nesterov", np.float64, None, marks=slow),
        pytest.param("lion", np.float64, None, marks=slow),
        pytest.param("gradient descent", np.float64, 0.3, marks=slow),
    ],
)
def test_a_kernel_climbs_as_rounds_do(name, dtype, target):
    batch = a_batch(name, dtype, target)
    kernel, rounds = climbed(in_a_kernel, batch), climbed(ho.LatticeClimb().climb, batch)
    assert kernel.proved.any()
    assert kernel.num_steps.min() < STEPS
    for one, other in zip(jax.tree.leaves(kernel), jax.tree.leaves(rounds), strict=True):
        tolerance = 8 * float(np.finfo(dtype).eps) if other.dtype == dtype else 0
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


LOWERED = [(name, dtype, target) for name in OPTIMIZERS for dtype in (np.float32, np.float64) for target in (None, 0.3)]


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")
@pytest.mark.parametrize(
    ("name", "dtype", "target"), [("lion", np.float32, None), *(pytest.param(*case, marks=slow) for case in LOWERED)]
)
def test_where_there_is_a_gpu_the_climb_is_a_kernel(name, dtype, target, monkeypatch):
    monkeypatch.setattr(kernels, "why_not", lambda: None)
    batch, scalar = a_batch(name, dtype, target), jax.ShapeDtypeStruct((), jnp.int32)
    with on_a_gpu():
        assert lattice.why_no_kernel(batch) is None
        traced = jax.jit(lambda steps: ho.LatticeClimb().climb(batch, steps)).trace(scalar)
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("triton") > 0
    assert "stablehlo.while" not in text


def test_what_does_not_lower_is_climbed_in_rounds(monkeypatch):
    reason = "the kernel does not lower: Unimplemented primitive"
    monkeypatch.setattr(kernels, "why_not", lambda: None)
    monkeypatch.setattr(kernels, "why_not_lowered", lambda *_: reason)
    assert lattice.why_no_kernel(a_batch("nesterov", np.float16)) == reason


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")
@pytest.mark.parametrize(("function", "lowers"), [(jnp.round, True), (jax.lax.lgamma, False)])
def test_whether_a_kernel_lowers_is_asked_without_a_gpu(function, lowers):
    def run(numbers):
        return kernels.in_registers(function, numbers, (64,), lanes=32, warps=1)

    with on_a_gpu():
        reason = kernels.why_not_lowered(run, jax.ShapeDtypeStruct((64,), np.float32))
    assert reason is None if lowers else reason.startswith("the kernel does not lower: ")


def test_without_a_gpu_it_is_climbed_in_rounds(as_on_a_cpu):
    assert lattice.why_no_kernel(a_batch("adam", np.float64)) == "it is for GPUs, and JAX walks on a CPU"


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (jnp.maximum, ([1.0, np.nan, 2.0, -np.inf], [np.nan, 1.0, 3.0, 0.0])),
        (jnp.minimum, ([1.0, np.nan, 2.0, np.inf], [np.nan, 1.0, 3.0, 0.0])),
        (jax.lax.clamp, ([0.0, 0.0, np.nan], [np.nan, 5.0, 1.0], [1.0, 1.0, 1.0])),
        (jnp.round, ([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994, 2.0**53 - 1, -3.2, np.nan],)),
        (lambda x: jax.lax.fori_loop(0, 3, lambda _, x: jnp.maximum(x - 1, 0.0), x), ([2.5, np.nan],)),
        (lambda x: jax.lax.while_loop(lambda x: jnp.max(x) < 9, lambda x: jnp.minimum(2 * x, 9.0), x), ([1.0, 3.0],)),
        (lambda x: jax.lax.cond(x[0] > 0, jnp.sin, lambda x: jnp.maximum(x, 0.0), x), ([-1.0, np.nan],)),
        (lambda n: jnp.maximum(n, 3), (np.array([1, 5]),)),
    ],
)
def test_what_is_lowered_computes_the_same(function, arguments):
    arguments = [np.asarray(each) for each in arguments]
    np.testing.assert_array_equal(lowerable(function)(*arguments), function(*arguments))


def test_what_is_lowered_has_no_maximum_that_drops_a_nan():
    def loop(x):
        return jax.lax.fori_loop(0, 3, lambda _, x: jax.nn.relu(jnp.maximum(x - 1, 0.0)), x)

    assert " max " in str(jax.make_jaxpr(loop)(1.0))
    assert " max " not in str(jax.make_jaxpr(lowerable(loop))(1.0))


@pytest.mark.parametrize("length", [0, 7, 8, 17])
def test_strides_take_every_step_once(length):
    def step(count, carry):
        return carry * 31 % 1009 + count

    first, last = jnp.int32(5), jnp.int32(5 + length)
    assert in_strides(first, last, step, jnp.int32(1), 8) == jax.lax.fori_loop(first, last, step, jnp.int32(1))


def test_on_a_gpu_loops_do_not_wait_for_the_host(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert ho.LatticeClimb().compiler_options["xla_gpu_enable_command_buffer"].startswith("FUSION,WHILE")
