"""What launch.sweep asks of the library: flags as objects, and the library's sentences as flags."""

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import hillopt as ho
from launch import named

if TYPE_CHECKING:
    from launch.sweep import Settings


AUTO, ONCE = "auto", "once"


def as_typed(sentence: str, settings: "Settings") -> str:
    """A sentence of the library with the flags that its words come from, as they were typed."""
    steps = "--max_steps=auto --most_steps" if settings.max_steps == AUTO else "--max_steps"
    words = {"budget": "--max_steps=auto", "max_steps": steps, **({} if settings.store else {"path": "--out"})}
    for word, flag in words.items():
        sentence = sentence.replace(f"`{word}`", f"`{flag}`")
    typed = {text.partition(":")[0]: f"`--axis={text}`" for text in settings.axis}
    kept = {name: f"`--fixed={name}={value:g}`" for name, value in settings.fixed.items()}
    kept |= {name: f"`--hill_numbers={name}={value:g}`" for name, value in settings.hill_numbers.items()}
    for name, flag in {**kept, **typed}.items():
        sentence = sentence.replace(f"`axes[{name!r}]`", flag).replace(f"`{name}`", flag)
        owned = rf"`\w+\({name.removeprefix('noise_')}=\.\.\.\)`"  # the noise's own name for its scale
        sentence = re.sub(owned, flag.replace("\\", "\\\\"), sentence)
    climbs = {type(those[0]).__name__: name for name, those in ho.CLIMBS.items() if len(those) == 1}
    for kind, name in climbs.items():
        sentence = re.sub(rf"climb={kind}\([^)]*\)", f"climb={name}", sentence)
        sentence = re.sub(rf"ho\.{kind}\([^)]*\)", f"--climb={name}", sentence)
    return sentence.replace("ask `escaping_heights`", "ask --question=escape")


def question_of(settings: "Settings") -> ho.AbstractQuestion:
    """What is asked; ValueError for a flag that it has no use for, and for noise that is wanting."""
    thing = named.question(settings.question)
    takes = named.takes(thing)
    given = {"climb": settings.climb, "noise": settings.noise, "heights": settings.heights}
    given["precision"] = AUTO if settings.precision == AUTO else None
    for name, value in given.items():
        if value is not None and name not in takes:
            raise ValueError(f"`--{name}` is not for --question={settings.question}; leave it out.")
    max_steps = settings.most_steps if settings.max_steps == AUTO else settings.max_steps
    numbers: dict[str, Any] = {"max_steps": max_steps, **whole(thing, settings.question_numbers)}
    if settings.climb is not None:
        numbers["climb"] = ho.CLIMBS[settings.climb]
    if "precision" in takes and settings.precision != ONCE and (settings.precision or attempts_proofs(settings)):
        numbers["precision"] = AUTO
    if settings.heights is not None:
        numbers["heights"] = axis_of(settings.heights, f"--heights={settings.heights}").values
    if "noise" in takes:
        numbers |= {"noise": noise_of(settings), "num_walks": settings.num_walks}
    return named.made(thing, ho.AbstractQuestion, numbers, {}, f"--question={settings.question}")


def whole(thing: Any, numbers: dict[str, float]) -> dict[str, float]:
    """The numbers of a question, those that count something as integers."""
    counting = (
        {each.name for each in dataclasses.fields(thing) if type(each.default) is int}
        if isinstance(thing, type)
        else set()
    )
    return {
        name: int(number) if name in counting and number.is_integer() else number for name, number in numbers.items()
    }


def attempts_proofs(settings: "Settings") -> bool:
    """Whether the climb does, so that there is something to be asked again."""
    return settings.climb is None or any(climb.proves for climb in ho.CLIMBS[settings.climb])


def noise_of(settings: "Settings") -> ho.GaussianNoise:
    """The noise; where it is an axis, any number stands for it. ValueError where there is none."""
    is_swept = any(text.startswith("noise_scale:") for text in settings.axis)
    if settings.noise is None and not is_swept:
        raise ValueError(
            f"`--noise` must be given for --question={settings.question}; give its deviation, or sweep noise_scale."
        )
    return ho.GaussianNoise(1.0 if settings.noise is None else settings.noise)


def hill_of(settings: "Settings") -> Any:
    """The landscape or training run; ValueError with the near miss for a name or a number that there is none of.

    Where a number has no default, as those of a user's own may, and is none of those given, an axis' first value stands in.
    """
    return named.hill(settings.hill, settings.hill_numbers, first_values(settings))


