"""What to say to a name that none has, and how to show records that hold arrays."""

import dataclasses
import difflib
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np


def hint(name: str, known: Iterable[str]) -> str:
    """The near miss, or where nothing is near all that there is to choose from."""
    choices = sorted(known)
    near = difflib.get_close_matches(str(name).lower(), choices, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(choices)}."


def shown(record: Any) -> str:
    """A dataclass in short, its arrays by dtype and shape: the `__repr__` of records that hold arrays."""
    fields = (f"{field.name}={_short(getattr(record, field.name))}" for field in dataclasses.fields(record))
    return f"{type(record).__name__}({', '.join(fields)})"


def _short(value: Any) -> str:
    """`f32[3,784]` for an array, the number of numbers for a tree of them, everything else as it shows itself."""
    if isinstance(value, (np.ndarray, jax.Array)):
        kind = str(value.dtype).replace("float", "f").replace("uint", "u").replace("int", "i")
        return f"{kind}[{','.join(map(str, value.shape))}]"
    leaves = jax.tree.leaves(value)
    if leaves and all(isinstance(leaf, (np.ndarray, jax.Array)) for leaf in leaves):
        return f"{len(leaves)} arrays of {sum(leaf.size for leaf in leaves):,} numbers"
    return repr(value)
