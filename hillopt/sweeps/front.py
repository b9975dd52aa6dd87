"""A question asked of every setting of a grid, as one labelled data set."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import ArrayLike

from hillopt.axes import Axis
from hillopt.front_door import check_is
from hillopt.landscapes import AbstractLandscape
from hillopt.names import check_function
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import is_traced
from hillopt.questions import AbstractQuestion
from hillopt.runs import AbstractRun
from hillopt.sweeps.budget import Doubling
from hillopt.sweeps.plan import make_plan
from hillopt.sweeps.scheduler import Progress, turn_of, walk_tiles
from hillopt.sweeps.store import MemoryTiles, Store
from hillopt.sweeps.template import Template
from hillopt.sweeps.zarr_store import ZarrTiles, open_tiles

if TYPE_CHECKING:
    import xarray


SENTENCE = 2_000  # bytes of the longest


def sweep(
    question: AbstractQuestion,
    hill: AbstractLandscape | AbstractRun,
    optimizer: AbstractOptimizer | None,
    axes: Mapping[str, Axis | ArrayLike | Sequence[float]],
    *,
    dtype: str | None = None,
    seed: int = 0,
    budget: Doubling | None = None,
    tile: int | None = None,
    store: Store | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> "xarray.Dataset":
    """Ask a question of every setting in the product of all axes.

    **Arguments**

    - `question`: such as `CriticalHeight()`, `Escape(max_steps=200)` or `EscapeProbability(GaussianNoise(1.0))`.
    - `hill`, `optimizer`: their numbers hold for all settings, but for those that are axes, which are replaced. A question about
      training runs, such as `Trainability()`, takes a run in the hill's place, and None for the optimizer.
    - `axes`: name to `Axis` or increasing values. A name is a hyperparameter of the optimizer, a number of the hill such as its
      "height", or one of the question such as "noise_scale".
    - `dtype`: "float32" or "float64" (which JAX must have switched on); None for JAX's default.
    - `seed`: of all randomness in the answers.
    - `budget`: all settings get the question's max_steps; with `Doubling()` they begin with fewer, and only those that are still
      undecided get more. (On the lattice nothing is walked twice for that: there the others have stopped anyway.)
    - `tile`: settings walked at once on a device. By default 8,192 to 65,536 on a CPU, and on accelerators up to 2,097,152, as far
      as they fit into the memory that every device reports. All tiles have one shape, so one compilation serves (accelerators
      take one each, unless JAX keeps compilations in a folder); they are made of whole blocks, and the answer does not depend on
      their size, bit for bit.
    - `store`: where tiles are kept as they come; memory is then bounded by the tile, and what is returned reads from the store.
    - `on_progress`: called after every tile, and at the end if others have finished more or nothing was left to do;
      `ProgressBar()` draws a bar.
    - `meanwhile`: called once, in this thread, while the devices compile: for what else takes time, as imports do.

    All local devices walk tiles. Returns a data set whose dimensions are the axes in the given order, behind those of the
    answer's own such as "height". A second sweep of the same kind compiles nothing. Raises ValueError, before any walk, for
    unknown names, bad axes, hyperparameters out of range, a path that exists or holds something else, and grids that do not fit
    into memory or onto the path's disk; and later for a disk that does not take a tile.

    Examples:
        >>> axes = {"learning_rate": ho.Axis.log(0.1, 0.4, 3), "b1": [0.0, 0.9]}
        >>> data = ho.sweep(ho.CriticalHeight(max_steps=500), ho.TentHill(), ho.Adam(0.1), axes)
        >>> dict(data.sizes)
        {'learning_rate': 3, 'b1': 2}
        >>> print(data.critical_height.sel(b1=0.9).values.round(6))
        [0.264287 0.412929 0.396199]
    """
    if is_traced((question, hill, optimizer)):
        raise ValueError(
            "`sweep` walks tiles and may keep them, which JAX cannot trace; inside jit, vmap and grad call `ask`."
        )
    if store is not None:
        check_is(store, Store, "store", 'ho.Store("adam.zarr")')
    if on_progress is not None:
        check_function(on_progress, "on_progress", ("progress",))
    if meanwhile is not None:
        check_function(meanwhile, "meanwhile", ())
    plan = make_plan(question, hill, optimizer, axes, dtype=dtype, budget=budget, tile=tile, seed=seed)
    template = Template(plan)
    if store is None and jax.process_count() > 1:
        raise ValueError("`store` must be given where a sweep is shared between processes; write store=ho.Store(path).")
    tiles = MemoryTiles(template) if store is None else _open(store, template)
    walk_tiles(plan, tiles, turn_of(plan.layout.tiling.num_tiles, store), on_progress, meanwhile)
    if isinstance(tiles, ZarrTiles):
        tiles.close()
    return tiles.dataset()


def _open(store: Store, template: Template) -> ZarrTiles:
    """The store, checked; the first of several processes of `jax.distributed` begins it before the others come."""
    tiles = open_tiles(store, template) if jax.process_count() == 1 else _open_first(store, template)
    tiles.forget_damaged(lambda sentence: warnings.warn(sentence, stacklevel=4))
    return tiles


def _open_first(store: Store, template: Template) -> ZarrTiles:
    """What the first process refuses all refuse, by the same sentence; or they would wait for it in vain."""
    from jax.experimental import multihost_utils

    first, refusal = None, b""
    if jax.process_index() == 0:
        try:
            first = open_tiles(store, template)
        except ValueError as error:
            refusal = str(error).encode()[:SENTENCE]
    told = multihost_utils.broadcast_one_to_all(np.frombuffer(refusal.ljust(SENTENCE, b"\0"), np.uint8))
    if sentence := np.asarray(told).tobytes().rstrip(b"\0").decode(errors="ignore"):
        raise ValueError(sentence)
    return first or open_tiles(Store(store.path, resume=True, shard=store.shard), template)
