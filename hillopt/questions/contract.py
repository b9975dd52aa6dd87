"""What a question is, and what an answer: objects, so that asking another one changes nothing but the object."""

import abc
import dataclasses
import enum
import html
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Key

from hillopt.axes import Axis, scale_of
from hillopt.climbs import AbstractClimb
from hillopt.front_door import check_hill, check_is, check_key, check_optimizer
from hillopt.landscapes import AbstractHill, AbstractLandscape
from hillopt.lanes import EACH, common_shape, compiler_options, cut_back, in_size_class
from hillopt.optimizers import AbstractOptimizer, as_arrays, undecayed
from hillopt.pytrees import AbstractPytree, Steps, is_traced, short_repr
from hillopt.questions.again import Cost, asked_again
from hillopt.questions.derivatives import refusing
from hillopt.questions.table import Row, table_of
from hillopt.runs import AbstractRun, WalkRun

if TYPE_CHECKING:
    import pandas
    import xarray

DEFAULT_MAX_STEPS = 10_000
CERTAINTIES = (
    "flagged: a decision of the walk lies within its rounding error; as_typed: answered for the shortest decimal that rounds to "
    "each hyperparameter; unchecked: no proof was attempted"
)


class Look(NamedTuple):
    """How an answer is drawn: which field, what its colours mean, and on what scale they are."""

    field: str
    label: str
    scale: Literal["heights", "verdicts", "training", "share", "log", "signed_log", "linear"] = "linear"
    """"heights" is the picture of critical heights, "verdicts" one colour for each verdict, "training" one for each end of a run,
    "share" from 0 to 1."""
    levels: tuple[float, ...] = ()
    """Values at which contours are drawn."""
    outlined: str | None = None
    """A field of labels, between which lines are drawn."""


def described(
    long_name: str, *, unit: str | None = "1", comment: str = "", dims: tuple[str, ...] = (), **more: Any
) -> Any:
    """A field of an answer: what it means, in which unit, and which dimensions it has before those of the settings."""
    about = {"long_name": long_name, **({"units": unit} if unit else {}), **({"comment": comment} if comment else {})}
    return dataclasses.field(metadata={"about": about, "dims": dims}, **more)


def enumerated(kind: type[enum.IntEnum], long_name: str, *, comment: str = "", **more: Any) -> Any:
    """A field of small integers with names, as the conventions for climate and forecast metadata describe them."""
    field = described(long_name, unit=None, comment=comment, **more)
    flags: dict[str, object] = {"flag_values": np.array([int(each) for each in kind], np.int8)}
    flags |= {"flag_meanings": " ".join(each.name.lower() for each in kind)}
    metadata = {**field.metadata, "kind": kind, "about": {**field.metadata["about"], **flags}}
    return dataclasses.field(default=field.default, metadata=metadata)


class AbstractAnswer(AbstractPytree):
    """One record of arrays: the value, how it ended, some statistics. All fields have the settings' broadcast shape.

    Fields are made with `described` or `enumerated`; those that were not asked for are None.
    """

    def __repr__(self) -> str:
        kinds = {field.name: field.metadata.get("kind") for field in self._fields}
        return (
            f"{type(self).__name__}({', '.join(f'{name}={_told(value, kinds[name])}' for name, value in self.items())})"
        )

    def _repr_html_(self) -> str:
        """A table for notebooks: every field's value, of many settings its range, and what it means."""
        if is_traced(self):
            return f"<pre>{html.escape(repr(self))}</pre>"
        own, about = self.dims(), self.about()
        kinds = {field.name: field.metadata.get("kind") for field in self._fields}
        fields = {name: np.asarray(value) for name, value in self.items()}
        shapes = (values.shape[len(own[name]) :] for name, values in fields.items())
        rows = (Row(name, values, kinds[name], str(about[name]["long_name"])) for name, values in fields.items())
        return table_of(type(self).__name__, next(shapes, ()), rows)

    @classmethod
    def about(cls) -> dict[str, dict[str, object]]:
        """Long name, unit and comment of every field."""
        return {field.name: field.metadata["about"] for field in cls._fields}

    @classmethod
    def dims(cls) -> dict[str, tuple[str, ...]]:
        """The dimensions that a field has before those of the settings."""
        return {field.name: field.metadata["dims"] for field in cls._fields}

    def items(self) -> Iterator[tuple[str, Array]]:
        """The fields that were asked for, by name."""
        return ((field.name, value) for field in self._fields if (value := getattr(self, field.name)) is not None)

    def to_dataset(
        self,
        dims: Sequence[str] | Mapping[str, Axis | ArrayLike | Sequence[float]] = (),
        **coordinates: ArrayLike | Sequence[float],
    ) -> "xarray.Dataset":
        """The answer as a labelled data set, which `ho.plot` draws as it draws a sweep's.

        `dims` names the dimensions of the settings, in order; a mapping gives the values along them too. `coordinates` gives the
        values along a field's own dimensions, such as height. Raises ValueError for too few or too many names.
        """
        import xarray

        def labelled(name: str, value: Array) -> tuple[list[str], np.ndarray, dict[str, object]]:
            values, own = np.asarray(value), self.dims()[name]
            names = list(dims) or [f"setting_{index}" for index in range(values.ndim - len(own))]
            if values.ndim != len(own) + len(names):
                raise ValueError(
                    f"`dims` must name the {values.ndim - len(own)} dimensions of the settings, got {', '.join(names)}."
                )
            return [*own, *names], values, self.about()[name]

        given = {**(dims if isinstance(dims, Mapping) else {}), **coordinates}
        coords = {name: _coordinate(name, values) for name, values in given.items()}
        fields = {name: labelled(name, value) for name, value in self.items()}
        lengths = {
            name: size for dims, values, _ in fields.values() for name, size in zip(dims, values.shape, strict=True)
        }
        for name, (_, values, _) in coords.items():
            if len(values) != lengths.get(name):
                wanted = f"has {lengths[name]} settings" if name in lengths else "is no dimension of the answer"
                raise ValueError(
                    f"`{name}` {wanted}, and {len(values)} values are given; give one for each of {lengths}."
                )
        asked = [kind for kind in _questions(AbstractQuestion) if kind.answer_type is type(self)]
        about = {"title": asked[0].title, "look": json.dumps(asked[0].look._asdict())} if asked else {}
        return xarray.Dataset(fields, coords, about)

    def to_dataframe(
        self,
        dims: Sequence[str] | Mapping[str, Axis | ArrayLike | Sequence[float]] = (),
        **coordinates: ArrayLike | Sequence[float],
    ) -> "pandas.DataFrame":
        """The same as a table with a row for each setting, whose index are the dimensions; as `to_dataset`."""
        return self.to_dataset(dims, **coordinates).to_dataframe()


