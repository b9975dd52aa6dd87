"""Names that people write: what to call a factory, which hyperparameters it takes, and the near miss of an unknown name."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Sequence


def near_miss(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the closest known one, and all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    return (f"did you mean {close[0]!r}? " if close else "") + f"Known are: {', '.join(names)}."


def name_of(make: Callable) -> str:
    """What to call a factory in a message or in a file; a partial one with what it has fixed."""
    if isinstance(make, functools.partial):
        fixed = [name_of(arg) if callable(arg) else repr(arg) for arg in make.args]
        fixed += [f"{name}={value!r}" for name, value in make.keywords.items()]
        return f"{name_of(make.func)}({', '.join(fixed)})"
    return getattr(make, "__name__", repr(make))


def check_function(function: object, name: str, takes: Sequence[str]) -> None:
    """Raise ValueError, naming the argument, unless it is a function that can be called with so many arguments."""
    call = f"{name}({', '.join(takes)})"
    if isinstance(function, type) or not callable(function):
        raise ValueError(f"`{name}` must be a function, called as {call}, got {function!r}.")
    try:
        inspect.signature(function).bind(*takes)
    except TypeError as error:
        raise ValueError(
            f"`{name}` is called as {call}, and {name_of(function)} does not take that; mend it."
        ) from error
    except ValueError:
        return  # it does not tell


def check_names(make: Callable, names: Sequence[str]) -> None:
    """Raise ValueError, naming the near miss, unless `make` takes these hyperparameters and needs no more."""
    parameters = inspect.signature(make).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return  # the factory names what it does not know
    label = name_of(make)
    for name in names:
        if name not in parameters:
            raise ValueError(f"`{label}` has no hyperparameter {name!r}; {near_miss(name, parameters)}")
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in names:
            raise ValueError(f"`{label}` needs a value for {name!r}; give one.")
