"""Kernels as machine code: registers, spills, and the instructions of what is walked again and again.

PTX comes from XLA; NVIDIA's assembler and disassembler, which are packages of their own, make the rest of it. What is counted is
the usual way: blocks that call a subroutine, for denormals say, are gone round.
"""

import collections
import importlib.util
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

# Clocks for which an instruction of a warp keeps a unit of a scheduler busy, on Hopper: 32 lanes add and multiply in float32,
# 16 compare, select, count and work in float64, 4 take reciprocals and roots.
UNITS: dict[str, tuple[int, str]] = {
    "special functions": (8, "MUFU"),
    "float64": (2, "DADD DMUL DFMA DSETP DMNMX"),
    "float32": (1, "FADD FMUL FFMA HFMA2"),
    "conversions": (4, "F2F I2F F2I FRND"),
    "memory": (2, "LDG STG LDS STS LDL STL ATOMG RED"),
    "integers": (
        2,
        "FSETP FSEL FMNMX FCHK ISETP SEL IADD3 VIADD LOP3 SHF MOV PLOP3 LEA PRMT IMNMX VIMNMX IMAD IABS POPC",
    ),
}
_CLOCKS = {name: (unit, clocks) for unit, (clocks, names) in UNITS.items() for name in names.split()}
_LINE = re.compile(r"\s+/\*([0-9a-f]{4,})\*/\s+(?:@(!?U?P\w+)\s+)?([A-Z][\w.]*)\s*(.*?)\s*;")
_LABEL = re.compile(r"(\.L_x_\d+|\$\S+):")
_TARGET = re.compile(r"`\((\.L_x_\d+)\)")
MOST_STEPS = 256  # in one round; what is larger is no count of steps
_COUNTED = re.compile(r"(U?R\d+), \1, (-?0x[0-9a-f]+)")


class Instruction(NamedTuple):
    """One line of a disassembly."""

    at: int
    guard: str
    name: str
    operands: str

    @property
    def base(self) -> str:
        return self.name.split(".")[0]

    @property
    def target(self) -> str | None:
        """The label that a branch goes to."""
        found = _TARGET.search(self.operands)
        return found[1] if found and self.base == "BRA" else None


class Way(NamedTuple):
    """Instructions that a warp usually takes one after another."""

    instructions: tuple[Instruction, ...]
    steps: int = 1
    """Of a loop, in one round: compilers unroll."""

    def __len__(self) -> int:
        return len(self.instructions)

    @property
    def clocks(self) -> int:
        """A scheduler's, at least: an instruction a clock, and the units' own pace."""
        busy: collections.Counter[str] = collections.Counter()
        for unit, clocks in (_CLOCKS[each.base] for each in self.instructions if each.base in _CLOCKS):
            busy[unit] += clocks
        return max(len(self.instructions), *busy.values(), 1)


class Kernel(NamedTuple):
    """A kernel's machine code."""

    name: str
    registers: int
    spilled: int
    """Bytes that are stored and loaded for want of registers."""
    whole: Way
    loops: tuple[Way, ...]
    """The innermost ones."""


def tool(name: str) -> Path | None:
    """One of NVIDIA's programs, where its package is installed."""
    found = importlib.util.find_spec("nvidia")
    folders = [] if found is None else list(found.submodule_search_locations or ())
    paths = [path for folder in folders for path in Path(folder).glob(f"cu*/bin/{name}")]
    return paths[0] if paths else None


def kernels_of(folder: Path) -> dict[str, Kernel]:
    """All kernels whose PTX lies in a folder, by name."""
    sources, assembler, disassembler = sorted(folder.glob("*.ptx")), tool("ptxas"), tool("nvdisasm")
    if not sources:
        return {}
    assert assembler is not None
    assert disassembler is not None
    (architecture,) = {found for path in sources for found in re.findall(r"(?m)^\.target (\w+)", path.read_text())}
    cubin = folder / "all.cubin"
    said = _run(assembler, "-v", f"-arch={architecture}", *sources, "-o", cubin)
    return kernels_from(said, _run(disassembler, "-c", cubin))


def kernels_from(said: str, disassembly: str) -> dict[str, Kernel]:
    """From what the assembler says of every kernel, and from a disassembly of all."""
    of_each = r"entry function '(\S+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers"
    code = functions_of(disassembly)
    return {
        name: Kernel(name, int(registers), int(stores) + int(loads), *ways_of(*code[name]))
        for name, stores, loads, registers in re.findall(of_each, said, re.DOTALL)
    }


def _run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


Code = tuple[list[Instruction], dict[str, int]]
"""Instructions, and the addresses of labels."""


def functions_of(text: str) -> dict[str, Code]:
    """A disassembly by kernel, without the subroutines behind them."""
    found: dict[str, Code] = {}
    waiting: list[str] = []
    code: Code | None = None
    for line in text.splitlines():
        if begins := re.match(r"\.text\.(\S+):", line):
            code = found.setdefault(begins[1], ([], {}))
        elif label := _LABEL.match(line):
            waiting.append(label[1])
            code = None if label[1].startswith("$") else code
        elif code is not None and (each := _LINE.match(line)):
            at = int(each[1], 16)
            code[1].update(dict.fromkeys(waiting, at))
            waiting = []
            code[0].append(Instruction(at, each[2] or "", each[3], each[4]))
    return found


def ways_of(instructions: list[Instruction], labels: dict[str, int]) -> tuple[Way, tuple[Way, ...]]:
    """The usual way through a kernel, loops once each, and that through its innermost loops."""
    end = next(
        (n for n, each in enumerate(instructions) if each.base == "EXIT" and not each.guard), len(instructions) - 1
    )
    back = [
        (labels[each.target], each.at)
        for each in instructions
        if each.target and labels.get(each.target, each.at) < each.at
    ]
    inner = [loop for loop in set(back) if not any(loop != o and loop[0] <= o[0] and o[1] <= loop[1] for o in back)]
    loops = [
        _usual([each for each in instructions if first <= each.at <= last], labels) for first, last in sorted(inner)
    ]
    return Way(tuple(_usual(instructions[: end + 1], labels))), tuple(Way(tuple(loop), _steps(loop)) for loop in loops)


def _usual(block: list[Instruction], labels: dict[str, int]) -> list[Instruction]:
    """Without what a branch goes round because a subroutine is called there."""
    rare: set[int] = set()
    for n, each in enumerate(block):
        if each.base == "CALL":
            rounds = [b for b in block[:n] if b.target and labels.get(b.target, 0) > each.at]
            if rounds:
                rare.update(range(rounds[-1].at + 1, labels[str(rounds[-1].target)]))
    return [each for each in block if each.at not in rare]


def _steps(loop: list[Instruction]) -> int:
    """By how much what the loop's last branch hangs on goes up or down in every round."""
    guard = loop[-1].guard.lstrip("!")
    deciding = [each for each in loop if each.base == "ISETP" and each.operands.startswith(f"{guard},")]
    compared = " ".join(each.operands for each in deciding or loop if each.base in ("ISETP", "UISETP"))
    counts = [_COUNTED.match(each.operands) for each in loop if each.base in ("IADD3", "UIADD3", "VIADD")]
    changes = [abs(int(count[2], 16)) for count in counts if count and re.search(rf"\b{count[1]}\b", compared)]
    return max((change for change in changes if change <= MOST_STEPS), default=1)
