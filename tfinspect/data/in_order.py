"""Values that others compute and that arrive in any order, given out in theirs, none left out.

What does not come is computed here: a data worker that is killed takes with it what it had in
hand. What comes twice is dropped.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tfinspect.errors import ClusterError

# So many later values may wait for an earlier one before that is taken for lost.
_AHEAD = 16
_SILENCE_SECONDS = 10.0
_PATIENCE_SECONDS = 30.0
# What came while this process was stopped is taken before the others are given up.
_LAST_CHANCE_SECONDS = 1.0
_ARRIVED_AHEAD = 2
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Others:
    """Who computes the values.

    Attributes:
      arrivals: what they send: number and value, in any order. It is read in a thread of its own.
      compute: computes the value of a number here.
      ask: raises a `TfinspectError` when they cannot be reached any more.
      name: of them, as messages call them.
    """

    arrivals: Callable[[], Iterable[tuple[int, Any]]]
    compute: Callable[[int], Any]
    ask: Callable[[], object]
    name: str


def in_order(
    others: Others,
    numbers: Iterable[int],
    silence: float = _SILENCE_SECONDS,
    patience: float = _PATIENCE_SECONDS,
) -> Iterator[Any]:
    """Yields the values of ascending numbers.

    Args:
      others: who computes them.
      numbers: what is wanted.
      silence: seconds without any arrival after which the others are asked whether they are there,
        and values are computed here meanwhile.
      patience: seconds without any arrival after which the others are given up.

    Raises:
      ClusterError: nothing comes any more, though they can be reached.
      Exception: what ended the arrivals, or what `ask` raised.
    """
    waiting: dict[int, Any] = {}
    with _Arrivals(others.arrivals) as arrivals:
        for number in numbers:
            while number not in waiting and len(waiting) < _AHEAD:
                found = arrivals.next(silence - arrivals.quiet)
                if found is None and not arrivals.ended:
                    others.ask()
                    if arrivals.quiet > patience:
                        found = _last(others, arrivals)
                if found is None:
                    break
                if found[0] >= number:
                    waiting[found[0]] = found[1]
            yield waiting.pop(number) if number in waiting else others.compute(number)


def _last(others: Others, arrivals: "_Arrivals") -> tuple[int, Any] | None:
    found = arrivals.next(_LAST_CHANCE_SECONDS)
    if found is None and not arrivals.ended:
        raise ClusterError(
            f"{others.name} has sent nothing for {arrivals.quiet:.0f} s, though it can be reached; "
            "look at what its data workers say, and start it again."
        )
    return found


class _Arrivals:
    """Reads in a thread; a context manager.

    Attributes:
      ended: whether all that will ever come has been taken.
    """

    def __init__(self, arrivals: Callable[[], Iterable[tuple[int, Any]]]) -> None:
        self.ended = False
        self._source = arrivals
        self._queue: queue.Queue[Any] = queue.Queue(_ARRIVED_AHEAD)
        self._closing = threading.Event()
        self._heard = time.monotonic()

    def __enter__(self) -> "_Arrivals":
        # What it waits for may never come.
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._closing.set()

    @property
    def quiet(self) -> float:
        """Seconds since something was taken."""
        return time.monotonic() - self._heard

    def next(self, timeout: float) -> tuple[int, Any] | None:
        """Returns number and value, or None where none came in time or all have come."""
        if self.ended:
            return None
        try:
            found = self._queue.get(timeout=timeout) if timeout > 0 else self._queue.get_nowait()
        except queue.Empty:
            return None
        if isinstance(found, Exception):
            raise found
        self._heard, self.ended = time.monotonic(), found is None
        return found

    def _read(self) -> None:
        try:
            for found in self._source():
                self._put(found)
                if self._closing.is_set():
                    return
        except Exception as error:
            # Whoever takes it knows what to do with it; without it, they would wait.
            self._put(error)
        else:
            self._put(None)

    def _put(self, found: Any) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(found, timeout=_POLL_SECONDS)
                return
