"""Who walks which tile when: every local device takes the next unfinished one, and so do other processes."""

import concurrent.futures
import contextlib
import math
import os
import queue
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import jax
import numpy as np

from hillopt.lanes import size_class
from hillopt.questions import Cost, in_higher_precision
from hillopt.sweeps.budget import settle
from hillopt.sweeps.layout import Lanes
from hillopt.sweeps.memory import IN_FLIGHT
from hillopt.sweeps.plan import Plan
from hillopt.sweeps.program import Program, program_for
from hillopt.sweeps.store import AbstractTiles, Store

BETWEEN_LOOKS = 2.0  # seconds between two looks at what other processes have finished, at least,
LOOKING_SHARE = 0.05  # and so that they take no more of the time than this


class Progress(NamedTuple):
    """What a sweep tells on its way, of all processes that fill its store."""

    cells: int
    """Settings answered so far."""
    num_cells: int
    found: int
    """How many of them stood already when this process began."""
    steps: int
    """Optimizer steps that this process's settings stand for, where the answer counts them; a ramp walked in closed form
    counts in full."""
    tiles: int
    num_tiles: int
    costs: tuple[Cost, ...] = ()
    """What this process has asked again in each higher precision."""


def turn_of(num_tiles: int, store: Store | None) -> list[int]:
    """The tiles in the order in which this process looks for unfinished ones.

    Processes begin at different places, so that they meet late; whoever has finished its own part helps the others.
    """
    if store is not None and store.shard is not None:
        return list(range(store.shard[0], num_tiles, store.shard[1]))
    if jax.process_count() > 1:
        first = jax.process_index() * num_tiles // jax.process_count()
    else:
        resumed = store is not None and store.resume
        first = zlib.crc32(f"{socket.gethostname()} {os.getpid()}".encode()) % num_tiles if resumed else 0
    return [*range(first, num_tiles), *range(first)]


def walk_tiles(
    plan: Plan,
    tiles: AbstractTiles,
    turn: list[int],
    on_progress: Callable[[Progress], None] | None,
    meanwhile: Callable[[], object] | None = None,
) -> None:
    """Walk the unfinished tiles, each on the next free device, store them and tell of it."""
    counter = _Counter(plan, tiles)
    told = None
    dealer = _Dealer(tiles, turn, counter)
    devices = jax.local_devices()[: max(1, int((~counter.finished[turn]).sum()))]
    walked: queue.Queue[_Walked] = queue.Queue(maxsize=2 * len(devices))  # so that a slow disk holds the walks up
    with concurrent.futures.ThreadPoolExecutor(len(devices)) as threads:
        walkers = [threads.submit(_TileWalker(plan, device).walk, dealer, walked) for device in devices]
        try:
            import xarray  # noqa: F401  (the data set's, which takes a while: now the devices' threads compile)

            if meanwhile is not None:
                meanwhile()
            for tile_index, fields in _as_they_come(walkers, walked):
                answer, costs = _asked_again(plan, tile_index, fields)
                tiles.write(tile_index, answer)
                counter.note(tile_index, answer, costs)
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
"""A tile's index, and its fields in the layout's rows and columns."""


def _asked_again(
    plan: Plan, tile_index: int, fields: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], list[Cost]]:
    """The answer in a tile's cells, what was flagged asked again, and what that took.

    Not in the devices' threads: exact arithmetic is Python's, which runs one thread at a time. The others would wait for their
    turn between any two calls, and whoever stores tiles or imports makes thousands of those.
    """
    costs: list[Cost] = []
    if plan.question.asks_again:
        rows, columns = fields["certainty"].shape
        swept = {name: leaf[:rows, :columns] for name, leaf in plan.layout.lanes(tile_index).swept.items()}
        world = plan.world.replace(**swept)
        fields, costs = in_higher_precision(world.question, (world.hill, world.optimizer), fields, plan.size)
    return {name: plan.layout.as_cells(tile_index, field) for name, field in fields.items()}, costs


def _as_they_come(walkers: list[concurrent.futures.Future], walked: "queue.Queue[_Walked]") -> Iterator[_Walked]:
    """Tiles from all devices until none walks any more; what one of them raises is raised here."""
    while True:
        over = all(walker.done() for walker in walkers)  # looked at first: what they have walked is in the queue then
        for walker in walkers:
            if walker.done():
                _result_of(walker)
        try:
            yield walked.get(timeout=0.05)
        except queue.Empty:
            if over:
                return


def _result_of(walker: concurrent.futures.Future) -> None:
    try:
        walker.result()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise ValueError(
            "`tile` does not fit into the device's memory; give a smaller one, or fewer walks of every setting."
        ) from error


