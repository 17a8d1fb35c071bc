"""One task of each of many values, shared among processes.

Checksums hold Python's lock, and handing it from thread to thread costs more than the sums over a
part of a value: threads do not help. A process that is split off has what was opened and imported,
and starts in milliseconds.
"""

import contextlib
import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

from tfinspect import cores

# What comes back of one value; it travels as JSON.
Outcome = Sequence[float | int | str | None]
Task = Callable[[int], Outcome]

# Bytes below which a process costs more than it saves.
_WORTH_IT = 64 << 20
_MOST_PROCESSES = 4
_RAISED = "raised"


def worthwhile(size: int) -> int:
    """Returns how many processes should share values of so many bytes: one a core, at most four.

    One where a thread could hold a lock for ever in the copy. So on macOS too: its own vector
    library, which NumPy may use there, starts threads and does not survive a fork.
    """
    if size < _WORTH_IT or sys.platform != "linux":
        return 1
    if threading.active_count() > 1 or "tensorflow" in sys.modules:
        return 1
    return min(cores.usable(), _MOST_PROCESSES)


def shared_out(task: Task, sizes: Sequence[int], processes: int | None) -> Iterator[Outcome]:
    """Yields what a task returns for every number from 0, in order.

    What a process that was lost did not deliver is done here.

    Args:
      task: takes a number; must not depend on having been called before.
      sizes: bytes that each number is about; their count is the numbers'.
      processes: among how many to share, this one included; None for what is `worthwhile`.

    Raises:
      RuntimeError: a task that succeeds here fails in a process that was split off, or returns what
        is no `Outcome` there. Its other errors are raised as they are.
    """
    if not sizes:
        return
    # What is done once for all values, such as a checksum of a whole file, is done before the fork;
    # the caller, who may start threads, only gets to work after it.
    first = task(0)
    shares = _shares(sizes, worthwhile(sum(sizes)) if processes is None else processes)
    helpers: dict[int, _Helper] = {}
    try:
        for place in sorted(set(shares[1:]) - {0}):
            numbers = [number for number in range(1, len(sizes)) if shares[number] == place]
            # Where the system gives no more processes, their numbers are done here.
            with contextlib.suppress(OSError):
                helpers[place] = _Helper(task, numbers, list(helpers.values()))
        yield first
        for number in range(1, len(sizes)):
            helper = helpers.get(shares[number])
            yield helper.outcome(number) if helper else task(number)
    finally:
        for helper in helpers.values():
            helper.end()


def _shares(sizes: Sequence[int], processes: int) -> list[int]:
    """Returns which process does which number: always the one with the least so far."""
    loads = [0] * max(1, processes)
    shares = []
    for size in sizes:
        place = loads.index(min(loads))
        loads[place] += size
        shares.append(place)
    return shares


class _Helper:
    """A process that does its numbers in order and writes a line for each.

    It ends with the process that split it off, at the next line that nobody takes.
    """

    def __init__(self, task: Task, numbers: Sequence[int], earlier: Sequence["_Helper"]) -> None:
        self._task = task
        reading, writing = os.pipe()
        self._lines = os.fdopen(reading, encoding="ascii")
        inherited = [self._lines, *(helper._lines for helper in earlier)]
        try:
            self._process = _fork(lambda: _deliver(task, numbers, writing, inherited))
        except OSError:
            self._lines.close()
            raise
        finally:
            os.close(writing)

    def outcome(self, number: int) -> Outcome:
        """Returns the outcome of the next number, which is done here if the process was lost."""
        line = self._lines.readline()
        # A line without an end is one that was cut off.
        found = json.loads(line) if line.endswith("\n") else self._task(number)
        if isinstance(found, dict):
            # Here the error has its own type, and tells where it comes from.
            self._task(number)
            raise RuntimeError(f"value {number} failed in another process: {found[_RAISED]}")
        return found

    def end(self) -> None:
        """Ends the process, whatever it is doing."""
        self._lines.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process, 0)


def _fork(work: Callable[[], None]) -> int:
    """Does some work in a copy of this process, which ends with it; returns the copy's number."""
    with warnings.catch_warnings():
        # BLAS's threads are idle and made anew in the copy by BLAS itself.
        warnings.simplefilter("ignore", DeprecationWarning)
        here, number = os.getpid(), 0
        try:
            number = os.fork()
            if number == 0:
                work()
        finally:
            # What called this process is not to go on twice, nor to tell an interruption twice.
            if os.getpid() != here:
                os._exit(0)
    return number


def _deliver(
    task: Task, numbers: Sequence[int], descriptor: int, inherited: Iterable[IO[str]]
) -> None:
    # A pipe tells that its reader is gone only when no copy of the reader's end is left.
    for lines in inherited:
        lines.close()
    for number in numbers:
        data = memoryview(_line(task, number).encode("ascii"))
        while data:
            data = data[os.write(descriptor, data) :]


def _line(task: Task, number: int) -> str:
    """Returns what a process hands over of a number: its outcome, or the error of the task."""
    try:
        return json.dumps(task(number)) + "\n"
    except (MemoryError, OSError):
        # The process has too little of something, and is lost; the task may succeed elsewhere.
        raise
    except Exception as error:
        return json.dumps({_RAISED: f"{type(error).__name__}: {error}"}) + "\n"
