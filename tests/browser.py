"""A page in Chromium, driven as people drive it: its mouse, wheel and fingers are the browser's own, not events made by a script.

Messages of the DevTools protocol go through two pipes (https://chromedevtools.github.io/devtools-protocol), each ended by a zero.
"""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

PATIENCE = 60.0  # seconds for an answer


class Page:
    """One page that is open."""

    def __init__(self, to: int, back: int) -> None:
        self.to, self.back, self.asked, self.waiting, self.session = to, back, 0, b"", {}
        self.errors: list[str] = []

    def ask(self, method: str, **params: Any) -> Any:
        """A command of the protocol, and its result."""
        self.asked += 1
        message = {"id": self.asked, "method": method, "params": params, **self.session}
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("method") == "Runtime.exceptionThrown":
                self.errors.append(told["params"]["exceptionDetails"]["exception"]["description"])
            if told.get("id") == self.asked:
                assert "error" not in told, (method, told)
                return told["result"]

    def _next(self) -> Any:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.waiting:
            ready, _, _ = select.select([self.back], [], [], max(0, deadline - time.monotonic()))
            assert ready, "Chromium does not answer"
            self.waiting += os.read(self.back, 2**16)
        message, self.waiting = self.waiting.split(b"\0", 1)
        return json.loads(message)

    def value(self, script: str) -> Any:
        """What an expression is, after what it waits for and the next two frames."""
        frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        waited = f"{frames}.then(() => ({script}))"
        told = self.ask("Runtime.evaluate", expression=waited, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """A mouse that moved, is pressed or released, or its wheel (deltaX, deltaY)."""
        held = {"button": "left", "clickCount": 1} if kind in ("mousePressed", "mouseReleased") else {}
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **{**held, **more})

    def fingers(self, kind: str, *places: tuple[float, float]) -> None:
        """All fingers that touch the page: touchStart, touchMove, touchEnd."""
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        self.ask("Input.dispatchTouchEvent", type=kind, touchPoints=points)


@contextlib.contextmanager
def driven(command: Sequence[str], address: str, size: tuple[int, int]) -> Iterator[Page]:
    """The page at an address in a window of a size, when its body says that it is ready; closed in the end."""
    (to_read, to), (back, back_write) = os.pipe(), os.pipe()
    line = f'exec "$@" 3<&{to_read} 4>&{back_write}'
    with subprocess.Popen(
        ["bash", "-c", line, "bash", *command, "--remote-debugging-pipe", f"--window-size={size[0]},{size[1]}"],
        pass_fds=(to_read, back_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            page = Page(to, back)
            target = page.ask("Target.createTarget", url="about:blank")
            attached = page.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            page.session = {"sessionId": attached["sessionId"]}
            page.ask("Runtime.enable")
            page.ask("Emulation.setTouchEmulationEnabled", enabled=True)
            page.ask("Page.navigate", url=address)
            deadline = time.monotonic() + PATIENCE
            while page.value("document.body.dataset.ready") is None:
                assert time.monotonic() < deadline, "the page is not ready"
            yield page
            assert page.errors == []
        finally:
            process.kill()
            for end in (to_read, to, back, back_write):
                os.close(end)
