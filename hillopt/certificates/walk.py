"""Walks of any optimizer on any ground, step by step in intervals, from the optimizers' papers."""

from collections.abc import Callable

from hillopt.certificates.grounds import Ground, Quartic
from hillopt.certificates.intervals import ONE, Interval, Open
from hillopt.certificates.parts import Part

Numbers = dict[str, Interval]
State = dict[str, Interval]
Step = Callable[[Numbers, State, Interval, Interval], Interval]
"""(numbers, state, slope, place) -> the next place; the state is renewed on the way."""

ZERO, UNIT = Interval(0, 0), Interval(ONE, ONE)


def _descent(numbers: Numbers, state: State, slope: Interval, place: Interval) -> Interval:
    return place - numbers["learning_rate"] * slope


def _sign_descent(numbers: Numbers, state: State, slope: Interval, place: Interval) -> Interval:
    return place - numbers["learning_rate"] * _sign(slope)


def _heavy_ball(numbers: Numbers, state: State, slope: Interval, place: Interval) -> Interval:
    state["trace"] = slope + numbers["momentum"] * state["trace"]
    return place - numbers["learning_rate"] * state["trace"]


def _nesterov(numbers: Numbers, state: State, slope: Interval, place: Interval) -> Interval:
    state["trace"] = slope + numbers["momentum"] * state["trace"]
    return place - numbers["learning_rate"] * (slope + numbers["momentum"] * state["trace"])


def _lion(numbers: Numbers, state: State, slope: Interval, place: Interval) -> Interval:
    direction = _sign(_mixed(numbers["b1"], state["trace"], slope))
    state["trace"] = _mixed(numbers["b2"], state["trace"], slope)
    return _decayed(numbers, place) - numbers["learning_rate"] * direction


def _adam(numbers: Numbers, state: State, slope: Interval, place: Interval) -> Interval:
    for moment, power, beta, new in (("first", "power_1", "b1", slope), ("second", "power_2", "b2", _square(slope))):
        state[moment] = _mixed(numbers[beta], state[moment], new)
        state[power] = state.get(power, UNIT) * numbers[beta]
    first = state["first"] / (1 - state["power_1"])
    second = state["second"] / (1 - state["power_2"])
    return _decayed(numbers, place) - numbers["learning_rate"] * (first / (second.root() + numbers["eps"]))


def _adagrad(numbers: Numbers, state: State, slope: Interval, place: Interval) -> Interval:
    state["square"] = state.get("square", numbers["initial_accumulator_value"]) + _square(slope)
    return place - numbers["learning_rate"] * (slope / (state["square"] + numbers["eps"]).root())


def _rmsprop(numbers: Numbers, state: State, slope: Interval, place: Interval) -> Interval:
    state["square"] = _mixed(numbers["decay"], state.get("square", numbers["initial_scale"]), _square(slope))
    return place - numbers["learning_rate"] * (slope / (state["square"] + numbers["eps"]).root())


STEPS: dict[str, Step] = {
    "GradientDescent": _descent,
    "SignDescent": _sign_descent,
    "HeavyBall": _heavy_ball,
    "Nesterov": _nesterov,
    "Lion": _lion,
    "Adam": _adam,
    "AdamW": _adam,
    "Adagrad": _adagrad,
    "RMSprop": _rmsprop,
}


def _mixed(share: Interval, old: Interval, new: Interval) -> Interval:
    """share old + (1 - share) new, in which the share stands once."""
    return new + share * (old - new)


def _square(number: Interval) -> Interval:
    """It is not negative."""
    product = number * number
    return Interval(max(product.low, 0), product.high)


def _decayed(numbers: Numbers, place: Interval) -> Interval:
    if "weight_decay" not in numbers:
        return place
    return place * (1 - numbers["learning_rate"] * numbers["weight_decay"])


def _sign(number: Interval) -> Interval:
    """Open where it may be more than one."""
    if number.low > 0:
        return UNIT
    if number.high < 0:
        return -UNIT
    if number.low == number.high:
        return ZERO
    raise Open("a sign may be both")


class Walk:
    """A walk from the hill's start on. Raises ValueError where its numbers leave a slope or a sign open."""

    def __init__(self, ground: Ground, optimizer: Part) -> None:
        self._ground, self._take = ground, STEPS[optimizer.kind]
        self._numbers = {name: number.interval for name, number in optimizer.numbers.items()}
        self._state: State = {"trace": ZERO, "first": ZERO, "second": ZERO}
        self.step, self.place = 0, ground.start

    def advance(self) -> None:
        """One step."""
        try:
            self.place = self._after()
            if self.place.high - self.place.low > ONE:
                raise Open("it may be anywhere")
        except Open as error:
            raise ValueError(
                f"`optimizer` and `hill` must decide where the walk goes, and at step {self.step} {error}; narrow their numbers."
            ) from error
        self.step += 1

    def _after(self) -> Interval:
        if self._take is _descent and isinstance(self._ground, Quartic):
            return self._ground.descended(self.place, self._numbers["learning_rate"])
        return self._take(self._numbers, self._state, self._ground.slope(self.place), self.place)

    @property
    def rise(self) -> Interval:
        """Above the valley."""
        return self.place - self._ground.valley
