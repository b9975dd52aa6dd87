"""The walks once more, from the papers' formulas, in 60-digit decimal arithmetic and plain Python loops.

Nothing here is shared with the package: no JAX, no lattice, no closed ramp.
"""

import decimal
from collections.abc import Callable, Iterator
from decimal import Decimal

decimal.getcontext().prec = 60
ONE = Decimal(1)


def _slope(x: Decimal) -> int:
    return -1 if x <= 1 else 1


def gradient_descent(learning_rate: Decimal) -> Iterator[Decimal]:
    x = Decimal(0)
    while True:
        x -= learning_rate * _slope(x)
        yield x


sign_descent = gradient_descent  # the slope is its own sign


def heavy_ball(learning_rate: Decimal, momentum: Decimal) -> Iterator[Decimal]:
    x = trace = Decimal(0)
    while True:
        trace = _slope(x) + momentum * trace
        x -= learning_rate * trace
        yield x


def nesterov(learning_rate: Decimal, momentum: Decimal) -> Iterator[Decimal]:
    x = trace = Decimal(0)
    while True:
        g = _slope(x)
        trace = g + momentum * trace
        x -= learning_rate * (g + momentum * trace)
        yield x


def lion(learning_rate: Decimal, b1: Decimal, b2: Decimal, weight_decay: Decimal = Decimal(0)) -> Iterator[Decimal]:
    x = m = Decimal(0)
    while True:
        g = _slope(x)
        drive = b1 * m + (1 - b1) * g
        m = b2 * m + (1 - b2) * g
        x -= learning_rate * ((drive > 0) - (drive < 0) + weight_decay * x)
        yield x


def adagrad(learning_rate: Decimal, initial_accumulator_value: Decimal, eps: Decimal) -> Iterator[Decimal]:
    x, total = Decimal(0), initial_accumulator_value
    while True:
        g = _slope(x)
        total += g * g
        x -= learning_rate * g / (total + eps).sqrt()
        yield x


def rmsprop(learning_rate: Decimal, decay: Decimal, eps: Decimal, initial_scale: Decimal) -> Iterator[Decimal]:
    x, v = Decimal(0), initial_scale
    while True:
        g = _slope(x)
        v = decay * v + (1 - decay) * g * g
        x -= learning_rate * g / (v + eps).sqrt()
        yield x


def adam(
    learning_rate: Decimal, b1: Decimal, b2: Decimal, eps: Decimal, weight_decay: Decimal = Decimal(0)
) -> Iterator[Decimal]:
    x = m = v = Decimal(0)
    p1 = p2 = ONE
    while True:
        g = _slope(x)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        p1, p2 = p1 * b1, p2 * b2
        x -= learning_rate * (m / (1 - p1) / ((v / (1 - p2)).sqrt() + eps) + weight_decay * x)
        yield x


def adam_on_unit_slopes(learning_rate: Decimal, b1: Decimal, b2: Decimal, eps: Decimal) -> Iterator[Decimal]:
    """Adam where every squared slope is 1, so that the corrected second moment is exactly 1; three times as fast."""
    del b2
    x = m = Decimal(0)
    p1, rate = ONE, learning_rate / (1 + eps)
    while True:
        m = b1 * m + (1 - b1) * _slope(x)
        p1 *= b1
        x -= rate * m / (1 - p1)
        yield x


def climb(walk: Iterator[Decimal], num_steps: int) -> tuple[Decimal, int]:
    """Highest rise of the first num_steps steps, and the step that met it."""
    best, when = Decimal(-1), 0
    for step in range(1, num_steps + 1):
        rise = next(walk) - 1
        if rise > best:
            best, when = rise, step
    return best, when


def first_passage(walk: Iterator[Decimal], height: Decimal, num_steps: int) -> int:
    """First step at or beyond the crest; 0 if there is none."""
    for step in range(1, num_steps + 1):
        if next(walk) >= 1 + height:
            return step
    return 0


WALKS: dict[str, Callable[..., Iterator[Decimal]]] = {
    "gradient_descent": gradient_descent,
    "sign_descent": sign_descent,
    "heavy_ball": heavy_ball,
    "nesterov": nesterov,
    "lion": lion,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
}
