"""What a long command says of itself: done, speed, time left."""

import re

import pytest

from launch import progress


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def tell_all(clock, moments, total, first=0, capsys=None, **options):
    with progress.Reporter("settings", **options) as reporter:
        before = first
        for seconds, done in moments:
            clock[0] = 100.0 + seconds
            reporter.tell(done, total, step=done - before)
            before = done
    return capsys.readouterr().err.splitlines()


def test_the_first_step_with_its_compilation_says_nothing_of_what_is_left(clock, capsys):
    lines = tell_all(clock, [(50, 10), (51, 20), (52, 30), (55.5, 60)], 100, capsys=capsys, with_speed=True)
    assert lines[-1] == "60 of 100 settings, 9.09 a second, 4.4 s left, 55.5 s so far"


def test_what_stood_already_took_no_time(clock, capsys):
    lines = tell_all(clock, [(10, 60)], 100, first=50, capsys=capsys)
    assert lines == ["60 of 100 settings, 40.0 s left, 10.0 s so far"]


def test_speed_is_that_of_the_last_minute(clock, capsys):
    slow = [(10 * step, step) for step in range(1, 20)]
    fast = [(190 + step, 19 + 10 * step) for step in range(1, 81)]
    lines = tell_all(clock, slow + fast, 10_000, capsys=capsys, with_speed=True)
    assert float(re.search(r"([\d.]+) a second", lines[-1])[1]) == pytest.approx(10, rel=0.02)


def test_between_two_lines_there_is_a_pause_but_the_end_is_told(clock, capsys):
    lines = tell_all(clock, [(0.1, 1), (0.2, 2), (4, 3), (4.1, 4)], 4, capsys=capsys)
    assert [line.split(" of")[0] for line in lines] == ["3", "4"]
