"""Processes meet before JAX connects them, so that one that does not come is named, and the others end with a sentence.

JAX itself ends a process that waits in vain by a dump of its stack. Here the first process listens where JAX will, and the others
say who they are; when all are there, it tells them so and makes room for JAX.
"""

import contextlib
import re
import socket
import time
from collections.abc import Mapping

PAUSE = 0.2  # seconds between two attempts to reach the first process
GREETING = 1.0  # seconds that a caller may take to say who it is: others than ours may call
GRACE = 5.0  # seconds beyond its patience that the first process may take to answer
ALL_HERE = "all are here"


def check_address(address: str) -> None:
    """ValueError for what is no HOST:PORT."""
    _, _, port = address.rpartition(":")
    if not re.fullmatch(r"[^:\s]+:\d{1,5}|\[[0-9a-fA-F:.]+\]:\d{1,5}", address) or not 0 < int(port) < 2**16:
        raise ValueError(
            f"`--coordinator` must be HOST:PORT or auto, got {address!r}; write for example node1:12345, an IPv6 host in brackets."
        )


def meet(address: str, num_processes: int, process_id: int, patience: float) -> None:
    """Wait until all processes are there. ValueError naming those that are not, after so many seconds."""
    host, _, port = address.rpartition(":")
    if process_id == 0:
        _call(address, int(port), num_processes, patience)
    else:
        _answer(address, (host.strip("[]"), int(port)), f"{process_id}/{num_processes}", patience)


def _call(address: str, port: int, num_processes: int, patience: float) -> None:
    here: dict[int, socket.socket] = {}
    deadline = time.monotonic() + patience
    with contextlib.ExitStack() as calls:
        try:
            with _listening(port) as server:
                while len(here) < num_processes - 1 and (left := deadline - time.monotonic()) > 0:
                    server.settimeout(left)
                    with contextlib.suppress(TimeoutError):
                        call = calls.enter_context(server.accept()[0])
                        here |= _who(call, num_processes, here)
        except OSError as error:
            raise ValueError(f"`--coordinator={address}`: {error.strerror or error}; choose another port.") from error
        missing = [str(number) for number in range(1, num_processes) if number not in here]
        sentence = _missing(address, missing, num_processes, patience) if missing else ALL_HERE
        for call in here.values():
            with contextlib.suppress(OSError):
                call.sendall(sentence.encode())
                call.shutdown(socket.SHUT_WR)
                call.recv(1)  # they hang up first, so that the port is free at once
    if missing:
        raise ValueError(sentence)


def _missing(address: str, missing: list[str], num_processes: int, patience: float) -> str:
    who = f"processes {', '.join(missing)} have" if len(missing) > 1 else f"process {missing[0]} has"
    return (
        f"`--coordinator={address}`: {who} not come within {patience:g} s (of {num_processes}, numbered from 0); start all, or "
        "give `--patience` for more time."
    )


def _who(call: socket.socket, num_processes: int, here: Mapping[int, socket.socket]) -> dict[int, socket.socket]:
    """The caller by its number; none for one that is not of ours, and told so where it may be."""
    call.settimeout(GREETING)
    try:
        told = re.fullmatch(r"(\d+)/(\d+)", call.recv(64).decode(errors="replace"))
        if told is None:
            return {}
        number, total = int(told[1]), int(told[2])
        if total != num_processes:
            call.sendall(
                f"`--num_processes` is {num_processes} for process 0 and {total} here; give all the same.".encode()
            )
            return {}
        if number in here:
            call.sendall(
                f"`--process_id={number}` is taken by another process; number them from 0, each once.".encode()
            )
            return {}
    except OSError:
        return {}
    return {number: call}


def _listening(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))


def _answer(address: str, place: tuple[str, int], greeting: str, patience: float) -> None:
    with _reached(address, place, patience) as call:
        try:
            call.settimeout(patience + GRACE)
            call.sendall(greeting.encode())
            answer = b"".join(iter(lambda: call.recv(1024), b"")).decode(errors="replace")
        except OSError:
            answer = ""
    if answer != ALL_HERE:
        raise ValueError(
            answer or f"`--coordinator={address}`: process 0 is gone or does not answer; start all processes again."
        )


def _reached(address: str, place: tuple[str, int], patience: float) -> socket.socket:
    deadline = time.monotonic() + patience
    while True:
        try:
            return socket.create_connection(place, timeout=max(PAUSE, deadline - time.monotonic()))
        except OSError as error:
            if time.monotonic() + PAUSE > deadline:
                reason = error.strerror or error
                raise ValueError(
                    f"`--coordinator={address}`: process 0 has not come within {patience:g} s ({reason}); start it, correct the "
                    "address, or give `--patience` for more time."
                ) from error
        time.sleep(PAUSE)
