"""What a GPU that is not there would run: compiled for it, and read from its machine code.

    python -m launch.bench.ahead_of_time --target=h100

compiles the default sweep, the fast walks of `python -m launch.bench` and epochs of training for the GPU, and prints of each the
seconds that it took to compile, its kernels, registers and spills, and of its innermost loops, inside of kernels and around them:
instructions a setting and step, kernels a round, whether the device waits for the host in every round, and what speed that admits.
Compilation and counts are facts. Speeds are a model's: no instruction comes late, memory is as fast as it can be, a kernel takes
2 microseconds at least and a wait for the host 10. Nothing runs, so there are no times, and products of matrices and convolutions,
which libraries choose on a device, are counted as one kernel each.

It needs the extra `ahead-of-time` (300 MB; no GPU, no driver): pip install '.[ahead-of-time]'. Expect 3 minutes on two cores.
"""

import dataclasses

import jax

from launch import command
from launch.bench.compiled import compiling, programs
from launch.bench.compiled.launches import Launch
from launch.bench.compiled.machine_code import Kernel
from launch.bench.compiled.targets import TARGETS, WARP, Target


@dataclasses.dataclass(frozen=True)
class Settings:
    """For what to compile, and what."""

    target: str = command.flag("h100", "The GPU to compile for.", choices=tuple(TARGETS))
    programs: str = command.flag("", "Compile those alone whose name holds this.")


LAUNCH, WAIT = 2e-6, 10e-6  # seconds of a kernel and of a wait for the host, at least


def main(settings: Settings) -> None:
    """Compile and tell, one program after another."""
    target = TARGETS[settings.target]
    known = programs.programs()
    chosen = {name: each for name, each in known.items() if settings.programs in name}
    if not chosen:
        raise ValueError(f"`programs` must be part of a name such as {next(iter(known))!r}; choose another.")
    compiling.check(target)
    print(f"for {target.name}, jax {jax.__version__}; counts are facts, speeds a model's")
    for name, program in chosen.items():
        print(name, *lines(program, target), sep="\n    ", flush=True)


def lines(program: programs.Program, target: Target) -> list[str]:
    """What is told of a program, or why it cannot be compiled."""
    try:
        compiled = compiling.compiled_for(target, program)
    except ValueError as error:
        return [f"cannot be compiled: {error}"]
    return told(compiled, program.settings, target)


def told(compiled: compiling.Compiled, settings: int, target: Target) -> list[str]:
    """Of all of a program, and of each of its innermost loops."""
    kernels, leaves = compiled.kernels.values(), list(compiled.launches.leaves())
    spilled = sum(kernel.spilled for kernel in kernels)
    found = [
        f"compiled in {compiled.seconds:.1f} s ({compiled.processor_seconds:.1f} s of processors); {len(leaves)} launches, "
        f"{max((kernel.registers for kernel in kernels), default=0)} registers at most, "
        f"{f'{spilled} bytes spilled' if spilled else 'no spills'}, "
        f"{len(list(compiled.launches.waiting()))} loops and branches that wait for the host",
    ]
    for launch in leaves:
        kernel = compiled.kernels.get(launch.name)
        if kernel is not None and settings and is_ours(launch):
            found += [inside(kernel, launch, index, settings, target) for index in range(len(kernel.loops))]
    for loop, in_buffer in compiled.launches.innermost():
        found.append(around(loop, in_buffer, compiled, settings > 0, target))
    return found


def is_ours(launch: Launch) -> bool:
    """Whether a kernel was written as one, and not fused by XLA."""
    return not launch.name.startswith("wrapped_") and "fusion" not in launch.name


def inside(kernel: Kernel, launch: Launch, index: int, settings: int, target: Target) -> str:
    """A loop in a kernel's own code."""
    loop = kernel.loops[index]
    walked = settings * loop.steps
    speed = walked * target.issues / (launch.threads / WARP * loop.clocks)
    return (
        f"loop {index + 1} inside of {kernel.name}, {kernel.registers} registers: "
        f"{launch.threads * len(loop) / walked:.1f} instructions a setting and step; at most {speed:.2g} steps/s"
    )


def around(loop: Launch, in_buffer: bool, compiled: compiling.Compiled, is_walk: bool, target: Target) -> str:
    """A loop whose every round launches kernels."""
    leaves = list(loop.leaves())
    waits = loop.waits and not in_buffer
    line = f"loop of {len(leaves)} launches a round, {'waits for the host' if waits else 'without the host'}"
    if loop.rounds is not None:
        line += f", {loop.rounds:,} rounds"
    ways = [
        (each.threads / WARP, compiled.kernels[each.name].whole) for each in leaves if each.name in compiled.kernels
    ]
    traffic = [compiled.traffic[each.name] for each in leaves if each.name in compiled.traffic]
    lanes = max((each.lanes for each in traffic), default=0)
    if not (is_walk and lanes):
        return line
    moved = sum(each.bytes for each in traffic)
    seconds = max(sum(warps * way.clocks for warps, way in ways) / target.issues, moved / target.bandwidth)
    speed = lanes / (max(seconds, LAUNCH * len(leaves)) + WAIT * waits)
    instructions = sum(warps * len(way) for warps, way in ways) * WARP / lanes
    return (
        f"{line}: {instructions:.1f} instructions and {moved / lanes:.0f} bytes a lane, {lanes:,} lanes; "
        f"at most {speed:.2g} lanes/s"
    )


if __name__ == "__main__":
    command.run(main, Settings)
