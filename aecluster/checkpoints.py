"""Checkpoints with orbax: complete or not there at all, and refused where they belong to another training."""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import optax

from aecluster.discriminator import AdversaryState
from aecluster.ensemble import Ensemble, History
from aecluster.models import ARCHITECTURES, AbstractArchitecture, ImageShape, Params, initialize

if TYPE_CHECKING:
    from orbax.checkpoint import CheckpointManager

SAVING_SHARE = 0.05  # at most so much of the time goes into saving


class State(NamedTuple):
    """What a training step changes. Every array has a leading seed axis; `adversary` is None where there is none."""

    params: Params
    optimizer: optax.OptState
    adversary: AdversaryState | None


class Checkpoints:
    """A folder with the checkpoints of one training, of which the newest is kept.

    `identity` is what must be the same for a training to go on from one of them: architecture, images, seeds, recipe.
    """

    def __init__(self, path: Path, identity: dict[str, Any]):
        self.path, self.identity = path, json.loads(json.dumps(identity))
        self.manager = _manager(path)
        self.last, self.cost = time.monotonic(), 0.0

    def newest(self, template: State) -> tuple[int, State, History] | None:
        """Epochs done, state and history, or None before the first save; ValueError naming what differs."""
        from orbax.checkpoint import args

        epoch = self.manager.latest_step()
        if epoch is None:
            return None
        found = _read(self.manager, epoch, identity=args.JsonRestore())["identity"]
        for name, value in self.identity.items():
            if found.get(name) != value:
                raise ValueError(
                    f"The checkpoint in {str(self.path)!r} was made with another {name}, {_differing(found[name], value)}; "
                    "go on with the same settings, or train into another folder."
                )
        wanted = {name: args.StandardRestore(tree) for name, tree in _parts(template).items()}
        items = _read(self.manager, epoch, history=args.StandardRestore(), **wanted)
        return epoch, template._replace(**{name: items[name] for name in wanted}), History(**items["history"])

    def saved(self) -> bool:
        """Whether the folder holds a checkpoint."""
        return self.manager.latest_step() is not None

    def due(self) -> bool:
        """Whether saving now keeps to its share of the time."""
        return time.monotonic() - self.last >= self.cost / SAVING_SHARE

    def save(self, epoch: int, state: State, history: History) -> None:
        """Save all; when this returns it is on disk. Killed on the way, the checkpoint before it is still there."""
        from orbax.checkpoint import args

        began = time.monotonic()
        trees = {**_parts(state), "history": dataclasses.asdict(history)}
        items = {name: args.StandardSave(tree) for name, tree in trees.items()}
        self.manager.save(epoch, args=args.Composite(identity=args.JsonSave(self.identity), **items))
        self.manager.wait_until_finished()
        self.last = time.monotonic()
        self.cost = self.last - began


def _parts(state: State) -> dict[str, Any]:
    return {name: tree for name, tree in state._asdict().items() if tree is not None}


def identity_of(
    architecture: AbstractArchitecture, image_shape: ImageShape, seeds: Sequence[int], **others: Any
) -> dict[str, Any]:
    """What a checkpoint tells of itself, enough to build its network again."""
    names = {kind: name for name, kind in ARCHITECTURES.items()}
    settings = {"name": names[type(architecture)], **dataclasses.asdict(architecture)}  # type: ignore[index, call-overload]
    return {"architecture": settings, "image_shape": image_shape, "seeds": seeds, **others}


def restore(path: str | Path) -> Ensemble:
    """The trained networks of the newest checkpoint in a folder, ready to encode and decode.

    Raises ValueError if there is none.
    """
    from orbax.checkpoint import args

    path = Path(path)
    manager = _manager(path) if path.is_dir() else None
    epoch = manager.latest_step() if manager is not None else None
    if manager is None or epoch is None:
        raise ValueError(f"{str(path)!r} holds no checkpoint; train with `checkpoints` set to this folder first.")
    identity = _read(manager, epoch, identity=args.JsonRestore())["identity"]
    architecture = _architecture(dict(identity["architecture"]))
    height, width, channels = identity["image_shape"]
    seeds = tuple(identity["seeds"])
    template = jax.eval_shape(
        lambda: initialize(architecture, (height, width, channels), jax.random.split(jax.random.key(0), len(seeds)))
    )
    items = _read(manager, epoch, params=args.StandardRestore(template), history=args.StandardRestore())
    return Ensemble(architecture, (height, width, channels), seeds, items["params"], History(**items["history"]))


def _architecture(settings: dict[str, Any]) -> AbstractArchitecture:
    kind = ARCHITECTURES[settings.pop("name")]
    sizes: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
    return kind(**sizes)


def _manager(path: Path) -> "CheckpointManager":
    from orbax.checkpoint import CheckpointManager, CheckpointManagerOptions

    options = CheckpointManagerOptions(
        max_to_keep=1, enable_async_checkpointing=False, cleanup_tmp_directories=True, create=True
    )
    return CheckpointManager(path.absolute(), options=options)


def _read(manager: "CheckpointManager", epoch: int, **items: Any) -> Any:
    from orbax.checkpoint import args

    return manager.restore(epoch, args=args.Composite(**items))


def _differing(found: Any, wanted: Any) -> str:
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return f"{found} and not {wanted}"
    names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    return ", ".join(f"{name} {found.get(name)} and not {wanted.get(name)}" for name in names)
