"""Networks on disk: complete or not there at all, told apart by typed records, read without a trace.

A folder holds the newest checkpoint as one folder, named by the epochs done; in it the arrays by orbax, and `record` as
JSON. Arrays are saved from the memory of the host, so they can be read on any number of devices.
"""

import dataclasses
import importlib.metadata
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from aecluster.discriminator import Discriminator
from aecluster.ensemble import Ensemble, History, Trained
from aecluster.images import ImageShape
from aecluster.models import ARCHITECTURES, CRITIC, AbstractArchitecture, AbstractAutoencoder, Critic, initialize

if TYPE_CHECKING:
    from orbax.checkpoint import CheckpointManager

SAVING_SHARE = 0.05  # at most so much of the time goes into saving
LOOKS = 10  # at a folder whose checkpoint is replaced while it is read
KINDS: dict[str, type[AbstractArchitecture]] = {**ARCHITECTURES, "critic": Critic}
PACKAGES = ("jax", "flax", "optax")
UNNAMED = "own"


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
        plain = dataclasses.asdict(self) | {"architecture": {"name": names[type(self.architecture)], **numbers}}
        return json.loads(json.dumps(plain))

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Record":
        """What `to_json` wrote."""
        sizes = {name: _as_tuple(size) for name, size in plain["architecture"].items()}
        architecture = KINDS[sizes.pop("name")](**sizes)
        height, width, channels = plain["image_shape"]
        identity = None if plain["identity"] is None else Identity(**plain["identity"])
        typed = {"architecture": architecture, "image_shape": (height, width, channels), "identity": identity}
        return cls(**{**plain, **typed, "seeds": tuple(plain["seeds"])})

    def check_same_training(self, wanted: "Record", path: Path) -> None:
        """Refuse to go on from this record with a training that differs: ValueError naming what differs."""
        difference = _first_difference(self.to_json(), wanted.to_json())
        if difference is not None:
            raise ValueError(
                f"The checkpoint in {str(path)!r} was made with another {difference}; "
                "go on with the same settings, or train into another folder."
            )


class Checkpoints:
    """The folder that one training saves to, of which the newest checkpoint is kept.

    To be made by that training alone: what a killed predecessor left half-written there is removed. Others read the folder
    by `restore`, `records` and `trained`, which touch nothing.
    """

    def __init__(self, path: Path, record: Record):
        self.path, self.record = path, record
        self.manager = _manager(path)
        self.last, self.cost = time.monotonic(), 0.0

    def newest(self, template: Mapping[str, Any]) -> tuple[dict[str, Any], History] | None:
        """The trees of the newest checkpoint and the history, or None before the first save.

        Raises ValueError naming what differs where it is another training's.
        """
        step = _newest(self.path)
        if step is None:
            return None
        found = _read_record(step)
        found.check_same_training(self.record, self.path)
        self.record = dataclasses.replace(self.record, begun=found.begun)
        trees = {name: None if tree is None else _read_tree(step, name, tree) for name, tree in template.items()}
        return trees, _read_history(step)

    def saved(self) -> bool:
        """Whether the folder holds a checkpoint."""
        return _newest(self.path) is not None

    def due(self) -> bool:
        """Whether saving now keeps to its share of the time."""
        return time.monotonic() - self.last >= self.cost / SAVING_SHARE

    def save(self, trees: Mapping[str, Any], history: History) -> None:
        """Save all; when this returns it is on disk. Killed on the way, the checkpoint before it is still there."""
        from orbax.checkpoint import args

        began = time.monotonic()
        record = dataclasses.replace(self.record, epochs=history.num_epochs)
        items = {name: args.StandardSave(_on_host(tree)) for name, tree in trees.items() if tree is not None}
        items["history"] = args.StandardSave(dataclasses.asdict(history))
        self.manager.save(record.epochs, args=args.Composite(record=args.JsonSave(record.to_json()), **items))
        self.manager.wait_until_finished()
        self.last = time.monotonic()
        self.cost = self.last - began


def save(network: Ensemble | Discriminator, path: str | Path) -> None:
    """Write trained networks, or a discriminator, into a new folder, for `restore` or `restore_discriminator` to read.

    Raises ValueError if the folder holds a checkpoint already.
    """
    if isinstance(network, Discriminator):
        record = Record.of(CRITIC, network.image_shape, (network.seed,), UNNAMED)
        nothing = np.zeros((1, network.epochs))
        history = History(nothing, nothing, nothing, nothing.astype(int))
        params = jax.tree.map(lambda leaf: leaf[None], network.params)
    else:
        record = Record.of(network.architecture, network.image_shape, network.seeds, UNNAMED)
        params, history = network.params, network.history
    folder = Checkpoints(Path(path), record)
    if folder.saved():
        raise ValueError(f"`path` {str(path)!r} holds a checkpoint already; remove it, or choose another folder.")
    folder.save({"params": params}, history)


def restore(path: str | Path) -> Ensemble:
    """The trained networks of the newest checkpoint in a folder, ready to encode and decode; nothing there is touched.

    A training may go on in that folder meanwhile. Raises ValueError if there is none, and for a discriminator.
    """
    record, params, history = _restored(Path(path))
    if isinstance(record.architecture, Critic):
        raise ValueError(f"{str(path)!r} holds a discriminator; read it with `restore_discriminator`.")
    return Ensemble(record.architecture, record.image_shape, record.seeds, params, history)