def _coordinate(name: str, values: Axis | ArrayLike | Sequence[float]) -> tuple[str, np.ndarray, dict[str, str]]:
    axis = values if isinstance(values, Axis) else Axis(Axis.named(name, values).values, scale_of(np.asarray(values)))
    return name, np.asarray(axis.values), {"scale": axis.scale}


def _told(value: object, kind: type[enum.IntEnum] | None) -> str:
    """A field in short; verdicts by their names, of many how many there are of each."""
    if kind is None or isinstance(value, jax.core.Tracer):
        return short_repr(value)
    numbers = np.asarray(value)
    if numbers.ndim == 0:
        return kind(int(numbers)).name
    counts = {each.name: int((numbers == each).sum()) for each in kind}
    return f"{short_repr(value)}({', '.join(f'{count} {name}' for name, count in counts.items() if count)})"


class AbstractQuestion(AbstractPytree):
    """What is asked of a hill and an optimizer: of one setting, or of arrays of them that broadcast.

    To make one takes a name, an answer and a pure function; the manual, `hillopt/README.md`, has twenty lines that do. Its fields
    are its parameters, which may be swept as those of hills and optimizers are, but for what is `static`.
    """

    title: ClassVar[str]
    """Of a data set, such as "Critical heights"."""
    look: ClassVar[Look]
    """How it is drawn."""
    answer_type: ClassVar[type[AbstractAnswer]]
    is_noisy: ClassVar[bool] = False
    """Whether the answer hangs on the key; such questions want one."""
    asked_of: ClassVar[type] = AbstractHill
    """What it can be asked of: hills, any landscape, or training runs, which take the hill's place without an optimizer."""
    ignores_height: ClassVar[bool] = False
    """Whether the hill's own height plays no part."""
    no_derivative: ClassVar[str] = ""
    """Why it cannot be differentiated, and what to do instead, as JAX would give 0 or nothing; empty where it can."""

    if TYPE_CHECKING:

        @property
        def max_steps(self) -> Steps:
            """Every question has its number of steps, a field made by `single`."""

    @abc.abstractmethod
    def answer(self, hill: Any, optimizer: Any, key: Key[Array, "..."] | None) -> "AbstractAnswer":
        """The answer, of the settings' broadcast shape, as a pure function; the optimizer's hyperparameters are arrays."""

    def prepared(self, hill: Any, optimizer: Any) -> "AbstractQuestion":
        """The question as it is asked of such settings: checked, its choices made. Raises ValueError for what cannot be asked."""
        del hill, optimizer
        self.check()
        return self

    @property
    def asks_again(self) -> bool:
        """Whether what is flagged is asked again: a question that can has a field `precision`, None for once, and `exactly`."""
        return False

    def exactly(self, hill: AbstractHill, optimizer: AbstractOptimizer, step_by_step: bool) -> dict[str, Any] | None:
        """The answer's fields for one setting, its numbers as typed, in exact arithmetic, as float64; None where it has none.

        What is not walked on a lattice is walked only if that may be done step by step.
        """
        del hill, optimizer, step_by_step
        return None

    def narrowed(self, fields: dict[str, np.ndarray], dtype: np.dtype) -> dict[str, np.ndarray]:
        """Fields of a float64 answer in the dtype of this one; bounds stay bounds."""
        del dtype
        return fields

    def coordinates(self) -> dict[str, ArrayLike]:
        """Values along the dimensions that fields of the answer have before those of the settings."""
        return {}

    @property
    def block(self) -> int:
        """Lanes that are walked side by side at least: those that the climb wants, where one is chosen."""
        return EACH if self.climb_used is None else self.climb_used.block

    @property
    def settings_at_once(self) -> float:
        """Settings that fit into memory together, at most."""
        return math.inf

    @property
    def climb_used(self) -> AbstractClimb | None:
        """The climb that answers, once the question is prepared; None where none is climbed."""
        return None

    @property
    def compiler_options(self) -> dict[str, bool | int | str]:
        """What a compiler should know of these walks."""
        return compiler_options()


