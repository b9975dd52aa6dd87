"""Processes meet before JAX connects them: all of them, or everyone is told who is missing."""

import concurrent.futures
import socket
import time

import pytest
from test_launch_sweeps import free_port

from launch import roll_call


def meeting(numbers, total, patience=0.5, address=None):
    """What everyone of these processes learns, None for a good word."""
    address = address or f"127.0.0.1:{free_port()}"

    def learned(number):
        try:
            roll_call.meet(address, total if number >= 0 else 7, abs(number), patience)
        except ValueError as error:
            return str(error).replace(address, "HERE")
        return None

    with concurrent.futures.ThreadPoolExecutor(len(numbers)) as threads:
        return list(threads.map(learned, numbers))


@pytest.mark.parametrize("numbers", [[0], [0, 1], [2, 0, 1], [3, 2, 1, 0]])
def test_all_come(numbers):
    assert meeting(numbers, len(numbers), patience=20) == [None] * len(numbers)


def test_the_port_is_free_again_at_once():
    address = f"127.0.0.1:{free_port()}"
    for _ in range(3):
        assert meeting([0, 1], 2, 20, address) == [None, None]
        with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
            pass


ONE = (
    "`--coordinator=HERE`: process 2 has not come within 0.5 s (of 3, numbered from 0); start all, or give `--patience`"
)
TWO = "`--coordinator=HERE`: processes 2, 3 have not come within 0.5 s (of 4, numbered from 0); start all, or give"
FIRST = (
    "`--coordinator=HERE`: process 0 has not come within 0.5 s (Connection refused); start it, correct the address, or"
)


@pytest.mark.parametrize(
    ("numbers", "total", "told"),
    [
        ([0, 1], 3, [ONE, ONE]),
        ([1, 0], 4, [TWO, TWO]),
        ([1], 2, [FIRST]),
        ([0, 1, 1, 2], 4, None),
    ],
)
def test_who_is_missing_is_told_to_all(numbers, total, told):
    began = time.monotonic()
    learned = meeting(numbers, total)
    assert time.monotonic() - began < 5
    if told is None:
        assert sum("`--process_id=1` is taken by another process" in sentence for sentence in learned) == 1
        assert sum("process 3 has not come" in sentence for sentence in learned) == 3
    else:
        assert [each.startswith(start) for each, start in zip(learned, told, strict=True)] == [True] * len(told)


def test_another_count_is_refused():
    counted, alone = meeting([-1, 0], 2)
    assert counted == "`--num_processes` is 2 for process 0 and 7 here; give all the same."
    assert "process 1 has not come" in alone


def test_strangers_are_no_processes():
    address = f"127.0.0.1:{free_port()}"
    place = ("127.0.0.1", int(address.rpartition(":")[2]))
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        met = threads.submit(meeting, [0, 1], 2, 20, address)
        for word in (b"GET / HTTP/1.1", b""):
            try:
                with socket.create_connection(place, timeout=1) as call:
                    call.sendall(word)
            except OSError:
                break  # they have met
        assert met.result() == [None, None]


def test_a_port_that_is_taken_is_told_at_once():
    with socket.create_server(("", 0)) as taken:
        (told,) = meeting([0], 2, 20, f"127.0.0.1:{taken.getsockname()[1]}")
    assert told.startswith("`--coordinator=HERE`: Address already in use")
    assert told.endswith("; choose another port.")


def test_a_host_of_no_name_is_told():
    (told,) = meeting([1], 2, 0.1, "no-such-host.invalid:12345")
    assert told.startswith("`--coordinator=HERE`: process 0 has not come within 0.1 s (")


@pytest.mark.parametrize(
    "address",
    ["localhost", "localhost:", ":1234", "localhost:port", "localhost:0", "localhost:65536", "a b:12", "::1:1234", "a:b:12", ""],
)  # fmt: skip
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match=r"^`--coordinator` must be HOST:PORT or auto, got '"):
        roll_call.check_address(address)


@pytest.mark.parametrize("address", ["localhost:1", "10.0.0.1:65535", "node-1.cluster:2222", "[::1]:1234"])
def test_addresses(address):
    roll_call.check_address(address)
