import math
import os
import select
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from tfinspect import cores, forked
from tfinspect.forked import shared_out, worthwhile

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
HERE = os.getpid()
SIZES = [5, 1, 9, 2, 2, 7, 3, 3, 1, 40, 1, 1]


def squared(number):
    return number, number * number, os.getpid()


@pytest.mark.parametrize("processes", [1, 2, 3, 20])
def test_every_number_is_done_once_and_in_order(processes):
    found = [tuple(outcome) for outcome in shared_out(squared, SIZES, processes)]
    assert [outcome[:2] for outcome in found] == [(n, n * n) for n in range(len(SIZES))]
    assert len({process for *_, process in found}) == min(processes, len(SIZES))


def test_shares_are_of_about_one_size():
    shares = forked._shares([10] * 9 + [1] * 10, 2)
    loads = [
        sum(10 if number < 9 else 1 for number, place in enumerate(shares) if place == mine)
        for mine in (0, 1)
    ]
    assert loads == [50, 50]


def test_numbers_and_texts_come_back_as_they_were():
    values = [(0,), (math.inf, -math.inf, None, 2**64 - 1, 0.1, "ä\udcff\n"), (1e-320, -0.0)]
    found = list(shared_out(lambda number: values[number], [9, 9, 9], 3))
    assert [tuple(one) for one in found] == values
    assert math.copysign(1, found[2][1]) == -1
    assert math.isnan(list(shared_out(lambda _: (math.nan,), [1, 1], 2))[1][0])


def test_what_a_lost_process_did_not_deliver_is_done_here():
    def task(number):
        if number == 5 and os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return (number,)

    assert [one[0] for one in shared_out(task, [1] * 12, 2)] == list(range(12))


def test_error_of_a_task_is_raised_here():
    def task(number):
        if number >= 3:
            raise ValueError(f"number {number}")
        return (number,)

    with pytest.raises(ValueError, match="number 3"):
        list(shared_out(task, [1] * 8, 2))


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (lambda number: (np.float32(number),), "value 1 .* TypeError: .*float32 is not JSON"),
        (lambda number: (1 // (os.getpid() == HERE),), "value 1 .* ZeroDivisionError"),
    ],
)
def test_what_fails_in_another_process_alone_is_told(task, message):
    with pytest.raises(RuntimeError, match=message):
        list(shared_out(task, [1] * 8, 2))


@pytest.mark.parametrize("error", [MemoryError, OSError])
def test_what_a_process_has_no_room_for_is_done_here(error):
    def task(number):
        if number > 4 and os.getpid() != HERE:
            raise error
        return (number,)

    assert [one[0] for one in shared_out(task, [1] * 12, 3)] == list(range(12))


def test_no_process_is_left_when_the_caller_has_enough():
    found = shared_out(lambda number: ("x" * 100_000, number), [1] * 50, 3)
    assert [next(found)[1], next(found)[1], next(found)[1]] == [0, 1, 2]
    found.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


# Prints who works, and is in the midst of its numbers when both others wait for it to read.
ENDLESS = """
import os, time
from tfinspect.forked import shared_out
found = shared_out(lambda number: (os.getpid(), "x" * 100_000), [1] * 50, 3)
print(*(next(found)[0] for _ in range(3)), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_outlives_the_one_that_split_it_off(how):
    alive, held = os.pipe()
    command = [sys.executable, "-c", ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=[held], text=True) as caller:
        os.close(held)
        processes = [int(number) for number in caller.stdout.readline().split()]
        caller.send_signal(how)
    assert caller.pid in processes
    assert len(set(processes)) == 3
    # The other end is held by whoever is alive.
    ended = bool(select.select([alive], [], [], 20)[0])
    os.close(alive)
    for process in [] if ended else set(processes) - {caller.pid}:
        os.kill(process, signal.SIGKILL)
    assert ended


def test_nothing_is_split_off_for_nothing():
    assert list(shared_out(squared, [], 2)) == []
    assert list(shared_out(squared, [7], 2)) == [(0, 0, os.getpid())]


def test_a_process_is_split_off_where_it_pays_and_is_safe(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(cores, "usable", lambda: 16)
    assert (worthwhile(1 << 20), worthwhile(1 << 28)) == (1, 4)
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert worthwhile(1 << 28) == 1
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    assert worthwhile(1 << 28) == 1
    monkeypatch.delitem(sys.modules, "tensorflow")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert worthwhile(1 << 28) == 1


def test_it_is_split_off_before_the_caller_starts_threads(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    before = threading.active_count()
    monkeypatch.setattr(cores, "usable", lambda: 2)
    active = threading.active_count
    monkeypatch.setattr(threading, "active_count", lambda: active() - before + 1)
    found = shared_out(squared, [1 << 30] * 4, None)
    processes = [next(found)[2]]
    ended = threading.Event()
    # Such as a progress bar, which draws itself.
    thread = threading.Thread(target=ended.wait)
    thread.start()
    processes += [outcome[2] for outcome in found]
    ended.set()
    thread.join()
    assert len(set(processes)) == 2


def test_without_further_processes_all_is_done_here(monkeypatch):
    def refused():
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(os, "fork", refused)
    assert {outcome[2] for outcome in shared_out(squared, SIZES, 3)} == {os.getpid()}