class _Dealer:
    """Hands out unfinished tiles one by one, to whichever device asks; looked up when their turn comes."""

    def __init__(self, tiles: AbstractTiles, turn: list[int], counter: "_Counter") -> None:
        self._tiles, self._turn, self._counter = tiles, iter(turn), counter
        self._lock = threading.Lock()

    def next(self) -> int | None:
        """The index of a tile, or None if all are dealt."""
        with self._lock:
            for tile_index in self._turn:
                self._counter.look()
                if not (self._counter.finished[tile_index] or self._tiles.is_finished(tile_index)):
                    return tile_index
                self._counter.finished[tile_index] = True
        return None

    def close(self) -> None:
        """Deal no more."""
        with self._lock:
            self._turn = iter(())


class _Counter:
    """What is finished, by this process and by others. Looked at and noted by several threads; a flag is only ever set."""

    def __init__(self, plan: Plan, tiles: AbstractTiles) -> None:
        tiling = plan.layout.tiling
        self._tiles, self._size = tiles, plan.size
        self._sizes = np.array([tiling.cells(tile_index) for tile_index in range(tiling.num_tiles)])
        self._next_look = time.monotonic() + BETWEEN_LOOKS
        self.finished = tiles.finished()
        self._found = int(self._sizes[self.finished].sum())
        self._steps = 0
        self._costs: dict[str, Cost] = {}

    def look(self, now: bool = False) -> None:
        """See now and then what other processes have finished."""
        began = time.monotonic()
        if self._tiles.is_shared and (now or began > self._next_look):
            self.finished |= self._tiles.finished()
            took = time.monotonic() - began
            self._next_look = began + max(BETWEEN_LOOKS, took / LOOKING_SHARE)

    def note(self, tile_index: int, answer: Mapping[str, np.ndarray], costs: list[Cost]) -> None:
        self.finished[tile_index] = True
        for cost in costs:
            self._costs[cost.precision] = cost.and_(self._costs.get(cost.precision))
        self._steps += int(answer["num_steps"].sum(dtype=np.int64)) if "num_steps" in answer else 0

    def progress(self) -> Progress:
        return Progress(
            cells=int(self._sizes[self.finished].sum()),
            num_cells=self._size,
            found=self._found,
            steps=self._steps,
            tiles=int(self.finished.sum()),
            num_tiles=len(self._sizes),
            costs=tuple(self._costs.values()),
        )


class _TileWalker:
    """Walks tiles on one device, by one compiled program."""

    def __init__(self, plan: Plan, device: jax.Device) -> None:
        """Lower the programs here, in the caller's thread, whose configuration of JAX counts; they are compiled by `walk`."""
        self._plan, self._layout = plan, plan.layout
        lanes = plan.layout.lanes(0)
        self._some = self._program(lanes, device)
        self._width = min(2 * plan.question.block, size_class(math.prod(plan.layout.tiling.tile)))
        if plan.most > plan.first:
            self._few = self._program(jax.tree.map(lambda leaf: np.resize(leaf, (1, self._width)), lanes), device)

    def _program(self, lanes: Lanes, device: jax.Device) -> Program:
        return program_for(device, *self._plan.arguments(lanes, self._plan.first))

    def walk(self, dealer: _Dealer, walked: "queue.Queue[_Walked]") -> None:
        """Walk what is dealt; the device has its next tile before the last one is read, and copies that while it walks."""
        walking: list[tuple[int, dict[str, jax.Array]]] = []
        while (tile_index := dealer.next()) is not None:
            arguments = self._plan.arguments(self._layout.lanes(tile_index), self._plan.first)
            walking.append((tile_index, self._some(*arguments)))
            for field in walking[-1][1].values():
                field.copy_to_host_async()
            if len(walking) == IN_FLIGHT:
                walked.put(self._read(*walking.pop(0)))
        for each in walking:
            walked.put(self._read(*each))

    def _read(self, tile_index: int, answer: Mapping[str, jax.Array]) -> _Walked:
        mine = {name: self._layout.without_filling(tile_index, np.asarray(field)) for name, field in answer.items()}
        if self._plan.most > self._plan.first:
            lanes = self._layout.lanes(tile_index)
            mine = settle(mine, lanes, self._walk_few, self._plan.first, self._plan.most, self._width)
        return tile_index, mine

    def _walk_few(self, lanes: Lanes, max_steps: int) -> dict[str, jax.Array]:
        return self._few(*self._plan.arguments(lanes, max_steps))