def world_of(settings: "Settings") -> tuple[Any, ho.AbstractOptimizer | None]:
    """The landscape and the optimizer, or a training run alone, which may bring its own; ValueError for what does not fit."""
    ground, given = hill_of(settings), settings.optimizer
    is_run = isinstance(ground, ho.AbstractRun)
    if is_run and question_of(settings).asked_of is not ho.AbstractRun:
        raise ValueError(
            f"`--question={settings.question}` is not asked of training runs such as --hill={settings.hill}; ask "
            "--question=trainability."
        )
    if not (is_run or isinstance(ground, ho.AbstractHill)) and question_of(settings).asked_of is ho.AbstractHill:
        raise ValueError(
            f"`--question={settings.question}` is asked of hills, and --hill={settings.hill} is none; ask --question=loss."
        )
    if given != named.BROUGHT and not is_run:
        return ground, optimizer_of(settings)
    if given == named.BROUGHT and is_run:
        return ground.replace(**settings.fixed), None
    if isinstance(ground, ho.NetworkRun):
        return dataclasses.replace(ground, optimizer=optimizer_of(settings)), None
    if is_run:
        raise ValueError(
            f"`--optimizer={given}` is not for --hill={settings.hill}, a run with its own; give --optimizer=own."
        )
    raise ValueError(f"`--optimizer=own` is for training runs, and --hill={settings.hill} is none; name an optimizer.")


def optimizer_of(settings: "Settings") -> ho.AbstractOptimizer:
    """The optimizer; ValueError with the near miss for a name that none has.

    One of optax's has the numbers that it is given, of which some, a momentum, have no default: those of the axes stand in.
    """
    others = {*hill_of(settings).hyperparameters(), *question_of(settings).hyperparameters()}
    stand_ins = {name: value for name, value in first_values(settings).items() if name not in others}
    return named.optimizer(settings.optimizer, settings.fixed, stand_ins)


def first_values(settings: "Settings") -> dict[str, float]:
    """Of every axis."""
    return {name: axis.values[0] for name, axis in axes_of(settings).items()}


def axes_of(settings: "Settings") -> dict[str, ho.Axis]:
    """The axes by name, in the given order."""
    axes: dict[str, ho.Axis] = {}
    for text in settings.axis:
        name, _, rest = text.partition(":")
        if not name or not rest:
            raise ValueError(f"`--axis={text}` is no axis; write NAME:SCALE:LOW:HIGH:POINTS or NAME:list:VALUES.")
        if name in axes:
            raise ValueError(f"`--axis` names {name!r} twice; sweep each hyperparameter once.")
        axes[name] = axis_of(rest, f"--axis={text}")
    if settings.heights is not None and "height" in axes:
        raise ValueError("`--axis=height` and `--heights` both give heights; choose one.")
    if settings.question == "critical_height" and "height" in axes:
        raise ValueError(
            "`--axis=height` is not walked for critical heights, which answer for all heights at once; give --heights, or ask "
            "--question=escape."
        )
    for name in set(axes) & set(settings.fixed):
        raise ValueError(f"`--fixed` names {name!r}, which is an axis; remove one of them.")
    return axes


def axis_of(text: str, flag: str) -> ho.Axis:
    """An axis from SCALE:LOW:HIGH:POINTS or list:VALUE,VALUE,...; ValueError naming the flag."""
    scale, *rest = text.split(":")
    makers = {"linear": ho.Axis.linear, "log": ho.Axis.log, "log_complement": ho.Axis.log_complement}
    try:
        if scale == "list" and len(rest) == 1:
            return ho.Axis.of([number_of(value) for value in rest[0].split(",") if value.strip()])
        if scale in makers and len(rest) == 3:
            return makers[scale](number_of(rest[0]), number_of(rest[1]), int(number_of(rest[2], int)))
    except ValueError as error:
        raise ValueError(f"`{flag}`: {error}") from error
    raise ValueError(
        f"`{flag}` is no axis; write SCALE:LOW:HIGH:POINTS with SCALE linear, log or log_complement, or list:VALUES."
    )


def number_of(text: str, kind: type[int] | type[float] = float) -> float:
    """A number, or a whole one; ValueError for what is none."""
    try:
        return kind(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no {'whole ' if kind is int else ''}number; write one.") from error


def shard_of(settings: "Settings") -> tuple[int, int] | None:
    """I/N as two integers."""
    if settings.shard is None:
        return None
    first, _, second = settings.shard.partition("/")
    try:
        return int(first), int(second)
    except ValueError as error:
        raise ValueError(f"`--shard` takes I/N, such as 0/3, got {settings.shard!r}.") from error
