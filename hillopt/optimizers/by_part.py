"""Parameters in named parts, each stepped by an optimizer of its own: a learning rate for every layer."""

from jaxtyping import Array, Float, PyTree

from hillopt.optimizers.contract import AbstractOptimizer
from hillopt.pytrees import Number


class ByPart(AbstractOptimizer):
    """An optimizer for each part of the parameters, by name; make it with `by_part`."""

    parts: dict[str, AbstractOptimizer]

    def label(self) -> str:
        """The optimizers of the parts, each named once."""
        return " and ".join(dict.fromkeys(part.label() for part in self.parts.values())) + " by part"

    def hyperparameters(self) -> dict[str, Number]:
        """Those of all parts, with the part's name before theirs: `input_learning_rate`."""
        return {
            f"{name}_{own}": number
            for name, part in self.parts.items()
            for own, number in part.hyperparameters().items()
        }

    def fixed(self) -> dict[str, Number]:
        """What of the parts is not swept."""
        return {f"{name}_{own}": value for name, part in self.parts.items() for own, value in part.fixed().items()}

    def replace(self, **hyperparameters: Number) -> "ByPart":
        changes: dict[str, dict[str, Number]] = {name: {} for name in self.parts}
        known = {f"{name}_{own}": (name, own) for name, part in self.parts.items() for own in part.hyperparameters()}
        for name, number in hyperparameters.items():
            if name not in known:
                raise ValueError(f"`{self.label()}` has no number {name!r}; it has {', '.join(known)}.")
            part, own = known[name]
            changes[part][own] = number
        return ByPart({name: part.replace(**changes[name]) for name, part in self.parts.items()})

    def check(self) -> None:
        for part in self.parts.values():
            part.check()

    def init(self, position: Float[Array, "..."]) -> PyTree:
        del position
        raise ValueError(
            f"`{self.label()}` steps parameters in parts named {', '.join(self.parts)}, and not a position."
        )

    def step(
        self, slope: Float[Array, "..."], state: PyTree, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], PyTree]:
        del slope, state
        return self.init(position), None

    def init_all(self, parameters: PyTree) -> PyTree:
        if not isinstance(parameters, dict) or set(parameters) != set(self.parts):
            got = ", ".join(map(str, parameters)) if isinstance(parameters, dict) else f"a {type(parameters).__name__}"
            raise ValueError(
                f"`{self.label()}` needs parameters in a dictionary with the parts {', '.join(self.parts)}, got {got}; name "
                "the parts as the model does."
            )
        return {name: part.init_all(parameters[name]) for name, part in self.parts.items()}

    def step_all(self, slopes: PyTree, state: PyTree, parameters: PyTree) -> tuple[PyTree, PyTree]:
        stepped = {
            name: part.step_all(slopes[name], state[name], parameters[name]) for name, part in self.parts.items()
        }
        return {name: pair[0] for name, pair in stepped.items()}, {name: pair[1] for name, pair in stepped.items()}


def by_part(**optimizers: AbstractOptimizer) -> ByPart:
    """An optimizer for each part of a network's parameters: `by_part(input=GradientDescent(1.0), output=Adam(1e-3))`.

    Parameters are a dictionary with these names; the numbers are `input_learning_rate`, `output_learning_rate`, `output_b1` and so
    on, to be swept as others are. Raises ValueError for no part, and for what is no optimizer.

    Examples:
        >>> ho.by_part(input=ho.GradientDescent(1.0), output=ho.Adam(1e-3))
        ByPart(
          parts={'input': GradientDescent(learning_rate=1.0), 'output': Adam(learning_rate=0.001, b1=0.9, b2=0.999, eps=0.0)}
        )
    """
    if not optimizers:
        raise ValueError("`by_part` needs a part at least; write by_part(input=ho.GradientDescent(1.0)).")
    for name, optimizer in optimizers.items():
        if not isinstance(optimizer, AbstractOptimizer):
            raise ValueError(
                f"`{name}` must be an optimizer of hillopt, got {optimizer!r:.60}; write ho.GradientDescent(1.0)."
            )
    return ByPart(dict(sorted(optimizers.items())))
