"""Networks and discriminators, written to folders and read from them."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from aecluster.arguments import flag, some
from aecluster.checkpoints.folder import Checkpoints, look, newest, read_history, read_record, read_tree
from aecluster.checkpoints.record import Record
from aecluster.discriminator import Discriminator
from aecluster.ensemble import Ensemble, History, Trained
from aecluster.models import CRITIC, AbstractAutoencoder, Critic, initialize
from aecluster.places import place, quoted, reading

UNNAMED = "own"
BEST = "best"  # what a checkpoint calls the networks of the least held-out error


def save(network: Ensemble | Discriminator, path: str | Path) -> None:
    """Write trained networks, or a discriminator, into a new folder, for `restore` or `restore_discriminator` to read.

    Raises ValueError if the folder holds a checkpoint already, or cannot be written.
    """
    folder = place("path", path)
    if not isinstance(network, Discriminator):
        some(Ensemble, "ae.train(architecture, data)")("network", network)
    if newest(folder) is not None:
        raise ValueError(f"`path` {quoted(path)} holds a checkpoint already; remove it, or choose another folder.")
    if isinstance(network, Discriminator):
        record = Record.of(CRITIC, network.image_shape, (network.seed,), UNNAMED)
        nothing = np.zeros((1, network.epochs))
        history = History(nothing, nothing, nothing, nothing.astype(int))
        params = jax.tree.map(lambda leaf: leaf[None], network.params)
    else:
        record = Record.of(network.architecture, network.image_shape, network.seeds, UNNAMED)
        params, history = network.params, network.history
    if history.num_epochs < 1:
        raise ValueError("`network` must have been trained for one epoch at least, got none; train it first.")
    saver = Checkpoints(folder, record)
    saver.begin()
    saver.save({"params": params}, history)


def restore(path: str | Path, *, last: bool = False) -> Ensemble:
    """The trained networks of the newest checkpoint in a folder, ready to encode and decode; nothing there is touched.

    Where images were held out, these are the best ones by the error on them, as `train` returns them; `last` asks for those
    after the last epoch, whose history is without that error, since it has chosen nothing. A training may go on in that folder
    meanwhile. Raises ValueError if there is none, and for a discriminator.
    """
    path, last = place("path", path), flag("last", last)
    record, params, history = _restored(path, last)
    if isinstance(record.architecture, Critic):
        raise ValueError(f"{str(path)!r} holds a discriminator; read it with `restore_discriminator`.")
    return Ensemble(record.architecture, record.image_shape, record.seeds, params, history)


def restore_discriminator(path: str | Path) -> Discriminator:
    """The discriminator that `save` wrote into a folder. Raises ValueError if there is none."""
    path = place("path", path)
    record, params, _ = _restored(path)
    if not isinstance(record.architecture, Critic):
        raise ValueError(f"{str(path)!r} holds no discriminator but {record.architecture}; read it with `restore`.")
    params = jax.tree.map(lambda leaf: leaf[0], params)
    return Discriminator(record.image_shape, params, record.seeds[0], record.epochs)


def records(folder: str | Path) -> dict[Path, Record]:
    """The records of all checkpoints in the folders of a folder, as a run has them, in the order of training.

    Raises ValueError where there is no such folder.
    """
    folder = place("folder", folder)
    with reading(folder):
        if not folder.is_dir():
            raise ValueError(f"`folder` {quoted(folder)} must exist; give the folder that holds a run's checkpoints.")
        found = {path: look(path, read_record) for path in folder.iterdir() if newest(path) is not None}
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


def _restored(path: Path, last: bool = False) -> tuple[Record, Any, History]:
    def read(step: Path) -> tuple[Record, Any, History]:
        record = read_record(step)
        keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), len(record.seeds)))
        template = jax.eval_shape(lambda keys: initialize(record.architecture, record.image_shape, keys), keys)
        history, best = read_history(step), (step / BEST).is_dir()
        if best and last:
            history = dataclasses.replace(history, held_out_error=None)
        params = read_tree(step, BEST if best and not last else "params", template)
        return record, jax.tree.map(jnp.asarray, params), history

    return look(path, read)
