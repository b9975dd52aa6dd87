"""Every public function inside JAX's transformations: it gives what it gives eagerly, or a sentence that says what to do."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

TENT, WEDGE, STEPS = ho.TentHill(0.3), ho.WedgeHill(0.3), 24
RATES = jnp.array([0.123, 0.234, 0.31, 0.47])
GRID = np.linspace(0.01, 0.6, 9)
PLAIN = {"max_steps": STEPS, "climb": ho.PlainClimb()}


def key_of(rate):
    return jax.random.wrap_key_data(jax.lax.bitcast_convert_type(jnp.float64(rate), jnp.uint32))


def noisy(rate):
    return ho.first_passages(
        TENT, ho.Adam(rate), ho.GaussianNoise(1.0), key_of(rate), num_walks=3, max_steps=STEPS
    ).highest.mean()


def bowl(rate):
    return ho.hill_from(lambda x, h: h * (x**2 - 1) ** 2, rate, start=-1.5)


def asked(question, rate, key=None):
    return ho.ask(question, TENT, ho.Adam(rate), key)


# Functions of one rate. Then what their derivative is: a function of the rate, 0 or NaN everywhere, or the sentence that
# refuses it; None where it is compared with a difference.
WORKING = {
    "critical_height": (
        lambda rate: ho.critical_height(TENT, ho.Adam(rate), max_steps=STEPS).critical_height,
        lambda rate: (1 + ho.critical_height(TENT, ho.Adam(rate), max_steps=STEPS).critical_height) / rate,
    ),
    "critical_height of optax": (
        lambda rate: (
            ho.critical_height(TENT, ho.from_optax(optax.radam, learning_rate=rate), max_steps=STEPS).critical_height
        ),
        None,
    ),
    "critical_height, fast": (
        lambda rate: ho.critical_height(TENT, ho.Adam(rate), max_steps=STEPS, climb=ho.FAST).critical_height,
        "^`BlockedClimb` has no derivatives; take a climb that proves, as by default",
    ),
    "escape": (lambda rate: ho.escape(WEDGE, ho.GradientDescent(rate), max_steps=STEPS).step + 0.0, 0),
    "escape probability": (
        lambda rate: asked(ho.EscapeProbability(ho.GaussianNoise(1.0), 5, STEPS), rate, key_of(rate)).probability,
        "^`EscapeProbability` has no derivative: a walk escapes or does not; take differences between answers",
    ),
    "passage time": (
        lambda rate: asked(ho.PassageTime(ho.GaussianNoise(3.0), 5, STEPS), rate, key_of(rate)).escaped,
        "^`PassageTime` has no derivative",
    ),
    "loss": (lambda rate: ho.ask(ho.Loss(STEPS), ho.RoughBowl(0.01, 0.5), ho.HeavyBall(rate / 9)).loss, None),
    "stability": (
        lambda rate: ho.stability(WEDGE, ho.Adam(rate), key_of(rate), max_steps=STEPS, num_repeats=3).flipped,
        "^`Stability` has no derivative: a label turns or does not; take differences between shares",
    ),
    "first_passages": (noisy, "^`first_passages` has no derivative"),
    "trajectory": (lambda rate: ho.trajectory(TENT, ho.Adam(rate), max_steps=7).position[-1], None),
    "loss_curve": (lambda rate: ho.loss_curve(ho.WalkRun(TENT, ho.Adam(rate)), max_steps=7)[-1], None),
    "sensitivity": (
        lambda rate: ho.sensitivity(TENT, ho.Adam(rate), max_steps=STEPS).slopes["b1"],
        "^`sensitivity` is a derivative and has none; apply jax.jacfwd to jax.grad of `critical_height` instead",
    ),
    "escaping_heights": (
        lambda rate: (
            ho.escaping_heights(
                WEDGE, ho.GradientDescent(rate), GRID, max_steps=STEPS, atol=0.1, climb=ho.PlainClimb()
            ).last
        ),
        "^`escaping_heights` has no derivative: its switches are searched for",
    ),
    "hill_from": (lambda rate: ho.escape(bowl(rate), ho.GradientDescent(0.1), **PLAIN).step + 0.0, 0),
    "StartingAt": (lambda rate: ho.escape(ho.StartingAt(WEDGE, rate), ho.GradientDescent(0.3), **PLAIN).step + 0.0, 0),
    "reach_of": (lambda rate: ho.reach_of(ho.Adam(rate), ()), None),
    "move": (lambda rate: ho.move(WEDGE, ho.Adam(rate), *ho.set_out(WEDGE, ho.Adam(rate)))[0], None),
}


SLOW = {"StartingAt", "critical_height", "escape", "escape probability", "passage time", "sensitivity", "stability"}
CASES = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else []) for name in WORKING]


@functools.cache
def eagerly(name):
    return np.array([WORKING[name][0](rate) for rate in RATES])


@pytest.mark.parametrize("name", CASES)
def test_inside_jit_vmap_and_shard_map_all_at_once_it_is_what_it_is_eagerly(name):
    mesh = jax.make_mesh((2,), ("lane",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("lane")
    run = jax.jit(jax.shard_map(jax.vmap(WORKING[name][0]), mesh=mesh, in_specs=spec, out_specs=spec))
    np.testing.assert_allclose(run(RATES), eagerly(name), rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_its_derivative_is_right_or_refused(name):
    function, expected = WORKING[name]
    if isinstance(expected, str):
        for differentiate in (jax.grad(function), lambda rate: jax.jvp(function, (rate,), (rate,))):
            with pytest.raises(ValueError, match=expected):
                differentiate(RATES[2])
        return
    backwards, forwards = jax.jit(jax.vmap(lambda rate: (jax.grad(function)(rate), jax.jacfwd(function)(rate))))(RATES)
    np.testing.assert_allclose(backwards, forwards, rtol=1e-12)
    if expected is None:
        above, below = (np.array([function(rate + sign * 1e-6) for rate in RATES]) for sign in (1, -1))
        np.testing.assert_allclose(backwards, (above - below) / 2e-6, rtol=1e-4)
    else:
        wanted = jax.vmap(expected)(RATES) if callable(expected) else np.full(len(RATES), expected)
        np.testing.assert_allclose(backwards, wanted, rtol=1e-9)


@pytest.mark.slow
def test_a_derivative_is_not_a_number_at_a_jump_where_rounding_decides_and_of_a_bound():
    def ends(rate):
        answer = ho.critical_height(TENT, ho.Adam(rate), max_steps=150)
        return jnp.stack([answer.critical_height, answer.upper, answer.error])

    rates = jnp.array([0.01, 0.0101])  # at 0.01 the hundredth step lands on the valley
    slopes = jax.jit(jax.vmap(jax.jacfwd(ends)))(rates)
    np.testing.assert_array_equal(np.isnan(slopes), [[True, True, True], [False, True, True]])


@pytest.mark.slow  # forwards it is not, and above they are the same
def test_backwards_a_derivative_is_no_number_at_a_jump_either():
    rates = jnp.array([0.01, 0.0101])
    backwards = jax.jit(
        jax.vmap(jax.grad(lambda rate: ho.critical_height(TENT, ho.Adam(rate), max_steps=150).critical_height))
    )(rates)
    np.testing.assert_array_equal(np.isnan(backwards), [True, False])


@pytest.mark.slow
def test_second_derivatives_are_those_of_the_walk():
    def height(b1):
        return ho.critical_height(TENT, ho.Adam(0.31, b1), max_steps=STEPS).critical_height

    above, below = (jax.grad(height)(0.9 + sign * 1e-5) for sign in (1, -1))
    assert float(jax.jacfwd(jax.grad(height))(0.9)) == pytest.approx(float(above - below) / 2e-5, rel=1e-5)


AXES = {"b1": [0.5, 0.9]}
REFUSED = {
    "sweep": (
        lambda rate: ho.sweep(ho.CriticalHeight(STEPS), TENT, ho.Adam(rate), AXES),
        "^`sweep` walks tiles and may keep them, which JAX cannot trace; inside jit, vmap and grad call `ask`",
    ),
    "compare": (
        lambda rate: ho.compare(
            ho.Loss(3), TENT, {"adam": ho.Adam(rate), "lion": ho.Lion(0.1)}, {"height": [0.1, 0.2]}
        ),
        "^`sweep` walks tiles and may keep them, which JAX cannot trace; inside jit, vmap and grad call `ask`",
    ),
    "boundary": (
        lambda rate: ho.boundary(ho.Escape(STEPS), TENT, ho.Adam(rate), {**AXES, "height": [0.1, 0.2]}),
        "^`boundary` asks what labels decide, which JAX cannot trace; call it outside of jit, vmap and grad",
    ),
    "zoom": (
        lambda rate: ho.zoom(ho.Escape(STEPS), TENT, ho.Adam(rate), {**AXES, "height": [0.1, 0.2]}),
        "^`zoom` asks what labels decide, which JAX cannot trace; call it outside of jit, vmap and grad",
    ),
    "design": (
        lambda rate: ho.design(TENT, ho.Adam(rate), 0.2, AXES),
        "^`design` finds as many settings as there are, a number that JAX cannot trace; call it outside of jit",
    ),
    "certificate": (
        lambda rate: ho.certificate(TENT, ho.Adam(rate)),
        "^`certificate` is made of numbers that JAX cannot trace; call it outside of jit",
    ),
    "cycles": (
        lambda rate: ho.cycles(WEDGE, ho.Adam(rate), period=1),
        "^`cycles` finds as many cycles as there are, a number that JAX cannot trace; call it outside of jit",
    ),
    "atlas": (
        lambda rate: ho.atlas(ho.AllFunctions(1.0, 2.0), rate[None], [0.5]),
        "^`learning_rate` must be known when it is traced, since cells are told apart by it; give it as NumPy's or Python's",
    ),
    "a grid of heights": (
        lambda rate: ho.escaping_heights(WEDGE, ho.Adam(0.1), rate * GRID),
        "^`heights` must be known when it is traced, since the grid is searched; give it as NumPy's or Python's",
    ),
    "a law": (
        lambda rate: ho.theory.small_step_height(rate),
        "^`learning_rate` must be a number or an array of numbers, known when JAX traces, got ",
    ),
}


@pytest.mark.parametrize(("function", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_traced_says_so(function, sentence):
    for transformed in (jax.jit(function), lambda rate: jax.vmap(function)(rate[None]), jax.grad(function)):
        with pytest.raises(ValueError, match=sentence):
            transformed(RATES[0])


def test_no_public_function_is_forgotten():
    """Whatever is public and takes a hill, an optimizer or numbers of theirs is in one of the tables, or only makes objects."""
    tried = {
        "critical_height",
        "escape",
        "ask",
        "stability",
        "first_passages",
        "trajectory",
        "loss_curve",
        "sensitivity",
        "sweep",
        "compare",
        "boundary",
        "zoom",
        "design",
        "certificate",
        "cycles",
        "atlas",
    }
    tried |= {"escaping_heights", "hill_from", "reach_of", "move", "set_out", "theory", "from_optax"}
    of_answers = {
        "escape_probability",
        "passage_time",
        "height_at_probability",
        "plot",
        "explore",
        "pieces",
        "save",
        "thinned",
        "cell_certificate",
        "entries_of",
        "on_each_hill",
        "over_seeds",
        "winner",
        "box_dimension",
        "label_changes",
        "uncertainty_exponent",
    }
    makers = {
        "optax_named",
        "optax_names",
        "optax_settings",
        "optimizer_named",
        "check_names",
        "settings_dims",
        "static",
    }
    makers |= {
        "compiler_options",
        "described",
        "enumerated",
        "hyperparameter",
        "single",
        "setting_by_setting",
        "lattice_of",
        "xla_flags",
    }
    makers |= {"at_most", "rounded"}
    makers |= {"by_part", "from_flax", "mean_squared_error", "network_run", "run_from"}  # what they make is asked
    makers |= {"exact_cycle"}  # of rational numbers
    functions = {name for name in ho.__all__ if callable(getattr(ho, name)) and not isinstance(getattr(ho, name), type)}
    assert functions - tried - of_answers - makers == set()
