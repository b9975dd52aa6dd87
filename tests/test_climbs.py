"""The climbs without proofs: the plain definition and its fast twins, on awkward sizes, shapes and meshes."""

import contextlib
import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hillopt as ho
from hillopt import climbs
from hillopt.climbs import blocked, pallas
from hillopt.kernels import why_not_lowered
from hillopt.lanes import common_shape, rows_of
from hillopt.optimizers import as_arrays

KERNEL = ho.PallasClimb(interpret=True)
FAST = [ho.BlockedClimb(), KERNEL]
SMALL = [ho.BlockedClimb(lanes=256), KERNEL]
PLAIN = ho.PlainClimb()
TENT = ho.TentHill()
STEPS = 491  # two looks at whether all is settled, and a rest


def heights(optimizer, climb, hill=TENT, steps=STEPS):
    answer = ho.critical_height(hill, optimizer, max_steps=steps, climb=climb)
    assert np.all(answer.certainty == ho.Certainty.UNCHECKED)
    return np.asarray(answer.critical_height)


def apart_from_ties(optimizer):
    """Where no iterate comes so close to the valley that rounding decides: plain and exact answers agree."""
    return np.asarray(ho.critical_height(TENT, optimizer, max_steps=STEPS).certified)


OPTIMIZERS = [
    ho.GradientDescent,
    ho.SignDescent,
    functools.partial(ho.HeavyBall, momentum=0.8),
    ho.Nesterov,
    ho.RMSprop,
    ho.Adagrad,
    functools.partial(ho.Adam, eps=1e-3),
    ho.AdamW,
    ho.Lion,
    functools.partial(ho.optax_named, "nadam"),
    functools.partial(ho.optax_named, "adabelief"),
]


