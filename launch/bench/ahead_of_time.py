"""What a GPU that is not there would run: compiled for it, and read from its machine code.

    python -m launch.bench.ahead_of_time --target=h100

compiles the default sweep, the fast walks of `python -m launch.bench`, a map of small networks and epochs of training for the GPU.
It prints of each the seconds that it took to compile, its kernels, registers and spills, and of its innermost loops, inside of
kernels and around them: instructions a setting and step, kernels a round, whether the device waits for the host in every round,
and what speed that admits; a lane of the loop around a map is a network, a round its step.
Compilation and counts are facts. Speeds are a model's: no instruction comes late, memory is as fast as it can be, a kernel takes
2 microseconds at least and a wait for the host 10. Nothing runs, so there are no times, and products of matrices and convolutions,
which libraries choose on a device, are counted as one kernel each.

It needs the extra `ahead-of-time` (300 MB; no GPU, no driver): pip install '.[ahead-of-time]'. Expect 4 minutes on two cores.
"""

import dataclasses
import json
from pathlib import Path

import jax

from launch import command
from launch.bench.compiled import compiling, facts, programs
from launch.bench.compiled.targets import TARGETS


@dataclasses.dataclass(frozen=True)
class Settings:
    """For what to compile, and what."""

    target: str = command.flag("h100", "The GPU to compile for.", choices=tuple(TARGETS))
    programs: str = command.flag("", "Compile those alone whose name holds this.")
    json: Path | None = command.flag(None, "Write all that is told into this file too.")


def main(settings: Settings) -> None:
    """Compile and tell, one program after another."""
    target, known = TARGETS[settings.target], programs.programs()
    chosen = {name: each for name, each in known.items() if settings.programs in name}
    if not chosen:
        raise ValueError(f"`programs` must be part of a name such as {next(iter(known))!r}; choose another.")
    compiling.check(target)
    if settings.json is not None:
        settings.json.touch()  # what cannot be written is told before anything is compiled
    print(f"for {target.name}, jax {jax.__version__}; counts are facts, speeds a model's")
    found = {}
    for name, program in chosen.items():
        try:
            found[name] = facts.facts_of(compiling.compiled_for(target, program), program, target)
        except ValueError as error:
            print(f"{name}\n    cannot be compiled: {error}", flush=True)
        else:
            print(f"{name}\n    {found[name]}", flush=True)
    if settings.json is not None:
        settings.json.write_text(json.dumps({name: each.as_json() for name, each in found.items()}))


if __name__ == "__main__":
    command.run(main, Settings)
