"""Rounding: no unflagged answer is wrong, measured against 60-digit walks of random settings."""

from decimal import Decimal

import numpy as np
import oracle
import pytest

import hillopt as ho

HILL = ho.TentHill()


def solve(optimizer, **policy):
    answer = ho.critical_height(HILL, optimizer, **policy)
    return {name: np.asarray(value) for name, value in answer.items()}


def random_settings(rng, number, dtype, **ranges):
    """Log-uniform learning rates, betas log-uniform in 1 - beta, zeros and constants."""
    settings = {}
    for name, (kind, low, high) in ranges.items():
        draw = rng.uniform(size=number)
        if kind == "log":
            settings[name] = (low * (high / low) ** draw).astype(dtype)
        elif kind == "complement":
            settings[name] = (1 - (1 - low) * ((1 - high) / (1 - low)) ** draw).astype(dtype)
        else:
            settings[name] = np.full(number, low).astype(dtype)
    return settings


RATE, ZERO = ("log", 0.01, 2.0), ("constant", 0.0, 0.0)

# (name, ranges, steps)
RANDOM = [
    ("adam", {"learning_rate": RATE, "b1": ("complement", 0.0, 0.999), "b2": ZERO, "eps": ZERO}, 1000),
    ("heavy_ball", {"learning_rate": ("log", 1e-3, 1.0), "momentum": ("complement", 0.0, 0.99)}, 1000),
    ("nesterov", {"learning_rate": ("log", 1e-3, 1.0), "momentum": ("complement", 0.0, 0.99)}, 1000),
    ("lion", {"learning_rate": RATE, "b1": ("complement", 0, 0.99), "b2": ("complement", 0, 0.999)}, 1000),
    ("gradient_descent", {"learning_rate": ("log", 3e-3, 2.0)}, 1000),
    ("sign_descent", {"learning_rate": ("log", 3e-3, 2.0)}, 1000),
    ("adagrad", {"learning_rate": RATE, "initial_accumulator_value": ("constant", 0.1, 0), "eps": ZERO}, 600),
    ("rmsprop", {"learning_rate": RATE, "decay": ("complement", 0, 0.99), "eps": ZERO, "initial_scale": ZERO}, 600),
    (
        "adamw",
        {
            "learning_rate": RATE,
            "b1": ("complement", 0.0, 0.99),
            "b2": ("complement", 0.5, 0.999),
            "eps": ("constant", 1e-3, 0),
            "weight_decay": ("log", 1e-4, 0.3),
        },
        600,
    ),
]


def check_against_60_digits(name, ranges, num_steps, dtype, number, seed):
    """Every unflagged answer encloses the exact one, for the float's own value and for its shortest decimal."""
    settings = random_settings(np.random.default_rng(seed), number, dtype, **ranges)
    factory = ho.OPTIMIZERS[name]
    shown = {key: value for key, value in settings.items() if not (name == "adam" and key == "b2")}
    answer = solve(factory(**shown), max_steps=num_steps)
    walk = oracle.adam_on_unit_slopes if name == "adam" else oracle.WALKS[name]
    assert set(answer["certainty"]) <= {ho.Certainty.FLAGGED, ho.Certainty.CERTIFIED}
    flagged, wrong = answer["certainty"] == ho.Certainty.FLAGGED, 0
    for lane in range(number):
        read = (lambda x: Decimal(str(x))) if lane % 2 else (lambda x: Decimal(float(x)))
        exact, _ = oracle.climb(walk(*(read(values[lane]) for values in settings.values())), num_steps)
        low = Decimal(float(answer["critical_height"][lane])) - Decimal(float(answer["error"][lane]))
        high = Decimal(float(answer["critical_height"][lane])) + Decimal(float(answer["error"][lane]))
        if answer["verdict"][lane] == ho.Verdict.TRAPPED:
            high = max(high, Decimal(float(answer["upper"][lane])))
        wrong += not flagged[lane] and not low <= exact <= high
    return wrong, float(flagged.mean()), answer


# One of each kind: a lattice with memory in both dtypes and Lion's, and what is walked step by step.
FAST = {("adam", np.float64), ("lion", np.float64)}


@pytest.mark.parametrize(
    ("name", "ranges", "num_steps", "dtype"),
    [
        pytest.param(
            *row, dtype, id=f"{row[0]}-{dtype.__name__}", marks=[] if (row[0], dtype) in FAST else pytest.mark.slow
        )
        for row in RANDOM
        for dtype in (np.float32, np.float64)
    ],
)
def test_unflagged_answers_hold_against_60_digits(name, ranges, num_steps, dtype):
    wrong, flagged, answer = check_against_60_digits(name, ranges, num_steps, dtype, 250, seed=7)
    assert wrong == 0
    assert flagged <= 0.02
    if dtype == np.float64:
        assert np.all(answer["error"][answer["certainty"] == ho.Certainty.CERTIFIED] < 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "ranges", "num_steps"), RANDOM, ids=[row[0] for row in RANDOM])
def test_thousands_of_unflagged_answers_hold_against_60_digits(name, ranges, num_steps, dtype):
    wrong, flagged, _ = check_against_60_digits(name, ranges, num_steps, dtype, 2500, seed=8)
    print(f"{name} {np.dtype(dtype)}: {flagged:.2%} flagged")
    assert wrong == 0
    assert flagged <= 0.02
