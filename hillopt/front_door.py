"""What every public function asks of its arguments, once, with one sentence for each refusal."""

import operator
import os
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hillopt.landscapes import AbstractHill, AbstractLandscape
from hillopt.names import near_miss
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import AbstractPytree, Domain, as_numbers, is_traced

MOST_STEPS = 2**31 - 1  # what a step's number, an int32, can hold


def check_is(value: object, kind: type, name: str, example: str) -> Any:
    """The value, if it is an instance of `kind`; else ValueError, which says what to write, such as `example`."""
    if isinstance(value, kind):
        return value
    what = kind.__name__.removeprefix("Abstract").lower()
    if isinstance(value, type) and issubclass(value, kind):
        raise ValueError(f"`{name}` must be an instance, got the class {value.__name__}; write {value.__name__}(...).")
    got = f"the class {value.__name__}" if isinstance(value, type) else f"{_short(value)}"
    article = "an" if what[0] in "aeiou" else "a"
    raise ValueError(f"`{name}` must be {article} {what} of hillopt, got {got}; write for example {example}.")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"a {type(value).__name__}"


def check_hill(hill: object, kind: type = AbstractHill) -> Any:
    """The hill, or any landscape where that is the kind; ValueError for what is none, naming `hill_from` for a function."""
    if callable(hill) and not isinstance(hill, (type, AbstractLandscape)):
        name = getattr(hill, "__name__", "function")
        raise ValueError(
            f"`hill` must be a hill of hillopt, got the function {name}; write ho.hill_from({name}, height)."
        )
    found = check_is(hill, kind, "hill", "ho.TentHill(height=0.5)")
    found.check()
    listed = isinstance(found, AbstractHill) and isinstance(found.height, (list, tuple))
    return found.at(as_numbers(found.height, "height")) if listed else found


def check_optimizer(optimizer: object) -> AbstractOptimizer:
    """The optimizer, its hyperparameters in their ranges; ValueError for what is none, naming `from_optax` for optax's."""
    if hasattr(optimizer, "init") and hasattr(optimizer, "update"):
        raise ValueError(
            "`optimizer` must be an optimizer of hillopt, got a transformation of optax, whose numbers are sealed in; write for "
            "example ho.from_optax(optax.adam, learning_rate=0.3)."
        )
    if callable(optimizer) and not isinstance(optimizer, (type, AbstractOptimizer)):
        name = getattr(optimizer, "__name__", "factory")
        raise ValueError(
            f"`optimizer` must be an optimizer of hillopt, got the function {name}; write for example "
            f"ho.from_optax({name}, learning_rate=0.3)."
        )
    found = check_is(optimizer, AbstractOptimizer, "optimizer", "ho.Adam(learning_rate=0.3)")
    found.check()
    return found


def check_hyperparameters(owner: AbstractPytree, names: Iterable[str]) -> None:
    """Raise ValueError, naming the near miss, for a name that none of the owner's numbers has."""
    known = owner.hyperparameters()
    for name in names:
        if name not in known:
            raise ValueError(f"`{owner.label()}` has no hyperparameter {name!r}; {near_miss(name, known)}")


def check_steps(number: object, name: str = "max_steps") -> Any:
    """The number of steps, traced or not; ValueError unless it is an integer from 1 to 2^31 - 1."""
    return check_count(number, name, most=MOST_STEPS, remedy="give the walk at least one step")


def check_count(number: object, name: str, most: int | None = None, remedy: str = "give a positive number") -> Any:
    """A number of things, traced or not; ValueError unless it is an integer of at least 1."""
    if isinstance(number, jax.core.Tracer):
        return number
    try:
        if isinstance(number, (bool, np.bool_)):
            raise TypeError
        count = operator.index(number)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"`{name}` must be an integer, got {_short(number)}; {remedy}.") from error
    if most is not None and not 1 <= count <= most:
        raise ValueError(f"`{name}` must lie between 1 and {most}, got {count}; {remedy}.")
    if count < 1:
        raise ValueError(f"`{name}` must be at least 1, got {count}; {remedy}.")
    return count


def check_number(number: object, name: str, domain: Domain, remedy: str) -> float:
    """One number inside a range, as a float; ValueError for anything else."""
    values = as_numbers(number, name)
    if values.ndim or not (domain.low < values < domain.high):
        got = f"the shape {values.shape}" if values.ndim else f"{values:g}"
        raise ValueError(f"`{name}` must be one number in {domain}, got {got}; {remedy}.")
    return float(values)


def check_known(value: object, name: str, why: str) -> None:
    """Raise ValueError for what is being traced, where it must be known."""
    if is_traced(value):
        raise ValueError(f"`{name}` must be known when it is traced, {why}; give it as NumPy's or Python's.")


def memory_of_machine() -> int:
    """In bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_memory(num_bytes: float, name: str, remedy: str) -> None:
    """Raise ValueError for what this machine's memory does not hold."""
    available = memory_of_machine()
    if num_bytes > available:
        raise ValueError(
            f"`{name}` makes an answer of {num_bytes / 2**30:.3g} GiB, and this machine's memory has {available / 2**30:.3g}; "
            f"{remedy}."
        )


def check_key(key: object) -> jax.Array:
    """A key, or an array of them; ValueError for a seed or an old key of numbers."""
    if isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key
    raise ValueError(f"`key` must be a key of JAX's, got {_short(key)}; write jax.random.key(0).")


def check_dtype(dtype: str | None) -> np.dtype:
    """The walk's dtype; ValueError for one that is not a float, or float64 while JAX has it switched off."""
    try:
        wanted = np.dtype(dtype) if dtype is not None else np.dtype(jnp.result_type(float))
    except TypeError as error:
        raise ValueError(f"`dtype` must be float32 or float64, got {dtype!r}.") from error
    if wanted not in (np.float32, np.float64):
        raise ValueError(f"`dtype` must be float32 or float64, got {wanted}.")
    if wanted == np.float64 and not jax.config.read("jax_enable_x64"):
        raise ValueError(
            "`dtype` float64 is switched off in JAX; call jax.config.update('jax_enable_x64', True) first, or take float32."
        )
    return wanted
