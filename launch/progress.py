"""Telling how far a long command is: a bar on a terminal, a line every few seconds elsewhere."""

import sys
import time
from typing import Any

PAUSE = 3.0  # seconds between two lines


class Reporter:
    """Counts things done, with the time they took and the time left."""

    def __init__(self, things: str) -> None:
        self.things = things
        self.began = self.told = time.perf_counter()
        self.seconds = 0.0
        self.first: int | None = None
        self.bar: Any = None

    def __enter__(self) -> "Reporter":
        if sys.stderr.isatty():
            from rich import console, progress

            columns = (progress.BarColumn(), progress.MofNCompleteColumn(), progress.TextColumn("{task.description}"))
            times = (progress.TimeElapsedColumn(), progress.TimeRemainingColumn())
            self.bar = progress.Progress(*columns, *times, console=console.Console(stderr=True))
            self.bar.start()
            self.task = self.bar.add_task(self.things, total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def tell(self, done: int, total: int, note: str = "", step: int = 0) -> None:
        """So many of so many are done, the last `step` of them just now; what stood at the first call took no time."""
        now = time.perf_counter()
        self.seconds = now - self.began
        self.first = done - step if self.first is None else self.first
        text = f"{self.things}{', ' + note if note else ''}"
        if self.bar is not None:
            self.bar.update(self.task, completed=done, total=total, description=text)
        elif now - self.told > PAUSE or done == total:
            self.told = now
            left = self.seconds * (total - done) / max(done - self.first, 1)
            print(f"{done:,} of {total:,} {text}, {self.seconds:.1f} s, {left:.1f} s left", file=sys.stderr, flush=True)
