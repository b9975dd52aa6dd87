"""The architectures by name."""

from collections.abc import Mapping
from typing import TypeVar

from aecluster.arguments import text
from aecluster.models.autoencoders import Convolutional, Dense
from aecluster.models.restorer import Restorer
from aecluster.models.variational import Variational
from aecluster.names import hint

Kind = TypeVar("Kind")

AUTOENCODERS: dict[str, type[Dense] | type[Convolutional] | type[Variational]] = {
    "dense": Dense,
    "convolutional": Convolutional,
    "variational": Variational,
}
ARCHITECTURES: dict[str, type[Dense] | type[Convolutional] | type[Variational] | type[Restorer]] = {
    **AUTOENCODERS,
    "restorer": Restorer,
}


def architecture_named(name: str, kinds: Mapping[str, Kind]) -> Kind:
    """One of `AUTOENCODERS` or `ARCHITECTURES`. Raises ValueError with the near miss for a name that none has."""
    if text("name", name) not in kinds:
        raise ValueError(f"No model is called {name!r}; {hint(name, list(kinds))}")
    return kinds[name]
