"""Hills, optimizers and questions by the names that a command takes: the library's, optax's, or module:name of a user's own.

What a user names is a class, an instance, or a function that makes one, of a module that can be imported from the working
directory or is installed.
"""

import difflib
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import hillopt as ho
from launch.fields import flag

OWN = {"module:name of your own": r"[\w.]+:[\w.]+"}
SCHEDULED = {"SCHEDULE.NAME": rf"({'|'.join(ho.SCHEDULES)})\.\S+"}
BROUGHT = "own"  # of a training run, which brings one
OPTAX = {"optax.NAME": r"optax\.\S*"}
NETWORKS = {f"network.{name}": run for name, run in ho.NETWORKS.items()}
GROUNDS: dict[str, Any] = {**ho.HILLS, **ho.LANDSCAPES, **NETWORKS}
HEIGHT, RATE = {"height": 1.0}, {"learning_rate": 0.1}  # where none is given and none is the default


def hill_flag(default: str, about: str = "The landscape.") -> Any:
    """The setting --hill."""
    return flag(default, about, choices=sorted(GROUNDS), forms=OWN)


def optimizer_flag(default: str, about: str = "The optimizer.") -> Any:
    """The setting --optimizer."""
    return flag(default, about, choices=[*sorted(ho.OPTIMIZERS), BROUGHT], forms={**OPTAX, **SCHEDULED, **OWN})


def question_flag(default: str, about: str = "What is asked of every setting.") -> Any:
    """The setting --question."""
    return flag(default, about, choices=sorted(ho.QUESTIONS), forms=OWN)


def hill_numbers_flag() -> Any:
    """The setting --hill_numbers."""
    about = "Its numbers that are not swept, as name=value,name=value; a height is 1 by default."
    return flag({}, about, example="height=0.5")


def question_numbers_flag() -> Any:
    """The setting --question_numbers."""
    return flag({}, "Numbers of the question that are no flags, as name=value,name=value.", example="threshold=0.5")


def fixed_flag() -> Any:
    """The setting --fixed."""
    return flag({}, "Hyperparameters kept at one value, as name=value,name=value.")


def hill(text: str, numbers: Mapping[str, float], stand_ins: Mapping[str, float] | None = None) -> Any:
    """A landscape or a training run with these numbers; what it needs besides it has of the stand-ins, a height of 1.

    ValueError with the near miss for a name or a number that there is none of, and for what is no landscape.
    """
    thing = GROUNDS.get(text) or own(text, "--hill")
    return made(
        thing, (ho.AbstractLandscape, ho.AbstractRun), numbers, {**HEIGHT, **(stand_ins or {})}, f"--hill={text}"
    )


def optimizer(text: str, numbers: Mapping[str, float], stand_ins: Mapping[str, float] | None = None) -> Any:
    """An optimizer with these numbers, one of optax's with those of the stand-ins too; a learning rate is 0.1 by default.

    ValueError as for `hill`. A user's own may be a function that makes a transformation of optax.
    """
    if text.startswith("optax."):
        return ho.optimizer_named(text, **{**(stand_ins or {}), **numbers})
    if text in ho.OPTIMIZERS or text.partition(".")[0] in ho.SCHEDULES:
        return ho.optimizer_named(text, **numbers)
    thing = own(text, "--optimizer")
    return made(thing, ho.AbstractOptimizer, numbers, {**RATE, **(stand_ins or {})}, f"--optimizer={text}")


def question(text: str) -> Any:
    """What makes a question, or one: `takes` says which numbers go to it, `made` gives them to it."""
    return ho.QUESTIONS.get(text) or own(text, "--question")


def own(text: str, flag: str) -> Any:
    """What a user's module has by that name; ValueError for a module that cannot be imported, and for a name that it has not."""
    module_name, _, name = text.partition(":")
    try:
        thing = importlib.import_module(module_name)
    except Exception as error:  # whatever a user's module may raise
        told = " ".join(str(error).split())
        raise ValueError(
            f"`{flag}={text}`: {module_name} cannot be imported ({type(error).__name__}: {told}); mend it, or run the command "
            "where it is."
        ) from error
    for part in name.split("."):
        if not hasattr(thing, part):
            near = difflib.get_close_matches(part, vars(thing), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "write a name that it has."
            raise ValueError(f"`{flag}={text}`: {module_name} has no {part!r}; {hint}")
        thing = getattr(thing, part)
    return thing


def takes(thing: Any) -> set[str]:
    """The names of the numbers that go to an instance, or to what makes one."""
    if isinstance(thing, ho.AbstractPytree):
        return {*thing.hyperparameters(), *thing.fixed()}
    return set(inspect.signature(thing).parameters) if callable(thing) else set()


def made(thing: Any, kind: Any, numbers: Mapping[str, Any], stand_ins: Mapping[str, float], typed: str) -> Any:
    """An object of the kind, or of one of several, with these numbers: an instance, or what its class or a function makes.

    The stand-ins are for numbers that have no finite default. Raises ValueError, with the flag as typed, for what is none.
    """
    if isinstance(thing, kind):
        return thing.replace(**numbers) if numbers else thing
    if not callable(thing) or (isinstance(thing, type) and not issubclass(thing, kind)):
        raise _misfit(thing, kind, typed)
    given = {**{name: stand_ins[name] for name in _wanting(thing) & set(stand_ins)}, **numbers}
    ho.check_names(thing, list(given))
    try:
        result = thing(**given)
    except ValueError:
        raise
    except Exception as error:  # whatever a user's function may raise
        told = " ".join(str(error).split())
        raise ValueError(f"`{typed}` fails ({type(error).__name__}: {told}); mend it.") from error
    if kind is ho.AbstractOptimizer and hasattr(result, "init") and hasattr(result, "update"):
        return ho.from_optax(thing, **given)
    if not isinstance(result, kind):
        raise _misfit(result, kind, typed)
    return result


def _wanting(make: Any) -> set[str]:
    """The numbers that a class or a function has no default for, or an infinite one."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(make).parameters.items()}
    return {name for name, default in defaults.items() if default is inspect.Parameter.empty or default == float("inf")}


def _misfit(thing: object, kind: Any, typed: str) -> ValueError:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    what = " or ".join(each.__name__.removeprefix("Abstract").lower() for each in kinds)
    article = "an" if what[0] in "aeiou" else "a"
    got = f"the class {thing.__name__}" if isinstance(thing, type) else f"a {type(thing).__name__}"
    return ValueError(
        f"`{typed}` must be {article} {what} of hillopt, its class, or a function that makes one, got {got}; give one."
    )
