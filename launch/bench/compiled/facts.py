"""What is told of a compiled program: counts, which are facts, and the speed that they admit, which is a model's."""

from typing import Any, NamedTuple

from launch.bench.compiled.compiling import Compiled, Program
from launch.bench.compiled.launches import Launch
from launch.bench.compiled.machine_code import Way
from launch.bench.compiled.targets import WARP, Target

LAUNCH, WAIT = 2e-6, 10e-6  # seconds of a kernel and of a wait for the host, at least


class Loop(NamedTuple):
    """An innermost loop: inside of a kernel, or around some."""

    kernel: str
    """That it is inside of; empty where it is around."""
    launches: int
    """In a round."""
    waits: bool
    """For the host, in every round."""
    rounds: int | None
    """Where they are known before it begins."""
    instructions: float
    """A setting and step inside of a kernel, a lane and round around some; 0 where nothing is walked."""
    moved: float
    """Bytes a lane and round."""
    speed: float
    """Steps or lanes a second, at most."""

    def __str__(self) -> str:
        if self.kernel:
            return (
                f"loop inside of {self.kernel}: {self.instructions:.1f} instructions a setting and step; "
                f"at most {self.speed:.2g} steps/s"
            )
        line = f"loop of {self.launches} launches a round, {'waits for the host' if self.waits else 'without the host'}"
        line += "" if self.rounds is None else f", {self.rounds:,} rounds"
        if not self.speed:
            return line
        return f"{line}: {self.instructions:.1f} instructions and {self.moved:.0f} bytes a lane; at most {self.speed:.2g} lanes/s"


class Facts(NamedTuple):
    """Of all of a program, and of each of its innermost loops."""

    seconds: float
    processor_seconds: float
    launches: int
    """Every loop taken once."""
    waiting: int
    """Loops and branches in which the device waits for the host."""
    registers: int
    """Of the kernel that has most."""
    spilled: dict[str, int]
    """Bytes, of the kernels that spill."""
    loops: list[Loop]

    def __str__(self) -> str:
        spilled = ", ".join(f"{name} spills {number} bytes" for name, number in self.spilled.items()) or "no spills"
        about = (
            f"compiled in {self.seconds:.1f} s ({self.processor_seconds:.1f} s of processors); {self.launches} launches, "
            f"{self.waiting} loops and branches wait for the host; {self.registers} registers at most, {spilled}"
        )
        return "\n    ".join([about, *map(str, self.loops)])

    def as_json(self) -> dict[str, Any]:
        """By name, loops too."""
        return {**self._asdict(), "loops": [loop._asdict() for loop in self.loops]}


def facts_of(compiled: Compiled, program: Program, target: Target) -> Facts:
    """Of a program as it was compiled."""
    kernels, launches = compiled.kernels, list(compiled.launches.leaves())
    settings, width = program.settings, program.width
    loops = [inside(*one, settings, target) for one in written_loops(compiled)] if settings else []
    loops += [
        around(loop, free, compiled, width if settings else 0, target) for loop, free in compiled.launches.innermost()
    ]
    return Facts(
        compiled.seconds,
        compiled.processor_seconds,
        len(launches),
        len(list(compiled.launches.waiting())),
        max((kernel.registers for kernel in kernels.values()), default=0),
        {kernel.name: kernel.spilled for kernel in kernels.values() if kernel.spilled},
        loops,
    )


def written_loops(compiled: Compiled) -> list[tuple[Launch, Way]]:
    """The innermost loops inside of kernels that were written as such, and not fused by XLA."""
    fused = [name for name in compiled.kernels if name.startswith("wrapped_") or "fusion" in name]
    launches = [each for each in compiled.launches.leaves() if each.name in compiled.kernels and each.name not in fused]
    return [(launch, loop) for launch in launches for loop in compiled.kernels[launch.name].loops]


def instructions_of(launch: Launch, loop: Way, settings: int) -> float:
    """Of a step of one setting, inside of a kernel that walks so many."""
    return launch.threads * len(loop) / (settings * loop.steps)


def inside(launch: Launch, loop: Way, settings: int, target: Target) -> Loop:
    """A loop in a kernel's own code."""
    speed = settings * loop.steps * target.issues / (launch.threads / WARP * loop.clocks)
    return Loop(launch.name, 0, False, None, instructions_of(launch, loop, settings), 0.0, speed)


def around(loop: Launch, in_buffer: bool, compiled: Compiled, width: int, target: Target) -> Loop:
    """A loop whose every round launches kernels; a command buffer's needs no host. A lane has so many numbers, or is none."""
    launches, waits = list(loop.leaves()), loop.waits and not in_buffer
    traffic = [compiled.traffic[each.name] for each in launches if each.name in compiled.traffic]
    lanes = max((each.lanes for each in traffic), default=0) / width if width else 0
    if lanes < 1:
        return Loop("", len(launches), waits, loop.rounds, 0.0, 0.0, 0.0)
    warps = [
        (each.threads / WARP, compiled.kernels[each.name].whole) for each in launches if each.name in compiled.kernels
    ]
    moved = sum(each.bytes for each in traffic)
    instructions = sum(number * len(way) for number, way in warps) * WARP
    seconds = max(sum(number * way.clocks for number, way in warps) / target.issues, moved / target.bandwidth)
    speed = lanes / (max(seconds, LAUNCH * len(launches)) + WAIT * waits)
    return Loop("", len(launches), waits, loop.rounds, instructions / lanes, moved / lanes, speed)
