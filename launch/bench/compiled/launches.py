"""What a compiled program launches, and where it waits for the host: read from what XLA writes down of a compilation."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SIZES = {"pred": 1, "s8": 1, "u8": 1, "f16": 2, "bf16": 2, "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8}
HOLDERS = ("kWhile", "kCommandBuffer", "kConditional", "kSequential")
_LINE = re.compile(r"(\s*)(\d+): (k\w+)\s+\[.*?\]\s*(\w*)(.*)")


class Launch(NamedTuple):
    """A kernel, a copy or a call of a library; or a loop or a command buffer with what is inside."""

    kind: str
    name: str = ""
    threads: int = 0
    rounds: int | None = None
    """Of a loop, where they are known before it begins."""
    inside: tuple["Launch", ...] = ()

    @property
    def waits(self) -> bool:
        """Whether the host must look, on its way through, how it goes on."""
        return self.kind == "kConditional" or (self.kind == "kWhile" and self.rounds is None)

    def leaves(self) -> Iterator["Launch"]:
        """What is launched on its way through, every loop once."""
        if self.kind not in HOLDERS:
            yield self
        for each in self.inside:
            yield from each.leaves()

    def innermost(self, in_buffer: bool = False) -> Iterator[tuple["Launch", bool]]:
        """Loops that hold no others, and whether all of it is a command buffer's, which needs no host."""
        found = [each for one in self.inside for each in one.innermost(in_buffer or self.kind == "kCommandBuffer")]
        yield from found
        if self.kind == "kWhile" and not found:
            yield self, in_buffer

    def waiting(self) -> Iterator["Launch"]:
        """Loops and branches in which the device waits for the host."""
        if self.kind == "kCommandBuffer":
            return
        if self.waits:
            yield self
        for each in self.inside:
            yield from each.waiting()


def launches_of(folder: Path) -> Launch:
    """All that the program compiled into a folder launches."""
    (hlo,) = folder.glob("*_gpu_after_optimizations.txt")
    names = sorted(folder.glob("*thunk_sequence*.txt"), key=lambda path: "after" in path.name)
    (metadata,) = folder.glob("*thunk_metadata.txt")
    return tree(names[-1].read_text(), loop_rounds(metadata.read_text(), hlo.read_text()))


def loop_rounds(metadata: str, hlo: str) -> dict[int, int]:
    """Rounds of loops that are known beforehand, by the number of their launch."""
    known = dict(re.findall(r'%?([\w.-]+) = [^\n]*? while\([^\n]*"known_trip_count":\{"n":"(\d+)"', hlo))
    told = re.findall(r'profile_annotation: "([^"]+)"\s+thunk_id: (\d+)', metadata)
    return {int(number): int(known[name]) for name, number in told if name in known}


class _Row(NamedTuple):
    """A line of a sequence."""

    indent: int
    launch: Launch
    in_condition: bool


def tree(text: str, rounds: dict[int, int]) -> Launch:
    """A sequence of launches as text, whose indentation says what lies inside of what; conditions of known loops are not run."""
    rows, part = [], ""
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            part = line.strip() or part
            continue
        indent, number, kind, label, rest = found.groups()
        launch = Launch(kind, "" if kind in HOLDERS else label, _threads(rest), rounds.get(int(number)))
        rows.append(_Row(len(indent), launch, part == "condition:"))
    return Launch("kSequential", inside=_nested(rows))


def _nested(rows: list[_Row]) -> tuple[Launch, ...]:
    """Rows that lie side by side, each with what lies inside of it."""
    found = []
    while rows:
        first, *rest = rows
        end = next((n for n, row in enumerate(rest) if row.indent <= first.indent), len(rest))
        inside, rows = rest[:end], rest[end:]
        if first.launch.kind == "kWhile" and not first.launch.waits:
            inside = [row for row in inside if not row.in_condition]
        found.append(first.launch._replace(inside=_nested(inside)))
    return tuple(found)


def _threads(rest: str) -> int:
    shapes = re.findall(r"(?:grid|threads): \[([\d, ]+)\]", rest)
    return math.prod(int(size) for shape in shapes for size in shape.split(",")) if shapes else 0


class Traffic(NamedTuple):
    """What a fused kernel has to do with memory."""

    bytes: int
    """Read and written, at most: an array that is gathered from counts as a whole."""
    lanes: int
    """Numbers of its largest result."""


def traffic_of(folder: Path) -> dict[str, Traffic]:
    """Of every fused kernel, by the name of its launch."""
    (path,) = folder.glob("*_gpu_after_optimizations.txt")
    hlo = path.read_text()
    signatures = dict(re.findall(r"^%([\w.-]+) (\(.*\) -> .*) \{$", hlo, re.MULTILINE))
    calls = re.findall(r"%([\w.-]+) = [^\n]* fusion\([^\n]*calls=%([\w.-]+)", hlo)
    return {re.sub(r"[.-]", "_", name): _traffic(signatures.get(called, "")) for name, called in calls}


def _traffic(signature: str) -> Traffic:
    """By the shapes of parameters and results."""
    _, _, results = signature.partition("->")
    lanes = (count for _, count in _arrays(results))
    return Traffic(sum(SIZES.get(dtype, 0) * count for dtype, count in _arrays(signature)), max(lanes, default=0))


def _arrays(text: str) -> list[tuple[str, int]]:
    """Types and numbers of all arrays whose shapes a text names."""
    shapes = re.findall(r"\b([a-z]+\d*)\[([\d,]*)\]", text)
    return [(dtype, math.prod(int(size) for size in dims.split(",") if size)) for dtype, dims in shapes]
