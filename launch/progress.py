"""Telling how far a long command is: a bar on a terminal, a line every few seconds elsewhere."""

import collections
import sys
import time
from typing import Any

PAUSE = 3.0  # seconds between two lines
MEMORY = 60.0  # seconds over which speed is measured: what went before, compilation too, says nothing of what is left


class Reporter:
    """Counts things done, with the time they took, their speed and the time left."""

    def __init__(self, things: str, with_speed: bool = False) -> None:
        self.things, self.with_speed = things, with_speed
        self.began = self.told = time.perf_counter()
        self.seconds = 0.0
        self.marks: collections.deque[tuple[float, int]] = collections.deque()
        self.bar: Any = None

    def __enter__(self) -> "Reporter":
        if sys.stderr.isatty():
            from rich import console, progress

            columns = (progress.BarColumn(), progress.MofNCompleteColumn(), progress.TextColumn("{task.description}"))
            self.bar = progress.Progress(*columns, progress.TimeElapsedColumn(), console=console.Console(stderr=True))
            self.bar.start()
            self.task = self.bar.add_task(self.things, total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def tell(self, done: int, total: int | None, note: str = "", step: int = 0) -> None:
        """So many of so many are done, the last `step` of them just now; what stood at the first call took no time.

        Where nobody knows how many there will be, the total is None.
        """
        now = time.perf_counter()
        self.seconds = now - self.began
        if not self.marks:
            self.marks.append((self.began, done - step))
        self.marks.append((now, done))
        while len(self.marks) > 2 and now - self.marks[1][0] > MEMORY:
            self.marks.popleft()
        text = f"{self.things}{', ' + note if note else ''}{self._outlook(done, total)}"
        if self.bar is not None:
            self.bar.update(self.task, completed=done, total=total, description=text)
        elif now - self.told > PAUSE or done == total:
            self.told = now
            counted = f"{done:,}" if total is None else f"{done:,} of {total:,}"
            print(f"{counted} {text}, {self.seconds:.1f} s so far", file=sys.stderr, flush=True)

    def _outlook(self, done: int, total: int | None) -> str:
        """Speed and time left by the last minute; before the second call that is all there is."""
        if len(self.marks) > 3 and self.marks[0][0] == self.began:
            self.marks.popleft()  # the first step took a compilation too
        (then, before), (now, _) = self.marks[0], self.marks[-1]
        if done == before or now == then:
            return ""
        speed = (done - before) / (now - then)
        told = f", {speed:.3g} a second" if self.with_speed else ""
        return told + (f", {(total - done) / speed:.1f} s left" if total is not None and done < total else "")
