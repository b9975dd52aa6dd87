"""What the last digits of float32 numbers do to a lattice walk, against 120-digit walks at both ends of every last digit."""

import exactly
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exactly import corners, exact

import hillopt as ho
from hillopt.climbs.windows import set_out
from hillopt.lanes import as_lanes
from hillopt.proofs import Ball, advance, advance_with_tangent, typed

ULP = 2.0**-24  # of numbers from 1/2 to 1
# Decays as near to 1 as is served, and such whose walk is a few steps long; a decay of 0 has no last digit.
DECAYS = np.float32([0.0, 0.3, 0.9, 0.99, 0.999, 1 - 600 * ULP, 1 - 40 * ULP])
RATES = np.float32([0.3, 0.07, 0.11, 0.013, 1.3, 0.53, 0.9])
NUMBERS = {
    "adam": {"learning_rate": RATES, "b1": DECAYS, "eps": RATES / 10},
    "heavy_ball": {"learning_rate": RATES, "momentum": DECAYS},
    "nesterov": {"learning_rate": RATES, "momentum": DECAYS},
    "lion": {"learning_rate": RATES, "b1": RATES / 2, "b2": DECAYS},
}


def walked(name, num_steps):
    """From the foot on, if that is certain: rises, memories and drives with bounds of their errors, step by step."""
    optimizer = as_lanes(ho.OPTIMIZERS[name](**NUMBERS[name]), (len(RATES),), np.float32)

    @jax.jit
    def walk(optimizer):
        task, progress = set_out(optimizer, None, jnp.asarray(100_000))

        def take_step(place, _):
            state, tangent = place
            origin = task.foot.origin, task.slope_of_origin
            after, slope = advance_with_tangent(task.digit, task.lattice, origin, state, tangent)
            following, drive = advance(task.lattice, task.foot.origin, state)
            off = task.errors.rise + task.digit.of_rise(state.rise, tangent.rise)
            off_drive = task.errors.drive + task.digit.of_drive(slope)
            off_memory = task.errors.memory + task.digit.of_memory(tangent.memory)
            found = (state.rise, off), (state.memory, off_memory), (drive, off_drive)
            return (following, after), found

        sure = progress.clearance > 0
        return sure, task.foot.step, jax.lax.scan(take_step, (progress.state, progress.tangent), length=num_steps)[1]

    return jax.tree.map(np.asarray, walk(optimizer))


def exact_walk(name, corner, first):
    """(rise, memory, drive) from a step on; the drive is the one decided there."""
    steps = exactly.WALKS[name](**corner)
    for _ in range(first - 1):
        next(steps)
    before = next(steps)
    for after in steps:
        yield before[0] - 1, before[1], after[2]
        before = after


# Least shares of the bounds that are used: one that was several times as wide as need be would not pass.
@pytest.mark.parametrize(("name", "used"), [("adam", 0.5), ("heavy_ball", 0.5), ("nesterov", 0.5), ("lion", 0.3)])
def test_walks_of_all_numbers_that_round_to_the_given_stay_within_the_bounds(name, used):
    num_steps = 250
    sure, first, found = walked(name, num_steps)
    shares, compared = [], np.zeros(len(RATES), int)
    for lane in np.flatnonzero(sure):
        for corner in corners({key: values[lane] for key, values in NUMBERS[name].items()}):
            for step, truth in zip(range(num_steps), exact_walk(name, corner, int(first[lane])), strict=False):
                numbers = [(exact(middle[step, lane]), off[step, lane]) for middle, off in found]
                decided = numbers if name == "lion" else numbers[:1]
                for (middle, off), real in zip(numbers if name == "lion" else numbers[:2], truth, strict=False):
                    if np.isfinite(off):
                        shares.append(float(abs(middle - real) / exact(off)))
                if any(not abs(middle) > off for middle, off in (decided[0], decided[-1])):
                    break  # told: decisions from here on may differ
                compared[lane] += 1
    assert max(shares) <= 1
    assert max(shares) >= used
    assert np.all(compared[:4] > num_steps // 3)


def test_where_a_decay_is_too_near_1_nothing_is_known():
    optimizer = as_lanes(ho.Adam(np.float32([0.1]), b1=np.float32(1 - 2 * ULP)), (1,), np.float32)
    task, progress = set_out(optimizer, None, jnp.asarray(1_000))
    assert task.digit.rise == np.inf
    assert not progress.clearance > 0


def test_a_typed_number_is_known_to_half_a_unit_in_its_last_place():
    values = np.float32([1e-3, 0.3, 0.5, 0.75, 1 - ULP, 1.0, 1.5, 3.0, -0.3, 1e20])
    ball = typed(jnp.asarray(values))
    below, above = (np.nextafter(values, np.float32(end)).astype(float) for end in (-np.inf, np.inf))
    half = np.maximum(above - values, values - below) / 2
    assert np.all((np.asarray(ball.radius) >= half) & (np.asarray(ball.radius) <= 2 * half))
    assert typed(jnp.asarray(np.float32(np.inf))).radius == typed(jnp.zeros((), np.float32)).radius == 0
    np.testing.assert_array_equal(typed(jnp.asarray(0.3)).radius, np.finfo(float).eps * 0.3)
    assert isinstance(ball, Ball)


@pytest.mark.slow
def test_a_float32_climb_is_the_same_where_jax_knows_no_float64():
    optimizer = ho.Adam(RATES, DECAYS)
    wide = ho.critical_height(ho.TentHill(), optimizer, max_steps=300)
    with jax.enable_x64(False):
        narrow = ho.critical_height(ho.TentHill(), optimizer, max_steps=300)
    for name, values in wide.items():
        np.testing.assert_array_equal(getattr(narrow, name), values, err_msg=name)
    assert wide.critical_height.dtype == np.float32
