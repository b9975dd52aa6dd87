"""A grid of settings, walked tile by tile, as one labelled data set."""

import concurrent.futures
import contextlib
import functools
import os
import queue
import socket
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from jaxtyping import ArrayLike

from hillopt.axes import Axis
from hillopt.blocks import compiler_options
from hillopt.critical import DEFAULT_MAX_STEPS
from hillopt.dataset import label
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.plan import Lanes, Plan, make_plan
from hillopt.store import Store, open_store
from hillopt.verdicts import Verdict

if TYPE_CHECKING:
    import xarray

BETWEEN_LOOKS = 2.0  # seconds between two looks at what other processes have finished, at least,
LOOKING_SHARE = 0.05  # and so that they take no more of the time than this
MOST_STEPS = 2**20


class Progress(NamedTuple):
    """What a sweep tells on its way, of all processes that fill its store."""

    cells: int
    """Settings answered so far."""
    total: int
    found: int
    """How many of them stood already when this process began."""
    steps: int
    """Optimizer steps that this process's settings stand for, where the outcome counts them; a ramp walked in closed form
    counts in full."""
    tiles: int
    of_tiles: int


def sweep(
    hill: AbstractHill,
    optimizer: Callable[..., AbstractOptimizer],
    axes: Mapping[str, Axis | ArrayLike | Sequence[float]],
    *,
    fixed: Mapping[str, Any] | None = None,
    max_steps: int | str = DEFAULT_MAX_STEPS,
    most_steps: int = MOST_STEPS,
    dtype: str | None = None,
    tile: int | None = None,
    implementation: str | None = None,
    outcome: str = "height",
    noise: float | None = None,
    num_walks: int = 1_000,
    seed: int = 0,
    path: str | os.PathLike[str] | None = None,
    resume: bool = False,
    shard: tuple[int, int] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> "xarray.Dataset":
    """Critical heights, or another outcome, over the product of all axes.

    **Arguments**

    - `hill`: the landscape; for critical heights its own height is ignored.
    - `optimizer`: what makes one, such as `ho.Adam` or `functools.partial(ho.from_optax, optax.radam)`.
    - `axes`: name to `Axis` or increasing values. A name is a hyperparameter, a number of the hill such as its "height", or
      "noise". For critical heights an axis "height" is not walked: it adds the verdicts on hills of those heights, which
      follow from the critical height.
    - `fixed`: the hyperparameters that are not swept and not left at their default.
    - `max_steps`, `implementation`: as in `critical_height`. `max_steps="auto"` begins with 1,024 steps and doubles them for
      those settings that are still undecided, until none is or `most_steps` are reached. (On the lattice nothing is walked
      twice for that: there the others have stopped anyway.)
    - `dtype`: "float32" or "float64" (which JAX must have switched on); None for JAX's default.
    - `tile`: settings walked at once on a device; 8,192 to 65,536 on a CPU by default. All tiles have one shape, so one
      compilation a device serves; they are made of whole blocks, and the answer does not depend on their size, bit for bit.
    - `outcome`: "height" (`critical_height`), "escape" (`escape`), "probability" of an escape, mean "first_passage" (both of
      noisy walks), "loss" (the elevation after max_steps), or "stability" (`stability`, 16 repeats).
    - `noise`, `num_walks`, `seed`: deviation of Gaussian noise in the slope and walks a setting, for the noisy outcomes.
    - `path`: a folder or a URL that fsspec knows, for a Zarr store that is filled tile by tile. Memory is then bounded by
      the tile, and what is returned reads from the store.
    - `resume`: go on with the store at `path`, begun by this process or another, now or long ago. Finished tiles are checked
      against their checksums, then only the others are walked. Several processes may fill one store at once.
    - `shard`: (i, n) to walk every n-th tile only, from the i-th on; processes with all i of n share the work without a word
      to each other. Those of `jax.distributed` do without.
    - `on_progress`: called after every tile, and at the end if others have finished more or nothing was left to do.

    All local devices walk tiles. Returns a data set whose dimensions are the axes in the given order. Raises ValueError,
    before any walk, for unknown names, bad axes, hyperparameters out of range, a path that exists or holds something else,
    and grids that do not fit into memory or onto the path's disk; and later for a disk that does not take a tile.
    """
    plan = make_plan(
        hill,
        optimizer,
        axes,
        fixed or {},
        max_steps,
        most_steps,
        dtype,
        tile,
        implementation,
        outcome,
        noise,
        num_walks,
        seed,
    )
    _check_sharing(path, resume, shard)
    if path is None:
        _check_memory(plan)
        memory = _Memory(plan)
        _walk(plan, memory, list(range(plan.tiling.number)), on_progress)
        return label(plan.template, memory.results)
    store = _open(plan, path, resume or shard is not None)
    store.forget_damaged(lambda sentence: warnings.warn(sentence, stacklevel=3))
    _walk(plan, store, _turn(plan.tiling.number, resume, shard), on_progress)
    store.clean()
    return store.dataset()


def _check_sharing(path: Any, resume: bool, shard: tuple[int, int] | None) -> None:
    if path is None and (resume or shard is not None or jax.process_count() > 1):
        raise ValueError("`path` must be given where a sweep is resumed or shared between processes; name a store.")
    if shard is not None and not (len(shard) == 2 and 0 <= shard[0] < shard[1]):
        raise ValueError(f"`shard` must be (i, n) with 0 <= i < n, got {shard!r}; number the shards from 0.")
    if shard is not None and jax.process_count() > 1:
        raise ValueError(
            "`shard` is for processes that do not know each other; those of jax.distributed do without it."
        )


def _check_memory(plan: Plan) -> None:
    needed = plan.template.num_bytes(plan.results)
    available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > available:
        raise ValueError(
            f"`axes` give {plan.size:,} settings, whose result needs {needed / 2**30:.3g} GiB of memory, and this machine "
            f"has {available / 2**30:.3g}; give a `path` to store it, or take fewer points."
        )


def _open(plan: Plan, path: Any, resume: bool) -> Store:
    """The store, which the first of several processes of `jax.distributed` begins before the others come."""
    open_it = functools.partial(open_store, path, plan.template, plan.tiling, plan.results, plan.settings())
    if jax.process_count() == 1:
        return open_it(resume)
    from jax.experimental import multihost_utils

    store = open_it(resume) if jax.process_index() == 0 else None
    multihost_utils.sync_global_devices("hillopt: the store is begun")
    return store or open_it(True)


def _turn(tiles: int, resume: bool, shard: tuple[int, int] | None) -> list[int]:
    """The tiles in the order in which this process looks for unfinished ones.

    Processes begin at different places, so that they meet late; whoever has finished its own part helps the others.
    """
    if shard is not None:
        return list(range(shard[0], tiles, shard[1]))
    if jax.process_count() > 1:
        first = jax.process_index() * tiles // jax.process_count()
    else:
        first = zlib.crc32(f"{socket.gethostname()} {os.getpid()}".encode()) % tiles if resume else 0
    return [*range(first, tiles), *range(first)]


class _Memory:
    """A store in memory."""

    def __init__(self, plan: Plan) -> None:
        self.tiling = plan.tiling
        self.results = {name: np.empty(plan.template.shape(name), field.dtype) for name, field in plan.results.items()}

    def is_finished(self, number: int) -> bool:
        del number
        return False

    def finished(self) -> np.ndarray:
        return np.zeros(self.tiling.number, bool)

    def write(self, number: int, results: Mapping[str, np.ndarray]) -> None:
        for name, values in results.items():
            region: Any = (..., *self.tiling.region(number))
            self.results[name][region] = values


def _walk(plan: Plan, store: Store | _Memory, turn: list[int], on_progress: Callable[[Progress], None] | None) -> None:
    """Walk the unfinished tiles, each on the next free device, store them and tell of it."""
    counter, template = _Counter(plan, store), plan.template
    told = None
    dealer = _Dealer(store, turn, counter)
    devices = jax.local_devices()[: max(1, int((~counter.finished[turn]).sum()))]
    walked: queue.Queue[_Walked] = queue.Queue(maxsize=2 * len(devices))  # so that a slow disk holds the walks up
    with concurrent.futures.ThreadPoolExecutor(len(devices)) as threads:
        walkers = [threads.submit(_Walker(plan, device).walk, dealer, walked) for device in devices]
        try:
            for number, answer in _as_they_come(walkers, walked):
                store.write(number, template.judged(answer))
                counter.note(number, answer)
                told = counter.progress()
                if on_progress is not None:
                    on_progress(told)
        finally:
            dealer.close()
            while not all(walker.done() for walker in walkers):
                with contextlib.suppress(queue.Empty):
                    walked.get(timeout=0.1)
    counter.look(now=True)
    if on_progress is not None and counter.progress() != told:
        on_progress(counter.progress())


_Walked = tuple[int, dict[str, np.ndarray]]


def _as_they_come(walkers: list[concurrent.futures.Future], walked: "queue.Queue[_Walked]") -> Iterator[_Walked]:
    """Tiles from all devices until none walks any more; what one of them raises is raised here."""
    while True:
        over = all(walker.done() for walker in walkers)  # looked at first: what they have walked is in the queue then
        for walker in walkers:
            if walker.done():
                walker.result()
        try:
            yield walked.get(timeout=0.05)
        except queue.Empty:
            if over:
                return


class _Dealer:
    """Hands out unfinished tiles one by one, to whichever device asks; looked up when their turn comes."""

    def __init__(self, store: Store | _Memory, turn: list[int], counter: "_Counter") -> None:
        self._store, self._turn, self._counter = store, iter(turn), counter
        self._lock = threading.Lock()

    def next(self) -> int | None:
        """The number of a tile, or None if all are dealt."""
        with self._lock:
            for number in self._turn:
                self._counter.look()
                if not (self._counter.finished[number] or self._store.is_finished(number)):
                    return number
                self._counter.finished[number] = True
        return None

    def close(self) -> None:
        """Deal no more."""
        with self._lock:
            self._turn = iter(())


class _Counter:
    """What is finished, by this process and by others."""

    def __init__(self, plan: Plan, store: Store | _Memory) -> None:
        self._plan, self._store = plan, store
        self._sizes = np.array([plan.tiling.cells(number) for number in range(plan.tiling.number)])
        self._next_look = time.monotonic() + BETWEEN_LOOKS
        self.finished = self._store.finished()
        self._found = int(self._sizes[self.finished].sum())
        self._steps = 0

    def look(self, now: bool = False) -> None:
        """See now and then what other processes have finished."""
        began = time.monotonic()
        if isinstance(self._store, Store) and (now or began > self._next_look):
            self.finished |= self._store.finished()
            took = time.monotonic() - began
            self._next_look = began + max(BETWEEN_LOOKS, took / LOOKING_SHARE)

    def note(self, number: int, answer: Mapping[str, np.ndarray]) -> None:
        self.finished[number] = True
        self._steps += int(answer["num_steps"].sum(dtype=np.int64)) if "num_steps" in answer else 0

    def progress(self) -> Progress:
        return Progress(
            cells=int(self._sizes[self.finished].sum()),
            total=self._plan.size,
            found=self._found,
            steps=self._steps,
            tiles=int(self.finished.sum()),
            of_tiles=self._plan.tiling.number,
        )


class _Walker:
    """Walks tiles on one device, by one compiled program."""

    def __init__(self, plan: Plan, device: jax.Device) -> None:
        """Lower the programs here, in the caller's thread, whose configuration of JAX counts; they are compiled by `walk`."""
        self.plan, self._device = plan, device
        self._some = self._lowered(plan.lanes(0))
        if plan.cap > plan.max_steps:
            self._few = self._lowered(jax.tree.map(lambda leaf: np.resize(leaf, (1, 2 * plan.block)), plan.lanes(0)))

    def _lowered(self, lanes: Lanes) -> Callable[[Lanes, int], dict[str, jax.Array]]:
        here = jax.sharding.SingleDeviceSharding(self._device)
        shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), lanes)
        steps = jax.ShapeDtypeStruct((), np.int32, sharding=here)
        lowered = jax.jit(self.plan.solve, compiler_options=compiler_options()).lower(shapes, steps)
        compiled = functools.cache(lowered.compile)
        return lambda lanes, steps: compiled()(*jax.device_put((lanes, np.int32(steps)), self._device))

    def walk(self, dealer: _Dealer, walked: "queue.Queue[_Walked]") -> None:
        """Walk what is dealt; the device has its next tile before the last one is read."""
        walking: list[tuple[int, dict[str, jax.Array]]] = []
        while (number := dealer.next()) is not None:
            walking.append((number, self._some(self.plan.lanes(number), self.plan.max_steps)))
            if len(walking) == 2:
                walked.put(self._read(*walking.pop(0)))
        for each in walking:
            walked.put(self._read(*each))

    def _read(self, number: int, answer: Mapping[str, jax.Array]) -> _Walked:
        mine = {name: self.plan.without_filling(number, np.asarray(field)) for name, field in answer.items()}
        if self.plan.cap > self.plan.max_steps:
            mine = self._settle(number, mine)
        return number, {name: self.plan.as_cells(number, field) for name, field in mine.items()}

    def _settle(self, number: int, answer: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Double the steps for those settings that are undecided, until none is or the cap is reached."""
        rows, columns = shape = answer["verdict"].shape
        answer, steps = {name: field.reshape(-1).copy() for name, field in answer.items()}, self.plan.max_steps
        lanes = jax.tree.map(
            lambda leaf: np.broadcast_to(leaf[:rows, :columns], shape).reshape(-1), self.plan.lanes(number)
        )
        width = 2 * self.plan.block
        while steps < self.plan.cap and np.any(undecided := answer["verdict"] == Verdict.UNDECIDED):
            steps = min(2 * steps, self.plan.cap)
            chosen = np.flatnonzero(undecided)
            for some in np.split(chosen, range(width, len(chosen), width)):
                full = np.resize(some, (1, width))
                found = self._few(jax.tree.map(lambda leaf, full=full: leaf[full], lanes), steps)
                for name, field in found.items():
                    answer[name][some] = np.asarray(field)[0, : len(some)]
        return {name: field.reshape(shape) for name, field in answer.items()}
