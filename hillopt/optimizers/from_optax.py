"""Any optax optimizer as one of ours: its numeric hyperparameters become leaves."""

import dataclasses
import functools
import inspect
import itertools
import logging
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PyTree

from hillopt.names import check_names, name_of
from hillopt.optimizers.contract import AbstractOptimizer
from hillopt.pytrees import Number, static


class OptaxOptimizer(AbstractOptimizer):
    """An optax factory with its hyperparameters; make it with `from_optax`.

    `asks` names what its update wants besides the slope, `wants_axis` says that a position must be a vector for it, if only
    of one number. `objective` is there while it faces a landscape.
    """

    swept: dict[str, Number]
    factory: Callable[..., optax.GradientTransformation] = static()
    settings: tuple[tuple[str, object], ...] = static()
    asks: tuple[str, ...] = static(default=())
    wants_axis: bool = static(default=False)
    objective: Callable[..., Array] | None = static(default=None)

    def _transformation(self) -> optax.GradientTransformationExtraArgs:
        return optax.with_extra_args_support(self.factory(**self.swept, **dict(self.settings)))

    def facing(self, objective: Callable[..., Array]) -> "OptaxOptimizer":
        return dataclasses.replace(self, objective=objective) if self.asks else self

    def init(self, position: Float[Array, "..."]) -> PyTree:
        return self._transformation().init(self._shaped(position))

    def step(
        self, slope: Float[Array, "..."], state: PyTree, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], PyTree]:
        shape, extra = position.shape, dict[str, object]()
        if self.asks:
            if self.objective is None:
                raise ValueError(f"`{name_of(self.factory)}` asks for the elevation; step with `facing(hill.value)`.")
            ask = lambda place: self.objective(place.reshape(shape))  # noqa: E731
            told = {"grad": self._shaped(slope), "value_fn": ask, "obj_fn": ask}
            extra = {name: told[name] if name in told else ask(self._shaped(position)) for name in self.asks}
        update, state = self._transformation().update(self._shaped(slope), state, self._shaped(position), **extra)
        return position + update.reshape(shape), state

    def init_all(self, parameters: PyTree) -> PyTree:
        return self._transformation().init(parameters)

    def step_all(self, slopes: PyTree, state: PyTree, parameters: PyTree) -> tuple[PyTree, PyTree]:
        """As optax has it, with all arrays at once: a norm, say, is that of all."""
        extra: dict[str, object] = {}
        if self.objective is not None:
            told = {"grad": slopes, "value_fn": self.objective, "obj_fn": self.objective}
            extra = {name: told[name] if name in told else self.objective(parameters) for name in self.asks}
        update, state = self._transformation().update(slopes, state, parameters, **extra)
        return optax.apply_updates(parameters, update), state

    def _shaped(self, numbers: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.reshape(numbers, (-1,)) if self.wants_axis else numbers

    def label(self) -> str:
        """The name by which optax has the factory, which nadam does not know of itself; else its own."""
        public = (name for module in (optax, optax.contrib) for name, it in vars(module).items() if it is self.factory)
        return next(public, name_of(self.factory))

    def hyperparameters(self) -> dict[str, Number]:
        return dict(self.swept)

    def fixed(self) -> dict[str, object]:
        """What was given to be fixed, and the factory's own defaults."""
        parameters = inspect.signature(self.factory).parameters.values()
        defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
        return {name: value for name, value in {**defaults, **dict(self.settings)}.items() if name not in self.swept}

    def replace(self, **hyperparameters: Number) -> "OptaxOptimizer":
        return dataclasses.replace(self, swept={**self.swept, **hyperparameters})

    def check(self) -> None:
        for name, value in self.swept.items():
            if not isinstance(value, jax.core.Tracer) and not np.all(np.isfinite(np.asarray(value, np.float64))):
                raise ValueError(
                    f"`{name_of(self.factory)}({name}=...)` must be finite; remove the infinite or NaN values."
                )


def from_optax(factory: Callable[..., optax.GradientTransformation], **hyperparameters: Number) -> OptaxOptimizer:
    """Wrap an optax factory: `from_optax(optax.radam, learning_rate=rates, b1=0.9)`.

    Floats and arrays of floats become leaves, to sweep and broadcast; whatever else (flags, integers, schedules, other
    transformations) is fixed. What the transformation asks for besides the slope it gets: the elevation, and a position
    with an axis. A factory may be a function of one's own, which chains or wraps what it likes:
    `from_optax(lambda learning_rate, clip: optax.chain(optax.clip(clip), optax.adam(learning_rate)), ...)`.

    Raises ValueError for a name that the factory does not take, and where it cannot be built or stepped with traced numbers:
    it branches in Python on one of them, which then must be fixed in a factory of one's own.

    Examples:
        >>> nadam = ho.from_optax(optax.nadam, learning_rate=jnp.array([0.1, 0.3]))
        >>> print(ho.critical_height(ho.TentHill(), nadam, max_steps=500).critical_height)
        [0.169009   0.12040747]
    """
    if hasattr(factory, "init") and hasattr(factory, "update"):
        raise ValueError(
            "`factory` must be what makes a transformation, got one that is made, whose numbers are sealed in; write for example "
            "ho.from_optax(optax.adam, learning_rate=0.3)."
        )
    if not callable(factory) or (isinstance(factory, type) and issubclass(factory, AbstractOptimizer)):
        raise ValueError(
            f"`factory` must be what makes a transformation of optax, such as optax.adam, got {factory!r}."
        )
    check_names(factory, list(hyperparameters))
    swept = {name: _as_number(value) for name, value in hyperparameters.items() if _is_numeric(name, value)}
    if not swept:
        raise ValueError(
            f"`{name_of(factory)}` needs a float or an array of floats to sweep, such as learning_rate=0.1."
        )
    fixed = tuple((name, value) for name, value in hyperparameters.items() if name not in swept)
    return _that_steps(OptaxOptimizer(swept, factory, fixed))


def _that_steps(plain: OptaxOptimizer) -> OptaxOptimizer:
    """The optimizer with what it needs to be stepped: tried out on shapes, in the order of what is asked for least."""
    failure: Exception | None = None
    for wants_axis, asks in itertools.product(
        (False, True), ((), ("value",), ("value", "grad", "value_fn"), ("obj_fn",))
    ):
        candidate = dataclasses.replace(plain, asks=asks, wants_axis=wants_axis)
        try:
            _tried(candidate)
        except jax.errors.ConcretizationTypeError as error:
            name = name_of(plain.factory)
            raise ValueError(
                f"`{name}` branches in Python on one of {', '.join(plain.swept)}, which cannot be swept; "
                "fix it in a function of your own and pass that."
            ) from error
        except (TypeError, ValueError, AttributeError, IndexError) as error:
            failure = failure or error
            continue
        return candidate
    told = " ".join(str(failure).split())
    raise ValueError(
        f"`{name_of(plain.factory)}` cannot step a position that is one array ({told}); wrap what can in a factory of your own."
    ) from failure


def _tried(candidate: OptaxOptimizer) -> None:
    """Step it on shapes. What a transformation logs meanwhile is for whoever hands it positions of its own kind."""
    logger = logging.getLogger("absl")
    before, logger.disabled = logger.disabled, True
    try:
        jax.eval_shape(functools.partial(_try_step, candidate), dict.fromkeys(candidate.swept, 0.5), 0.5)
    finally:
        logger.disabled = before


def _try_step(candidate: OptaxOptimizer, numbers: dict[str, Array], position: Array) -> PyTree:
    optimizer = dataclasses.replace(candidate, swept=numbers).facing(jnp.square)
    return optimizer.step(position, optimizer.init(position), position)


def _is_numeric(name: str, value: object) -> bool:
    """Whether to sweep a value; a whole number may be a flag or a period, unless it is a learning rate."""
    if isinstance(value, (list, tuple)):
        return len(value) > 0 and all(isinstance(item, (int, float)) for item in value)
    if isinstance(value, int):
        return name == "learning_rate"
    return isinstance(value, (float, np.ndarray, np.floating, jax.Array))


def _as_number(value: Number) -> Number:
    return np.asarray(value, np.float64) if isinstance(value, (int, list, tuple)) else value