@pytest.mark.slow
@pytest.mark.parametrize("climb", FAST)
@pytest.mark.parametrize("make", OPTIMIZERS)
def test_every_optimizer_climbs_as_plainly(make, climb):
    optimizer = make(learning_rate=np.linspace(0.031, 0.93, 57))
    clear = apart_from_ties(optimizer)
    assert clear.mean() > 0.8
    plain = heights(optimizer, PLAIN)
    np.testing.assert_allclose(heights(optimizer, climb)[clear], plain[clear], rtol=1e-11, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("climb", SMALL)
@pytest.mark.parametrize("size", [1, 256, 257, 1009])
def test_awkward_sizes(size, climb):
    optimizer = ho.Adam(np.linspace(0.0317, 0.93, size), b1=np.linspace(0.1, 0.93, size))
    np.testing.assert_allclose(heights(optimizer, climb), heights(optimizer, PLAIN), rtol=1e-11, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("climb", SMALL)
@pytest.mark.parametrize(
    ("rates", "b1", "b2"),
    [
        ((1, 1, 7), (1, 5, 1), (3, 1, 1)),
        ((3, 1, 1), (1, 5, 1), (1, 1, 7)),
        ((5, 1), (1, 1), (1, 1)),
        ((1,), (300,), ()),
        ((), (), ()),
        ((4, 300), (300,), (4, 1)),
    ],
)
def test_numbers_shared_along_any_axis(rates, b1, b2, climb):

    def spread(low, high, shape):
        return np.linspace(low, high, int(np.prod(shape, dtype=int))).reshape(shape)

    optimizer = ho.Adam(spread(0.0317, 0.93, rates), spread(0.5, 0.9, b1), spread(0.9, 0.999, b2), eps=1e-3)
    answer = heights(optimizer, climb)
    assert answer.shape == np.broadcast_shapes(rates, b1, b2)
    np.testing.assert_allclose(answer, heights(optimizer, PLAIN), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("climb", FAST)
@pytest.mark.parametrize("steps", [1, 239, 240, 241, 1000])
def test_any_number_of_steps(steps, climb):
    optimizer = ho.HeavyBall(np.array([0.0213, 0.117]), momentum=np.array([0.3, 0.99]))
    np.testing.assert_allclose(
        heights(optimizer, climb, steps=steps), heights(optimizer, PLAIN, steps=steps), rtol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("climb", FAST)
@pytest.mark.parametrize(
    "hill", [ho.WedgeHill(0.21), ho.DoubleWell(0.25), ho.GaussianHill(0.4)], ids=lambda hill: type(hill).__name__
)
def test_hills_with_a_flank_of_their_own(hill, climb):
    hill = hill.at(np.linspace(0.02, 0.6, 30)[:, None])
    optimizer = ho.HeavyBall(np.linspace(0.01, 0.3, 9), momentum=0.6)
    fast, plain = (ho.escape(hill, optimizer, max_steps=STEPS, climb=each) for each in (climb, PLAIN))
    assert set(np.unique(plain.verdict)) >= {ho.Verdict.ESCAPED, ho.Verdict.UNDECIDED}
    np.testing.assert_array_equal(fast.verdict, plain.verdict)


def test_in_two_dimensions_blocks_serve_and_the_kernel_says_why_it_cannot():
    optimizer = ho.Adam(np.linspace(0.001, 0.1, 7))
    verdicts = [
        ho.escape(ho.NarrowPass(0.3), optimizer, max_steps=300, climb=climb).verdict
        for climb in (ho.BlockedClimb(), PLAIN)
    ]
    np.testing.assert_array_equal(*verdicts)
    with pytest.raises(
        ValueError,
        match=r"^`climb=PallasClimb\(lanes=None, interpret=True\)` cannot serve: positions on NarrowPass are vectors; leave",
    ):
        ho.escape(ho.NarrowPass(0.3), optimizer, max_steps=300, climb=KERNEL)


@pytest.mark.parametrize(
    ("dtype", "rates", "b1", "blocks"),
    [
        ("float32", (1, 512), (512, 1), [256, 1]),
        ("float64", (1, 512), (512, 1), [256, 1]),
        ("float32", (1, 640), (512, 1), [128, 1]),  # with 256 lanes a fifth of them would be spare
        ("float32", (1, 128), (128, 1), [32, 1]),  # too few to keep a GPU busy otherwise
        ("float32", (2**19,), (2**19,), [256, 256]),
        ("float64", (2**19,), (2**19,), [128, 128]),
        ("float64", (2**19,), (), [256, 1]),
        ("float32", (1, 10), (2**17, 1), [256, 256]),  # rows too short to be kept apart
    ],
)
def test_lanes_of_a_program_and_what_they_share(dtype, rates, b1, blocks):
    numbers = [jax.ShapeDtypeStruct(shape, dtype) for shape in (rates, b1)]

    def solve(*numbers):
        optimizer = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), ho.Adam(*numbers))
        return KERNEL.climb(climbs.Batch(optimizer, TENT.flank(), None, common_shape(optimizer)), jnp.int32(1))

    (call,) = [each for each in jax.make_jaxpr(solve)(*numbers).eqns if each.primitive.name == "pallas_call"]
    assert [each.block_aval.inner_aval.size for each in call.params["grid_mapping"].block_mappings][:2] == blocks


def test_fast_is_blocked_without_a_gpu(as_on_a_cpu):
    assert climbs.first_that_serves(ho.FAST, TENT, ho.Adam(0.1)) == ho.BlockedClimb()
    with pytest.raises(ValueError, match="cannot serve: it is for GPUs, and JAX walks on a CPU; leave"):
        ho.critical_height(TENT, ho.Adam(0.1), climb=ho.PallasClimb())


def on_a_gpu():
    """A context in which newer versions of JAX lower Pallas kernels without a GPU."""
    if jax.__version_info__ < (0, 11):
        return contextlib.nullcontext()
    device = jax.sharding.AbstractDevice("NVIDIA H100 80GB HBM3", None, "gpu")
    mesh = jax.sharding.AbstractMesh((1,), ("x",), abstract_device=device)
    return jax.sharding.use_abstract_mesh(mesh)


@pytest.fixture
def gpu(monkeypatch):
    """JAX says that it walks on a GPU, and walks on."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    pallas._why_not_lowered.cache_clear()
    yield
    pallas._why_not_lowered.cache_clear()


def test_fast_is_blocked_where_jax_has_no_pallas(gpu, monkeypatch):
    monkeypatch.setitem(sys.modules, "jax.experimental.pallas", None)
    monkeypatch.delattr(jax.experimental, "pallas", raising=False)
    assert climbs.first_that_serves(ho.FAST, TENT, ho.Adam(0.1)) == ho.BlockedClimb()
    for climb in (ho.PallasClimb(), KERNEL):
        assert climb.why_not(TENT, ho.Adam(0.1)) == f"jax {jax.__version__} has no Pallas for Triton"


def test_fast_is_blocked_where_the_kernel_does_not_lower(gpu, monkeypatch):
    def refuse(*args, **kwargs):
        raise NotImplementedError("no such back end\nany more")

    monkeypatch.setattr("jax.experimental.pallas.pallas_call", refuse)
    assert climbs.first_that_serves(ho.FAST, TENT, ho.Adam(0.1)) == ho.BlockedClimb()
    assert ho.PallasClimb().why_not(TENT, ho.Adam(0.1)) == "the kernel does not lower: no such back end"


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")
def test_whether_the_kernel_lowers_is_asked_once(gpu, monkeypatch):
    with on_a_gpu():
        assert ho.PallasClimb().why_not(TENT, ho.SignDescent(np.array([0.1, 0.2]))) is None
    monkeypatch.setattr("jax.experimental.pallas.pallas_call", lambda *_: pytest.fail("asked again"))
    assert ho.PallasClimb().why_not(TENT, ho.SignDescent(0.3)) is None


def test_blocks_as_a_gpu_walks_them(gpu, monkeypatch):
    monkeypatch.setattr(blocked, "STEPS_OF_A_KERNEL", 6)
    optimizer = as_arrays(ho.HeavyBall(np.linspace(0.0213, 0.117, 23), momentum=np.array([[0.3], [0.99]])))
    batch = climbs.Batch(optimizer, TENT.flank(), None, common_shape(optimizer))
    several = jax.jit(lambda steps: ho.BlockedClimb().climb(batch, steps).highest)
    for steps in (5, 251, STEPS):  # one by one; a look, several at once and one by one; two looks
        np.testing.assert_allclose(several(steps), PLAIN.climb(batch, jnp.int32(steps)).highest, rtol=1e-12)


@pytest.mark.parametrize(("rows", "columns"), [(512, 512), (1, 1), (3_000, 512), (7, 2**23)])
def test_a_gpu_walks_no_lane_that_does_not_exist(gpu, rows, columns):
    assert ho.BlockedClimb().call_shape(rows, columns, columns) == (rows, columns)
    cut = rows_of((rows, columns), ho.BlockedClimb().block)
    assert (cut.stacks * cut.height, cut.pieces * cut.width) == (rows, columns)


def test_loops_on_a_gpu_are_one_graph(gpu):
    assert "WHILE" in ho.BlockedClimb().compiler_options["xla_gpu_enable_command_buffer"]


def test_a_block_whose_walks_all_repeat_stops_early():
    """A walk of 2^31 - 1 steps would take minutes."""
    optimizer = ho.GradientDescent(np.array([0.3, 0.07]))
    np.testing.assert_allclose(heights(optimizer, ho.BlockedClimb(), steps=2**31 - 1), [0.2, 0.05], atol=1e-14)


def test_a_block_whose_walks_have_all_escaped_stops_early():
    answer = ho.escape(ho.TentHill(0.1), ho.AdamW(np.array([0.3, 0.2])), max_steps=2**31 - 1, climb=ho.BlockedClimb())
    assert np.all(answer.verdict == ho.Verdict.ESCAPED)


def test_walks_that_leave_all_numbers_stop_early_and_are_diverged():
    hill = ho.hill_from(lambda x, h: x**4 - h * x, 1.0, start=2.0, passed=lambda x, h: -1 - 0 * x)
    answer = ho.escape(hill, ho.GradientDescent(np.array([1.0, 2.0])), max_steps=2**31 - 1, climb=ho.BlockedClimb())
    assert np.all(answer.verdict == ho.Verdict.DIVERGED)


@pytest.mark.parametrize("check_vma", [True, False])
def test_blocks_inside_shard_map(check_vma):
    mesh = jax.sharding.Mesh(np.asarray(jax.devices()), ("lane",))
    rates = jnp.linspace(0.0317, 0.9, 10)

    def solve(rates):
        return ho.critical_height(
            TENT, ho.Adam(rates, b1=0.8), max_steps=STEPS, climb=ho.BlockedClimb()
        ).critical_height

    spec = jax.sharding.PartitionSpec("lane")
    sharded = jax.jit(jax.shard_map(solve, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=check_vma))
    np.testing.assert_allclose(sharded(rates), solve(rates), rtol=1e-12)


def test_blocks_under_vmap():
    rates = jnp.linspace(0.0317, 0.9, 12).reshape(3, 4)

    def solve(rates):
        return ho.critical_height(TENT, ho.Adam(rates), max_steps=STEPS, climb=ho.BlockedClimb()).critical_height

    np.testing.assert_allclose(jax.vmap(solve)(rates), solve(rates), rtol=1e-12)


OPTAX_ADAM = functools.partial(ho.optax_named, "adam")


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")
@pytest.mark.parametrize(
    ("hill", "dtype"),
    [(TENT, np.float32), (TENT, np.float64), (ho.WedgeHill(0.3), np.float32), (ho.DoubleWell(0.25), np.float32)],
)
@pytest.mark.parametrize(
    "make", [*ho.OPTIMIZERS.values(), OPTAX_ADAM], ids=lambda make: getattr(make, "__name__", "optax")
)
def test_the_kernel_lowers_for_cuda_without_a_gpu(gpu, make, hill, dtype):
    one = jax.tree.map(lambda leaf: leaf.astype(dtype), as_arrays(make(learning_rate=0.1)))
    with on_a_gpu():
        assert ho.PallasClimb().why_not(hill.flank(), one) is None


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")
@pytest.mark.parametrize("b1", [(), (512, 1), (512, 512)])
def test_the_kernel_lowers_whatever_is_shared(gpu, b1):
    numbers = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((1, 512), b1, (), ())]

    def climb(*numbers):
        return ho.PallasClimb().climb(climbs.Batch(ho.Adam(*numbers), TENT.flank(), None, (512, 512)), jnp.int32(9))

    with on_a_gpu():
        assert why_not_lowered(climb, *numbers) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=262144"),
        ("--x=1", "--x=1 --xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=262144"),
        *[("--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=0",) * 2],
    ],
    ids=["none", "others", "one's own"],
)
def test_flags_of_xla_are_added_to_those_that_are_there(before, after, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", before)
    assert ho.xla_flags() == after


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="looks at what XLA compiles for a CPU")
def test_small_loops_are_functions():
    """What the width of blocks rests on; else every round of a short block is begun anew."""
    walk = jax.jit(lambda rates: ho.critical_height(TENT, ho.Adam(rates), max_steps=1_000, climb=ho.BlockedClimb()))
    compiled = walk.lower(jax.ShapeDtypeStruct((3_000,), jnp.float64)).compile(compiler_options=ho.compiler_options())
    assert "small_call" in compiled.as_text()