def restore_discriminator(path: str | Path) -> Discriminator:
    """The discriminator that `save` wrote into a folder. Raises ValueError if there is none."""
    record, params, _ = _restored(Path(path))
    if not isinstance(record.architecture, Critic):
        raise ValueError(f"{str(path)!r} holds no discriminator but {record.architecture}; read it with `restore`.")
    params = jax.tree.map(lambda leaf: leaf[0], params)
    return Discriminator(record.image_shape, params, record.seeds[0], record.epochs)


def records(folder: str | Path) -> dict[Path, Record]:
    """The records of all checkpoints in the folders of a folder, as a run has them, in the order of training."""
    found = {path: _look(path, _read_record) for path in Path(folder).iterdir() if _newest(path) is not None}
    return dict(sorted(found.items(), key=lambda pair: (pair[1].begun, pair[0].name)))


def trained(folder: str | Path) -> Trained:
    """All autoencoders in the folders of a folder, by recipe and latent size, in the order of training.

    Raises ValueError where there is none, for a network without a latent space, and for two of the same recipe and size.
    """
    several: Trained = {}
    for path, record in records(folder).items():
        if not isinstance(record.architecture, AbstractAutoencoder):
            raise ValueError(
                f"{str(path)!r} holds {record.architecture}, which has no latent space; read it with `restore`."
            )
        name = record.recipe, record.architecture.latent_size
        if name in several:
            raise ValueError(
                f"{str(path)!r} holds a second training by {name[0]} of latent size {name[1]}; remove one."
            )
        several[name] = restore(path)
    if not several:
        raise ValueError(f"{str(folder)!r} holds no checkpoint; train with `checkpoints` set to folders in it first.")
    return several


def _restored(path: Path) -> tuple[Record, Any, History]:
    def read(step: Path) -> tuple[Record, Any, History]:
        record = _read_record(step)
        keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), len(record.seeds)))
        template = jax.eval_shape(lambda keys: initialize(record.architecture, record.image_shape, keys), keys)
        return record, jax.tree.map(jnp.asarray, _read_tree(step, "params", template)), _read_history(step)

    return _look(path, read)


def _look(path: Path, read: Callable[[Path], Any]) -> Any:
    """What `read` finds in the newest checkpoint; if a training replaces that on the way, in the one after it."""
    for look in range(LOOKS):
        step = _newest(path)
        if step is None:
            break
        try:
            return read(step)
        except Exception:
            if _newest(path) == step or look + 1 == LOOKS:
                raise
    raise ValueError(f"{str(path)!r} holds no checkpoint; train with `checkpoints` set to this folder first.")


def _newest(path: Path) -> Path | None:
    """The folder of the newest whole checkpoint; what is half-written has no number for a name."""
    found = [step for step in path.iterdir() if step.name.isdigit()] if path.is_dir() else []
    return max(found, key=lambda step: int(step.name), default=None)


def _manager(path: Path) -> "CheckpointManager":
    from orbax.checkpoint import CheckpointManager, CheckpointManagerOptions

    options = CheckpointManagerOptions(
        max_to_keep=1, enable_async_checkpointing=False, cleanup_tmp_directories=True, create=True
    )
    return CheckpointManager(path.absolute(), options=options)


def _read_record(step: Path) -> Record:
    try:
        return Record.from_json(json.loads((step / "record" / "metadata").read_text()))
    except (FileNotFoundError, KeyError, TypeError) as error:
        raise ValueError(
            f"The checkpoint {str(step)!r} has no record that this version reads; train into another folder."
        ) from error


def _read_history(step: Path) -> History:
    from orbax.checkpoint import StandardCheckpointer

    with StandardCheckpointer() as reader:
        return History(**reader.restore(step.absolute() / "history"))


def _read_tree(step: Path, name: str, template: Any) -> Any:
    """A tree of arrays in memory, of the template's structure; nothing is written and nothing removed."""
    from orbax.checkpoint import StandardCheckpointer

    shapes = jax.tree.map(lambda leaf: jax.eval_shape(_without_type, leaf), template)
    empty = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), shapes)
    with StandardCheckpointer() as reader:
        found = reader.restore(step.absolute() / name, empty)
    return jax.tree.map(lambda leaf, like: jax.random.wrap_key_data(leaf) if _is_key(like) else leaf, found, template)


def _on_host(tree: Any) -> Any:
    """Arrays without their devices, so that they can be read on others."""
    return jax.tree.map(lambda leaf: np.asarray(_without_type(leaf)), tree)


def _without_type(leaf: Any) -> Any:
    """The numbers of keys, as some optimizers hold them; other arrays as they are."""
    return jax.random.key_data(leaf) if _is_key(leaf) else leaf


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


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
        if theirs.get(name) != ours.get(name):
            return f"{name}, {_differing(theirs.get(name), ours.get(name))}"
    programs, others = ours.get("programs", {}), theirs.get("programs", {})
    part = next((name for name in programs if programs[name] != others.get(name)), None)
    if part is None:
        return None
    if found["versions"] != wanted["versions"]:
        return f"version, {_differing(found['versions'], wanted['versions'])}, and computes something else"
    part = "optimizer" if part == "step" else part
    return f"recipe, whose {part} has the same name, {ours['recipe'].get(part)}, and computes something else"


def _differing(found: Any, wanted: Any) -> str:
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return f"{found} and not {wanted}"
    names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    return ", ".join(f"{name} {found.get(name)} and not {wanted.get(name)}" for name in names)
