"""The import hook's type checker: beartype, told what JAX and the typing standard allow."""

from collections.abc import Callable

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintPep673Exception

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int may stand for a float


def checked(function: Callable) -> Callable:
    """The function with its annotations executed.

    A dataclass's own `__init__` is left alone: JAX rebuilds pytrees around balls, shapes and placeholders. So is
    `Self`, which beartype understands only on a whole class.
    """
    if function.__name__ == "__init__":
        return function
    try:
        return _check(function)
    except BeartypeDecorHintPep673Exception:
        return function
