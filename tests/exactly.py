"""Numbers and walks in 120 digits, from the papers' formulas: nothing here is shared with the prover."""

import decimal
import itertools
from decimal import Decimal

import numpy as np

decimal.getcontext().prec = 120
DTYPES = {"float32": np.float32, "float64": np.float64}
NEXT_BELOW_1 = {dtype: float(np.nextafter(dtype(1), dtype(0))) for dtype in DTYPES.values()}


def exact(number):
    return Decimal(float(number))


def ends(number):
    """The least and the greatest real number that rounds to a floating-point number, drawn in by 1e-6 of half a unit."""
    below, above = (
        np.nextafter(number, -np.inf * np.ones_like(number)),
        np.nextafter(number, np.inf * np.ones_like(number)),
    )
    inside = 1 - Decimal("1e-6")
    least = exact(number) - (exact(number) - exact(below)) / 2 * inside
    greatest = exact(number) + (exact(above) - exact(number)) / 2 * inside
    return (least, greatest) if number != 0 else (Decimal(0), Decimal(0))


def corners(numbers):
    """Every choice of ends of several numbers: dictionaries."""
    for choice in itertools.product(*(sorted(set(ends(number))) for number in numbers.values())):
        yield dict(zip(numbers, choice, strict=True))


def slope(x):
    return -1 if x <= 1 else 1


def gradient_descent(learning_rate):
    """After every step: the position, the memory that its lattice knows, and what decided the step's direction."""
    x = Decimal(0)
    while True:
        drive = Decimal(slope(x))
        x -= learning_rate * drive
        yield x, drive, drive


sign_descent = gradient_descent


def heavy_ball(learning_rate, momentum, nesterov=False):
    x = trace = Decimal(0)
    while True:
        g = slope(x)
        trace = g + momentum * trace
        x -= learning_rate * (g + momentum * trace if nesterov else trace)
        yield x, trace * (1 - momentum), Decimal(g)


def nesterov(learning_rate, momentum):
    return heavy_ball(learning_rate, momentum, nesterov=True)


def lion(learning_rate, b1, b2):
    x = m = Decimal(0)
    while True:
        g = slope(x)
        drive = b1 * m + (1 - b1) * g
        m = b2 * m + (1 - b2) * g
        x -= learning_rate * ((drive > 0) - (drive < 0))
        yield x, m, drive


def adam(learning_rate, b1, eps):
    """The corrected second moment is exactly 1."""
    x = m = Decimal(0)
    power, rate = Decimal(1), learning_rate / (1 + eps)
    while True:
        g = slope(x)
        m, power = b1 * m + (1 - b1) * g, power * b1
        x -= rate * m / (1 - power)
        yield x, m, Decimal(g)


WALKS = {
    "gradient_descent": gradient_descent,
    "sign_descent": sign_descent,
    "heavy_ball": heavy_ball,
    "nesterov": nesterov,
    "lion": lion,
    "adam": adam,
}


def swing(decay, first=1):
    """sum_{j >= first} max(0, 2 decay^j - 1), in closed form."""
    if decay**first * 2 <= 1:
        return Decimal(0)
    last = int(Decimal("0.5").ln() / decay.ln())
    last += 2 * decay ** (last + 1) > 1
    number = last - first + 1
    return 2 * decay**first * (1 - decay**number) / (1 - decay) - number


def adagrad(learning_rate, initial_accumulator_value, eps):
    x, total = Decimal(0), initial_accumulator_value
    while True:
        total += 1
        x -= learning_rate * slope(x) / (total + eps).sqrt()
        yield x, None, None


def rmsprop(learning_rate, decay, eps, initial_scale):
    x, v = Decimal(0), initial_scale
    while True:
        v = decay * v + 1 - decay
        x -= learning_rate * slope(x) / (v + eps).sqrt()
        yield x, None, None


def adamw(learning_rate, b1, eps, weight_decay):
    x = m = Decimal(0)
    power = Decimal(1)
    while True:
        m, power = b1 * m + (1 - b1) * slope(x), power * b1
        x -= learning_rate * (m / (1 - power) / (1 + eps) + weight_decay * x)
        yield x, None, None
