"""Closed bounds of optax's optimizers: those of ours that walk alike, and of some that walk as none of ours does.

The latter are derived for a single number x on the tent, from its start at 0: the valley is at 1, slopes are -1 below and at it,
and the elevation, for those that ask for it, is |x - 1|.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from hillopt.optimizers import AbstractOptimizer, AdamW, OptaxOptimizer
from hillopt.proofs.balls import rounded
from hillopt.proofs.interpreter import at_most, surely_at_most
from hillopt.proofs.own_terms import BySize, InShort, Numbers, in_own_terms, is_known, numbers_of
from hillopt.proofs.reach import guessed_number, overshoot_sum, reach_of


def _by_its_size(keep: Any, rate: Any, floor: Any) -> Any:
    """x <- keep x - rate max(|x|, floor) g, for keep <= 1 and floor <= 1.

    From [-1, 1] it comes to [-keep, keep + rate], and highest from the valley itself; from above the valley to
    -(rate - keep) (keep + rate) or higher, which is not below -1 where that product is at most 1.
    """
    top = keep + rate
    return jnp.where((rate >= 0) & (keep <= 1) & (floor <= 1) & ((rate - keep) * top <= 1), top - 1, jnp.inf)


def _fromage(numbers: Numbers, state: Any) -> Any:
    """The step, on a slope of size one, is as long as the position, or as the least norm."""
    rate = numbers["learning_rate"]
    root = jnp.sqrt(1 + rate * rate)
    return _by_its_size(1 / jnp.maximum(root, 1), rate / root, numbers["min_norm"])


def _polyak(numbers: Numbers, state: Any) -> Any:
    """A step is q times the distance d to the valley, or shorter: most = scaling max_learning_rate. With q <= 2 no step leads
    further away than it began, and over the valley by (q - 1) d at most, where q d <= most."""
    scaling, most = numbers["scaling"], numbers["scaling"] * numbers["max_learning_rate"]
    q = scaling / (scaling * scaling + numbers["eps"])
    known = (scaling > 0) & (numbers["eps"] >= 0) & (most >= 0) & (numbers["f_min"] == 0) & (q <= 2)
    return jnp.where(known, most * jnp.maximum(q - 1, 0) / q, jnp.inf)


def _momo(numbers: Numbers, state: Any) -> Any:
    """Up to the valley all slopes are -1, and so is their mean m; elevations less slopes times positions are 1. The step is
    1 - lower_bound - x at most, and none leads over the valley.

    MoMo-Adam's means all lack the same share, which its step is corrected for.
    """
    known = (numbers["lower_bound"] >= 0) & (numbers["weight_decay"] == 0)
    return jnp.where(known & (numbers.get("eps", 0.0) >= 0) & (numbers.get("b1", 0.0) < 1), 0.0, jnp.inf)


def _adagrad(numbers: Numbers, state: Any) -> Any:
    """As ours."""
    step = numbers["learning_rate"] / jnp.sqrt(state.sum_of_squares + 1 + numbers["eps"])
    return jnp.where(step >= 0, step, jnp.inf)


def _sm3(numbers: Numbers, state: Any) -> Any:
    """As heavy ball's, with slopes divided by the root of their number, a.

    Let no crossing be followed by more than n steps uphill. Whenever it comes, the last of them still adds 1 / sqrt(a + n + 2) to
    the memory, whose size in terms of that is rho: from step to step it becomes b1 rho r + (1 - b1) q at most, where r and q, the
    ratios of such roots, only fall.
    """
    (sums,), b1 = state.mu, numbers["momentum"]
    number = guessed_number(b1, MOST_PULL) + 1
    a = sums.reshape(()) + EPS_OF_SM3
    last = 1 / jnp.sqrt(a + number + 2)
    r, q = jnp.sqrt((a + number + 3) / (a + number + 2)), jnp.sqrt((a + number + 3) / (a + 1))
    rho = jnp.maximum(jnp.abs(state.nu.reshape(())) / last, (1 - b1) * q / (1 - b1 * r))
    way = numbers["learning_rate"] * last * (rho + overshoot_sum(b1, 1 + rho, guessed_number(b1, 2.0)))
    return jnp.where((b1 >= 0) & (b1 * r < 1) & ((1 + rho) * b1**number <= 1) & (way >= 0), way, jnp.inf)


def _by_its_distance(step: Callable[[Any], Any], far: Any) -> Any:
    """Every step from now on is `step(d)` long at most, where d is how far the walk has ever been from its start; now it is `far`
    or 1 at most.

    All rises to come are below a guess if they are as long as they all are. And no step leads further to the other side of the
    start than d, where none is longer than that.
    """
    guess = 2 * step(jnp.maximum(far, 1))
    furthest = jnp.maximum(far, 1 + guess)
    length = step(furthest)
    return jnp.where((length <= guess) & (length <= furthest), length, jnp.inf)


def _dog(numbers: Numbers, state: Any) -> Any:
    """The last step, which may have led further away than the distance that is remembered, was by the sum that is."""

    def step(distance: Any, more: Any) -> Any:
        root = jnp.sqrt(state.sum_sq_norm_grads + more + numbers["eps"])
        return numbers["learning_rate"] * distance / root

    return _by_its_distance(lambda distance: step(distance, 1), state.max_dist + step(state.max_dist, 0))


def _dowg(numbers: Numbers, state: Any) -> Any:
    """As DoG."""
    distance = jnp.sqrt(state.estim_sq_dist)

    def step(distance: Any, more: Any) -> Any:
        root = jnp.sqrt(state.weighted_sq_norm_grads + more) + numbers["eps"]
        return numbers["learning_rate"] * distance * distance / root

    return _by_its_distance(lambda far: step(far, far * far), distance + step(distance, 0))


def _cocob(numbers: Numbers, state: Any) -> Any:
    """All in terms of the learning rate, which is the size of a slope: x = s p / w, where s is how often it has gone up more than
    down, p is 1 and the reward, and w the number of steps and 1. A step up adds 1 to s and x to p, one down takes them away, so
    that x moves by J = (p + s x) / (w + 1).

    Let X = 9/8 bound x, and q <= 1/8 bound (p + s) / w, now and ever after. From at or below the valley no step leads beyond it by
    more than q, so X does; and the lengths J, nearly the same from one step to the next, lead to and fro over the valley: no two
    steps in turn end on one side of it. So |x - 1| is J / 2 on average, but for d = X (9/4 / w + q / 8) at most, which is what J
    changes by. That is all that p - s falls by, while s p grows as w: |p - s| <= y w, if it is now and X q / 2 + d <= y, where
    q = y + 2 sqrt(X / w) is as small as was said.
    """
    rate, most, share = numbers["learning_rate"], 9 / 8, 1 / 8
    s, p, w = state.cumulative_gradients / rate, 1 + state.reward / rate, 1 + state.subgradients / rate
    x, ways = s * p / w, 2 * jnp.sqrt(most / w)
    start = (jnp.abs(p - s) + (1 - x) / 2) / w
    y = jnp.maximum(start, (most * (1 / 2 + share) * ways + most * 9 / 4 / w) / (1 - most * (1 / 2 + share)))
    known = (rate >= numbers["eps"]) & (numbers["weight_decay"] == 0) & (w >= numbers["alpha"]) & (s > 0)
    crosses = (x > 3 / 4) & (x + (p + s * x) / (w + 1) > 1)
    return jnp.where(known & crosses & (y + ways <= share), y + ways, jnp.inf)


MOST_PULL = 4.0
"""Of a memory that was filled by not much longer steps, in terms of a step."""
EPS_OF_SM3 = 1e-8  # which its alias does not take
FORMS: dict[Callable, tuple[Callable[[Numbers, Any], Any], Numbers]] = {
    optax.adagrad: (_adagrad, {}),
    optax.fromage: (_fromage, {}),
    optax.sm3: (_sm3, {}),
    optax.polyak_sgd: (_polyak, {}),
    optax.contrib.cocob: (_cocob, {"mask": None}),
    optax.contrib.dog: (_dog, {"init_step": ("heuristic", 1e-6), "weight_decay": None}),
    optax.contrib.dowg: (_dowg, {"weight_decay": None}),
    optax.contrib.momo: (_momo, {"adapt_lower_bound": False}),
    optax.contrib.momo_adam: (_momo, {"adapt_lower_bound": False}),
}
"""As in `WALK_ALIKE`."""


def has_form(optimizer: AbstractOptimizer) -> bool:
    """Whether it has a bound of its own here, which walks meet, or come as near to as one likes."""
    return is_known(optimizer, FORMS)


def has_reach(optimizer: AbstractOptimizer) -> bool:
    """Whether a closed bound is known of its class, or of one of ours that walks alike."""
    kind = type(jax.eval_shape(in_own_terms, optimizer) or optimizer)
    known = kind is not OptaxOptimizer and reach_of.dispatch(kind) is not reach_of.dispatch(object)
    return known or has_form(optimizer)


@reach_of.register
def _of_size(optimizer: BySize, state: PyTree) -> Any:
    del state
    return surely_at_most(lambda known: _by_its_size(1.0, known.rate, known.least), jax.tree.map(rounded, optimizer))


@reach_of.register
def _in_short(optimizer: InShort, state: PyTree) -> Any:
    return reach_of(optimizer.given, state)


@reach_of.register
def _reach_of_optax(optimizer: OptaxOptimizer, state: PyTree) -> Any:
    """That of one of ours whose numbers are computed with a rounding or two more, which no bound follows by more than 8 eps."""
    if has_form(optimizer):
        return _of_form(optimizer, state)
    own = in_own_terms(optimizer)
    if own is None or isinstance(own, AdamW):
        return jnp.asarray(jnp.inf)
    bound = reach_of(own, state)
    return at_most(lambda bound: bound * 1.0, rounded(bound * (1 + 8 * float(jnp.finfo(bound.dtype).eps))))


def _of_form(optimizer: OptaxOptimizer, state: PyTree) -> Any:
    """A form's value, of the state's part that is remembered; none where it is in doubt which case it is."""

    def value(optimizer: OptaxOptimizer, state: PyTree) -> Any:
        form, _ = FORMS[optimizer.factory]
        parts = [part for part in state if hasattr(part, "_fields") and part]
        bound = form(numbers_of(optimizer), parts[0] if parts else None)
        return jnp.asarray(bound, jnp.result_type(*optimizer.swept.values()))

    return surely_at_most(value, jax.tree.map(rounded, optimizer), state)
