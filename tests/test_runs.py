"""Training runs put together from a model, its data and an optimizer, or from a function that returns losses."""

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest
from flax import nnx

import hillopt as ho

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(12, 3))
TARGETS = INPUTS @ np.array([[1.0], [-2.0], [0.5]]) + 0.1 * RNG.normal(size=(12, 1))
DATA = (INPUTS, TARGETS)
LINE = ho.Model(
    lambda key: {"slope": jnp.zeros((3, 1)), "level": jnp.zeros(1)}, lambda p, x: x @ p["slope"] + p["level"]
)


def edge():
    """The learning rate beyond which gradient descent on this linear regression diverges: 2 over the largest curvature."""
    design = np.concatenate([INPUTS, np.ones((12, 1))], axis=1)
    return 2 / np.linalg.eigvalsh(2 * design.T @ design / 12)[-1]


def test_a_linear_regression_trains_below_its_edge_alone():
    rates = edge() * np.array([0.5, 0.99, 1.01, 3.0])
    answer = ho.ask(ho.Trainability(max_steps=2_000), ho.network_run(LINE, DATA, ho.GradientDescent(rates)), None)
    np.testing.assert_array_equal(answer.outcome == ho.Training.CONVERGED, [True, True, False, False])
    best = np.linalg.lstsq(np.concatenate([INPUTS, np.ones((12, 1))], axis=1), TARGETS, rcond=None)[1][0] / 12
    np.testing.assert_allclose(answer.loss[0], best, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ho.Adam(0.1, eps=1e-8), ho.optax_named("adam", learning_rate=0.1)),
        (ho.HeavyBall(0.05, 0.9), ho.from_optax(optax.sgd, learning_rate=0.05, momentum=0.9)),
        (
            ho.by_part(slope=ho.GradientDescent(0.1), level=ho.HeavyBall(0.05, 0.5)),
            ho.by_part(
                slope=ho.from_optax(optax.sgd, learning_rate=0.1),
                level=ho.from_optax(optax.sgd, learning_rate=0.05, momentum=0.5),
            ),
        ),
    ],
)
def test_every_array_is_stepped_as_optax_steps_it(ours, theirs):
    answers = [
        ho.ask(ho.Trainability(max_steps=30), ho.network_run(LINE, DATA, optimizer, batch=5), None)
        for optimizer in (ours, theirs)
    ]
    np.testing.assert_allclose(answers[0].loss, answers[1].loss, rtol=1e-10)


def test_a_norm_is_that_of_all_arrays():
    """As optax clips, which a loop with optax's own functions tells."""

    def make(learning_rate, clip):
        return optax.chain(optax.clip_by_global_norm(clip), optax.sgd(learning_rate))

    run = ho.network_run(LINE, DATA, ho.from_optax(make, learning_rate=0.1, clip=0.5))
    parameters, transformation = LINE.init(None), make(0.1, 0.5)
    state, loss = transformation.init(parameters), lambda p: jnp.mean((LINE.apply(p, INPUTS) - TARGETS) ** 2)
    for _ in range(4):
        update, state = transformation.update(jax.grad(loss)(parameters), state)
        parameters = optax.apply_updates(parameters, update)
    np.testing.assert_allclose(
        ho.ask(ho.Trainability(max_steps=5, window=5), run, None).loss, loss(parameters), rtol=1e-12
    )


class Network(nnx.Module):
    """One hidden layer."""

    def __init__(self, rngs):
        self.first = nnx.Linear(3, 4, rngs=rngs)
        self.second = nnx.Linear(4, 1, rngs=rngs)

    def __call__(self, inputs):
        return self.second(jnp.tanh(self.first(inputs)))


def test_a_module_of_flax_trains_with_a_rate_for_every_layer():
    run = ho.network_run(
        ho.from_flax(lambda rngs: Network(rngs)),
        DATA,
        ho.by_part(first=ho.GradientDescent(0.1), second=ho.GradientDescent(0.2)),
        seed=3,
    )
    answer = ho.ask(ho.Trainability(max_steps=2, window=1), run, None)
    module = Network(nnx.Rngs(jax.random.key(3)))
    graph, state = nnx.split(module)
    loss, slopes = jax.value_and_grad(
        lambda s: jnp.mean((nnx.merge(graph, s)(INPUTS.astype(np.float32)) - TARGETS) ** 2)
    )(state)
    rates = {"first": 0.1, "second": 0.2}
    after = {
        name: {
            part: getattr(getattr(module, name), part)[...] - rates[name] * slopes[name][part][...]
            for part in ("kernel", "bias")
        }
        for name in rates
    }
    hidden = np.tanh(INPUTS @ after["first"]["kernel"] + after["first"]["bias"])
    expected = np.mean((hidden @ after["second"]["kernel"] + after["second"]["bias"] - TARGETS) ** 2)
    assert expected < loss
    np.testing.assert_allclose(answer.loss, expected, rtol=1e-5)
    assert set(run.hyperparameters()) == {"first_learning_rate", "second_learning_rate", "seed"}


