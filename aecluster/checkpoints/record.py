"""What a checkpoint tells of itself: typed, as JSON beside the arrays, and enough to know another training by."""

import dataclasses
import importlib.metadata
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aecluster.arguments import a_shape, plain, settle, some_seeds, whole
from aecluster.images import ImageShape
from aecluster.models import ARCHITECTURES, AbstractArchitecture, Critic, Restorer

# not "restorer": those of older versions add another function of the pixels to what their layers say
KINDS: dict[str, type[AbstractArchitecture]] = {
    **{name: kind for name, kind in ARCHITECTURES.items() if kind is not Restorer},
    "restorer_of_logits": Restorer,
    "critic": Critic,
}
PACKAGES = ("jax", "flax", "optax")


@dataclasses.dataclass(frozen=True)
class Identity:
    """What must be the same for a training to go on from a checkpoint, besides the network and its seeds.

    **Attributes**

    - `recipe`: the recipe in words and numbers, as `Recipe.describe` has it.
    - `images`: name, numbers and digest of the images.
    - `programs`: fingerprints of what the recipe's functions, and last a whole step, compute.
    """

    recipe: dict[str, Any]
    images: dict[str, Any]
    programs: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Record:
    """What a checkpoint tells of itself.

    **Attributes**

    - `architecture`, `image_shape`, `seeds`: the networks.
    - `epochs`: passes over the images so far.
    - `recipe`: the recipe's name.
    - `identity`: of the training; None where there is nothing to go on with.
    - `begun`: when the training began, in seconds since 1970.
    - `versions`: of the packages that decide what is computed.
    """

    architecture: AbstractArchitecture
    image_shape: ImageShape
    seeds: tuple[int, ...]
    epochs: int
    recipe: str
    identity: Identity | None = dataclasses.field(repr=False)
    begun: float
    versions: dict[str, str]

    def __post_init__(self) -> None:
        settle(self, image_shape=a_shape, seeds=some_seeds, epochs=whole(0))

    @classmethod
    def of(
        cls,
        architecture: AbstractArchitecture,
        image_shape: ImageShape,
        seeds: tuple[int, ...],
        recipe: str,
        identity: Identity | None = None,
    ) -> "Record":
        """The record of networks before their first epoch, now and here.

        Raises ValueError for an architecture that could not be built again from its name and its numbers.
        """
        if type(architecture) not in KINDS.values():
            raise ValueError(
                f"`architecture` {type(architecture).__name__} cannot be saved, only {', '.join(KINDS)} can; "
                "leave `checkpoints` out and keep its parameters yourself."
            )
        versions = {package: importlib.metadata.version(package) for package in PACKAGES}
        return cls(architecture, image_shape, seeds, 0, recipe, identity, time.time(), versions)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON holds it; `Record.from_json` reads it."""
        names = {kind: name for name, kind in KINDS.items()}
        numbers = dataclasses.asdict(self.architecture)  # type: ignore[call-overload]
        described = dataclasses.asdict(self) | {"architecture": {"name": names[type(self.architecture)], **numbers}}
        return json.loads(json.dumps(described, default=plain))  # numbers of an architecture of any kind

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Record":
        """What `to_json` wrote."""
        sizes = {name: _as_tuple(size) for name, size in saved["architecture"].items()}
        architecture = KINDS[sizes.pop("name")](**sizes)
        height, width, channels = saved["image_shape"]
        identity = None if saved["identity"] is None else Identity(**saved["identity"])
        typed = {"architecture": architecture, "image_shape": (height, width, channels), "identity": identity}
        return cls(**{**saved, **typed, "seeds": tuple(saved["seeds"])})

    def check_same_training(self, wanted: "Record", path: Path) -> None:
        """Refuse to go on from this record with a training that differs. Raises ValueError naming what differs."""
        difference = _first_difference(self.to_json(), wanted.to_json())
        if difference is not None:
            raise ValueError(
                f"The checkpoint in {str(path)!r} was made with another {difference}; "
                "go on with the same settings, or train into another folder."
            )


def _as_tuple(value: Any) -> Any:
    """A list of JSON as the tuple that it was."""
    return tuple(value) if isinstance(value, list) else value


def _first_difference(found: dict[str, Any], wanted: dict[str, Any]) -> str | None:
    """What of a network or its training differs, and how, in words; None if nothing does."""
    ours, theirs = wanted.pop("identity") or {}, found.pop("identity") or {}
    for name in ("architecture", "image_shape", "seeds"):
        if found[name] != wanted[name]:
            return f"{name}, {_differing(found[name], wanted[name])}"
    for name in ("recipe", "images"):
        if difference := _differing(theirs.get(name), ours.get(name)):
            return f"{name}, {difference}"
    programs, others = ours.get("programs", {}), theirs.get("programs", {})
    part = next((name for name in programs if programs[name] != others.get(name)), None)
    if part is None:
        return None
    if found["versions"] != wanted["versions"]:
        return f"version, {_differing(found['versions'], wanted['versions'])}, and computes something else"
    part = "optimizer" if part == "step" else part
    return f"recipe, whose {part} has the same name, {ours['recipe'].get(part)}, and computes something else"


def _differing(found: Any, wanted: Any) -> str:
    """How two values differ, in words; what one lacks and is None in the other does not."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return "" if found == wanted else f"{found} and not {wanted}"
    names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    return ", ".join(f"{name} {found.get(name)} and not {wanted.get(name)}" for name in names)
