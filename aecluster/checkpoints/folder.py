"""A folder that holds the newest checkpoint of one training: complete or not there at all, and read without a trace.

The checkpoint is a folder in it, named by the epochs done, with the arrays by orbax and `record` as JSON. Arrays are saved
from the memory of the host, so they can be read on any number of devices.
"""

import contextlib
import dataclasses
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from aecluster.checkpoints.record import Record
from aecluster.ensemble import History
from aecluster.places import quoted, reading

if TYPE_CHECKING:
    from orbax.checkpoint import CheckpointManager

SAVING_SHARE = 0.05  # at most so much of the time goes into saving
LOOKS = 10  # at a folder whose checkpoint is replaced while it is read


class Checkpoints:
    """The folder that one training saves to, of which the newest checkpoint is kept.

    It is looked at without a trace until `begin`, which is for that training alone. Others read the folder by `restore`,
    `records` and `trained`, which touch nothing.
    """

    def __init__(self, path: Path, record: Record):
        self.path, self.record = path, record
        self.manager: CheckpointManager | None = None
        self.last, self.cost = time.monotonic(), 0.0

    def newest(self, template: Mapping[str, Any]) -> tuple[dict[str, Any], History] | None:
        """The trees of the newest checkpoint and the history, or None before the first save.

        Raises ValueError naming what differs where it is another training's.
        """
        step = newest(self.path)
        if step is None:
            return None
        found = read_record(step)
        found.check_same_training(self.record, self.path)
        self.record = dataclasses.replace(self.record, begun=found.begun)
        trees = {name: None if tree is None else read_tree(step, name, tree) for name, tree in template.items()}
        return trees, read_history(step)

    def begin(self) -> None:
        """Make the folder, and remove what a killed predecessor left half-written there. Raises ValueError if it cannot be."""
        with _orbax(self.path, "written"):
            self.path.mkdir(parents=True, exist_ok=True)
            self.manager = _manager(self.path)

    def saved(self) -> bool:
        """Whether the folder holds a checkpoint."""
        return newest(self.path) is not None

    def due(self) -> bool:
        """Whether saving now keeps to its share of the time."""
        return time.monotonic() - self.last >= self.cost / SAVING_SHARE

    def save(self, trees: Mapping[str, Any], history: History) -> None:
        """Save all; when this returns it is on disk. Killed on the way, the checkpoint before it is still there.

        To be called after `begin`. Raises ValueError where the disk does not take it.
        """
        from orbax.checkpoint import args

        began = time.monotonic()
        record = dataclasses.replace(self.record, epochs=history.num_epochs)
        items = {name: args.StandardSave(_on_host(tree)) for name, tree in trees.items() if tree is not None}
        items["history"] = args.StandardSave(history.columns())
        self._check_room(trees)
        assert self.manager is not None
        with _orbax(self.path, "written"):
            self.manager.save(record.epochs, args=args.Composite(record=args.JsonSave(record.to_json()), **items))
            self.manager.wait_until_finished()
        self.last = time.monotonic()
        self.cost = self.last - began

    def _check_room(self, trees: Mapping[str, Any]) -> None:
        """Refuse to begin what the disk has no room for: a save that breaks off leaves stack dumps of its threads behind."""
        needed = sum(_without_type(leaf).nbytes for leaf in jax.tree.leaves(trees))
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise ValueError(
                f"The checkpoint {quoted(self.path)} cannot be written, it needs {needed:,} bytes, and {free:,} are free; "
                "make room there, or choose another place."
            )


def look(path: Path, reader: Callable[[Path], Any]) -> Any:
    """What `reader` finds in the newest checkpoint; if a training replaces that on the way, in the one after it.

    Raises ValueError where there is none, and where it is damaged.
    """
    for attempt in range(LOOKS):
        step = newest(path)
        if step is None:
            break
        try:
            return reader(step)
        except Exception:
            if newest(path) == step or attempt + 1 == LOOKS:
                raise
    raise ValueError(f"{str(path)!r} holds no checkpoint; train with `checkpoints` set to this folder first.")


def newest(path: Path) -> Path | None:
    """The folder of the newest whole checkpoint; what is half-written has no number for a name."""
    with reading(path):
        found = [step for step in path.iterdir() if step.name.isdigit()] if path.is_dir() else []
    return max(found, key=lambda step: int(step.name), default=None)


@contextlib.contextmanager
def _orbax(path: Path, done: str) -> Iterator[None]:
    """What orbax has against a checkpoint in one sentence; its threads' stack dumps beside it are left out.

    It raises errors of many kinds, of JSON and of tensorstore among them, and whatever it raises, the place is at fault.
    """
    logs = [logging.getLogger(name) for name in ("absl", "concurrent.futures")]
    before = [log.disabled for log in logs]
    for log in logs:
        log.disabled = True
    try:
        yield
    except Exception as error:
        told = re.search(r"os_error_code='(\d+)'", str(error))  # tensorstore's way
        reason = os.strerror(int(told[1])) if told else getattr(error, "strerror", None) or type(error).__name__
        remedy = "choose another place, or make room there" if done == "written" else "it is damaged, train it again"
        raise ValueError(f"The checkpoint {quoted(path)} cannot be {done} ({reason}); {remedy}.") from error
    finally:
        for log, was in zip(logs, before, strict=True):
            log.disabled = was


def _manager(path: Path) -> "CheckpointManager":
    from orbax.checkpoint import CheckpointManager, CheckpointManagerOptions

    options = CheckpointManagerOptions(
        max_to_keep=1, enable_async_checkpointing=False, cleanup_tmp_directories=True, create=True
    )
    return CheckpointManager(path.absolute(), options=options)


def read_record(step: Path) -> Record:
    """The record of a checkpoint. Raises ValueError where it has none, as those of older versions."""
    try:
        return Record.from_json(json.loads((step / "record" / "metadata").read_text()))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"The checkpoint {str(step)!r} has no record that this version reads; train into another folder."
        ) from error


def read_history(step: Path) -> History:
    """The history of a checkpoint."""
    from orbax.checkpoint import StandardCheckpointer

    with _orbax(step, "read"), StandardCheckpointer() as reader:
        return History(**reader.restore(step.absolute() / "history"))


def read_tree(step: Path, name: str, template: Any) -> Any:
    """A tree of arrays in memory, of the template's structure; nothing is written and nothing removed."""
    from orbax.checkpoint import StandardCheckpointer

    shapes = jax.tree.map(lambda leaf: jax.eval_shape(_without_type, leaf), template)
    empty = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), shapes)
    with _orbax(step, "read"), StandardCheckpointer() as reader:
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
