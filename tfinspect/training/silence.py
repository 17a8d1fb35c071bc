"""Processes of a cluster that are lost: ended, begun again, stopped, or on a host that is gone.

A process that dies breaks its connections, and TensorFlow raises an error where it waits for it,
at once or after a while. One that only falls silent breaks none, and the others would wait for its
gradients without end.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.training import status_question
from tfinspect.training.status_question import Answer, Kind

# A process is silent that leaves so many questions in a row without an answer, each for so long.
QUESTIONS = 4
ANSWER_SECONDS = 10.0
PAUSE_SECONDS = 5.0
# One that was there is gone when so many connections in a row fail; they are tried sooner.
FAILURES = 3
AGAIN_SECONDS = 1.0
# A process that ends closes its connections one by one.
_CLOSING_SECONDS = 3.0


@dataclass
class _Other:
    """What is known of one of the others."""

    address: str
    incarnations: frozenset[int] = frozenset()
    silent: int = 0
    failed: int = 0

    def hear(self, answer: Answer) -> None:
        self.silent = self.silent + 1 if answer.kind == Kind.SILENT else 0
        self.failed = self.failed + 1 if answer.kind in (Kind.REFUSED, Kind.BROKEN) else 0
        self.incarnations = self.incarnations or answer.incarnations

    @property
    def is_lost(self) -> bool:
        # One that was never there may not have started its server yet.
        return self.silent >= QUESTIONS or bool(self.incarnations and self.failed >= FAILURES)

    def is_another(self, answer: Answer) -> bool:
        """Tells whether the process that answers has taken the place of this one."""
        known, now = self.incarnations, answer.incarnations
        return bool(known and now and not known & now)


@dataclass
class Watch:
    """Asks the other processes whether they are there, in a thread; a context manager.

    A process that ends before the others counts as lost, too. That does no harm when the others
    need it no more: `on_loss` ends the waiting for it, and they do not wait.

    Attributes:
      cluster: those that compute in it are asked, but for this process.
      on_loss: called, in the thread, when `lost` is not empty any more.
      lost: names of those that are lost; once there is one, nobody is asked again.
    """

    cluster: ClusterConfig
    on_loss: Callable[[], None]
    lost: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        computing = self.cluster.names[: self.cluster.workers]
        others = [name for name in computing if name != self.cluster.name]
        self._others = {name: _Other(self.cluster.address_of(name)) for name in others}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":
        """Begins to ask."""
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Ends it, after the questions that are under way."""
        self._closing.set()

    def find_lost(self, *, somebody: bool) -> list[str]:
        """Returns who is lost, after an error; some seconds are given.

        One question is enough: who refuses the connection is gone, and so is who was there and
        either breaks it or answers as another.

        Args:
          somebody: whether the error says that somebody is lost; then who says nothing is, where
            nobody else is found.
        """
        deadline = time.monotonic() + _CLOSING_SECONDS
        while not self.lost:
            answers = self._ask(_CLOSING_SECONDS)
            lost = [name for name, answer in answers.items() if self._is_gone(name, answer)]
            if not lost and time.monotonic() > deadline:
                silent = [name for name, one in answers.items() if one.kind == Kind.SILENT]
                return silent if somebody else []
            if lost:
                return lost
            time.sleep(0.2)
        return self.lost

    def _is_gone(self, name: str, answer: Answer) -> bool:
        other = self._others[name]
        broken = answer.kind == Kind.BROKEN and bool(other.incarnations)
        return answer.kind == Kind.REFUSED or broken or other.is_another(answer)

    def _ask(self, seconds: float) -> dict[str, Answer]:
        addresses = {name: other.address for name, other in self._others.items()}
        return status_question.ask(addresses, seconds)

    def _run(self) -> None:
        pause = 0.0
        while not self.lost and not self._closing.wait(pause):
            self.lost = self._heard(self._ask(ANSWER_SECONDS))
            failed = any(other.failed for other in self._others.values())
            pause = min(AGAIN_SECONDS, PAUSE_SECONDS) if failed else PAUSE_SECONDS
        if self.lost and not self._closing.is_set():
            self.on_loss()

    def _heard(self, answers: dict[str, Answer]) -> list[str]:
        lost = []
        for name, answer in answers.items():
            other = self._others[name]
            other.hear(answer)
            if other.is_lost or other.is_another(answer):
                lost.append(name)
        return lost