def shrinking(rate, key=None):
    """Losses that shrink by a factor."""
    return (1 - rate) ** (2 * jnp.arange(40.0))


def noisy(rate, key):
    return 1 + rate * jax.random.normal(key, (30,))


def test_a_function_that_returns_losses_is_a_run():
    rates = np.array([0.1, 1.9, 2.1, 3.0])
    dataset = ho.sweep(
        ho.Trainability(max_steps=40), ho.run_from(shrinking, rate=0.5), None, {"rate": rates}, dtype="float64"
    )
    np.testing.assert_array_equal(dataset["outcome"] == ho.Training.CONVERGED, rates < 2)
    np.testing.assert_allclose(dataset["loss"], (1 - rates) ** 78, rtol=1e-12)
    assert dataset.attrs["title"] == "Trainability of shrinking"


def test_its_key_is_that_of_the_seed():
    run = ho.run_from(noisy, rate=0.1)
    losses = ho.sweep(ho.Trainability(max_steps=30), run, None, {"seed": [0.0, 1.0]}, dtype="float64")["loss"]
    expected = [noisy(0.1, jax.random.key(seed))[-1] for seed in (0, 1)]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


def lost(rate):
    return jnp.full(30, jnp.nan) * rate


REFUSED = [
    (lambda: ho.run_from(lambda rate: rate, rate=0.1), "`<lambda>` must return a row of losses, one a step, got float"),
    (
        lambda: ho.run_from(lambda rate: jnp.zeros((3, 4)) * rate, rate=0.1),
        r"must return a row of losses, one a step, got float64\[3, 4\]",
    ),
    (lambda: ho.run_from(lambda rate: jnp.zeros(int(rate)), rate=0.1), "`<lambda>` cannot be traced"),
    (lambda: ho.run_from(noisy, speed=0.1), "`noisy` has no hyperparameter 'speed'"),
    (lambda: ho.run_from(noisy), "`noisy` needs a value for 'rate'; give one"),
    (lambda: ho.run_from(3), "`function` must be a function that returns losses, got 3"),
    (
        lambda: ho.ask(ho.Trainability(max_steps=30), ho.run_from(lost, rate=0.1), None),
        "`lost` must have a finite first loss, got nan at rate=0.1",
    ),
    (
        lambda: ho.ask(ho.Trainability(max_steps=31), ho.run_from(lost, rate=0.1), None),
        "`max_steps` must be at most 30, the losses that",
    ),
    (
        lambda: ho.network_run(3, DATA, ho.Adam(0.1)),
        r"`model` must have init\(key\) and apply\(parameters, inputs\), got a int",
    ),
    (lambda: ho.network_run(LINE, (INPUTS, TARGETS[:5]), ho.Adam(0.1)), r"`data` must be .* got lengths \[12, 5\]"),
    (lambda: ho.network_run(LINE, (INPUTS[:, :2], TARGETS), ho.Adam(0.1)), "`model` does not fit `data` or `loss`"),
    (lambda: ho.network_run(LINE, DATA, ho.Adam(0.1), loss=lambda a, b: a - b), "`loss` must give one number"),
    (lambda: ho.network_run(LINE, DATA, ho.Adam(0.1), batch=0), "`batch` must be at least 1, got 0"),
    (
        lambda: ho.network_run(LINE, DATA, ho.by_part(slope=ho.Adam(0.1))),
        "needs parameters in a dictionary with the parts slope, got",
    ),
    (lambda: ho.network_run(LINE, DATA, 0.1), "`optimizer` must be an optimizer of hillopt, got 0.1"),
    (lambda: ho.from_flax(lambda rngs: nnx.Dropout(0.5, rngs=rngs)), "`make` must make a module of parameters alone"),
    (lambda: ho.from_flax(lambda rngs: 3), "`make` must make a module of flax.nnx, got a int"),
    (lambda: ho.by_part(), "`by_part` needs a part at least"),
    (lambda: ho.by_part(a=3), "`a` must be an optimizer of hillopt, got 3"),
    (
        lambda: ho.ask(ho.Loss(10), ho.RoughBowl(0.1), ho.by_part(a=ho.Adam(0.1))),
        "steps parameters in parts named a, and not a position",
    ),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED, ids=[sentence[:40] for _, sentence in REFUSED])
def test_what_does_not_go_together_is_refused_in_a_sentence(make, sentence, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=sentence):
        make()
