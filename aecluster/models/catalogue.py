"""The architectures by name."""

from collections.abc import Mapping
from typing import TypeVar

from aecluster.arguments import text
from aecluster.models.autoencoders import Convolutional, Dense
from aecluster.models.restorer import Restorer
from aecluster.names import hint

Kind = TypeVar("Kind")

AUTOENCODERS: dict[str, type[Dense] | type[Convolutional]] = {"dense": Dense, "convolutional": Convolutional}
ARCHITECTURES: dict[str, type[Dense] | type[Convolutional] | type[Restorer]] = {**AUTOENCODERS, "restorer": Restorer}


def architecture_named(name: str, kinds: Mapping[str, Kind]) -> Kind:
    """One of `AUTOENCODERS` or `ARCHITECTURES`. Raises ValueError with the near miss for a name that none has."""
    if text("name", name) not in kinds:
        raise ValueError(f"No model is called {name!r}; {hint(name, list(kinds))}")
    return kinds[name]
