"""Dataclasses as pytrees whose structures tell their classes apart."""

import dataclasses
from typing import Any, TypeVar

import jax

T = TypeVar("T")


def register_pytree(cls: type[T]) -> type[T]:
    """Register a frozen dataclass: fields with static=True in their metadata go into the structure, others are leaves.

    To be used instead of `jax.tree_util.register_dataclass`, which makes the structures of *different* classes compare
    equal if their fields have the same names (seen with jax 0.10.2 and 0.12.0; only their hashes differ). Now and then
    jit then hands one class the compiled program of another: Nesterov got heavy ball's. Here the class is part of what is
    compared.
    """
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    static = [field.name for field in fields if field.metadata.get("static", False)]
    leaves = [field.name for field in fields if field.name not in static]

    def flatten(tree: T) -> tuple[list[tuple[Any, Any]], tuple]:
        children = [(jax.tree_util.GetAttrKey(name), getattr(tree, name)) for name in leaves]
        return children, (cls, *(getattr(tree, name) for name in static))

    def unflatten(structure: tuple, children: Any) -> T:
        tree = object.__new__(cls)
        for name, value in zip(leaves + static, [*children, *structure[1:]], strict=True):
            object.__setattr__(tree, name, value)
        return tree

    jax.tree_util.register_pytree_with_keys(cls, flatten, unflatten)
    return cls