def _questions(kind: type[Any]) -> Iterator[type[AbstractQuestion]]:
    """Every question that can be asked, however far below the contract it stands."""
    for below in kind.__subclasses__():
        if not below.__name__.startswith("Abstract"):
            yield below
        yield from _questions(below)


def asked_of(question: AbstractQuestion, hill: object, optimizer: object) -> tuple[Any, AbstractOptimizer | None]:
    """Hill and optimizer as the question takes them, checked: a run alone for training runs, which both may be put into.

    Raises ValueError for what is none, and for an optimizer beside a run, which brings its own.
    """
    if question.asked_of is not AbstractRun:
        return check_hill(hill, question.asked_of), check_optimizer(optimizer)
    if isinstance(hill, AbstractLandscape):
        run = WalkRun(check_hill(hill, AbstractLandscape), check_optimizer(optimizer))
    else:
        run = check_is(hill, AbstractRun, "hill", "ho.WalkRun(ho.RoughBowl(), ho.Adam(0.1))")
        if optimizer is not None:
            raise ValueError(
                f"`optimizer` must be None beside a run, which brings its own, got {optimizer!r:.60}; leave it out."
            )
    run.check()
    return run, None


def ask(
    question: AbstractQuestion,
    hill: AbstractLandscape | AbstractRun,
    optimizer: AbstractOptimizer | None,
    key: Key[Array, "..."] | None = None,
) -> Any:
    """The answer to a question about a hill and an optimizer, for one setting or for arrays of them that broadcast.

    Questions that are `asked_of` any landscape, such as losses, need no hill; those of training runs take a run in its place, and
    None for the optimizer.
    Runs eagerly or inside jit, vmap and shard_map; new values of the same shapes and dtypes compile nothing. `key` is for noisy
    questions: one for all settings, or one for each. Critical heights and losses have derivatives, forwards and in reverse; what
    has none says so when JAX asks for it. A question with `precision="auto"` runs eagerly alone. Raises ValueError for what is no
    question, hill or optimizer, for numbers out of range, and for what the question refuses.
    """
    question = check_is(question, AbstractQuestion, "question", "ho.CriticalHeight()")
    hill, optimizer = asked_of(question, hill, optimizer)
    common_shape((hill, optimizer))
    if question.is_noisy or key is not None:
        key = check_key(key)
    numbers = None if optimizer is None else undecayed(as_arrays(optimizer))
    question = question.prepared(hill, numbers)
    if numbers is None:
        return _asked(question, as_arrays(hill), None, key)
    if not question.asks_again:
        return _asked(question, hill, numbers, key)
    if is_traced((question, hill, optimizer)):
        raise ValueError(
            '`precision="auto"` asks again in arithmetic that JAX cannot trace; leave it out inside jit, vmap and grad.'
        )
    answer = _asked(question.replace(precision=None), hill, numbers, key)
    fields = {name: np.asarray(field) for name, field in answer.items()}
    fields, _ = in_higher_precision(question, (hill, numbers), fields, math.prod(common_shape((hill, numbers))))
    return question.answer_type(**{name: jnp.asarray(field) for name, field in fields.items()})


def in_higher_precision(
    question: AbstractQuestion,
    world: tuple[Any, Any],
    fields: dict[str, np.ndarray],
    num_settings: int,
) -> tuple[dict[str, np.ndarray], list[Cost]]:
    """The fields of a prepared question's answer for a world's settings, what was flagged asked again, and what that took.

    They are some or all of `num_settings`, of which only few are walked step by step.
    """

    def ask_row(question: AbstractQuestion, world: tuple[AbstractLandscape, AbstractOptimizer]) -> dict[str, Array]:
        return dict(_asked(question.replace(precision=None), *world, None).items())

    return asked_again(question, world, fields, ask_row, num_settings)


def _asked(
    question: AbstractQuestion, hill: Any, optimizer: AbstractOptimizer | None, key: Key[Array, "..."] | None
) -> Any:
    if question.no_derivative:
        hill, optimizer = refusing(
            (hill, optimizer), f"`{question.label()}` has no derivative: {question.no_derivative}."
        )
    (own, *world), length = in_size_class((question.hyperparameters(), hill, optimizer, key))
    return cut_back(_answer(question.replace(**own), *world), length)


@jax.jit
def _answer(
    question: AbstractQuestion, hill: Any, optimizer: AbstractOptimizer | None, key: Key[Array, "..."] | None
) -> Any:
    return question.answer(hill, optimizer, key)
