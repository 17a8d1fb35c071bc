"""Who counts as lost after which answers, without processes of TensorFlow."""

import itertools
import threading

import pytest

from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.training import silence, status_question
from tfinspect.training.status_question import Answer, Kind

CLUSTER = ClusterConfig({"worker": ("host:1", "host:2", "host:3")}, "worker", 0)
SILENT, REFUSED, BROKEN = (Answer(kind) for kind in (Kind.SILENT, Kind.REFUSED, Kind.BROKEN))
# Of the same server, of which one device was added; of another one; and of something else.
FIRST, MORE = Answer(Kind.THERE, frozenset({1})), Answer(Kind.THERE, frozenset({1, 2}))
OTHER, ERROR = Answer(Kind.THERE, frozenset({3})), Answer(Kind.THERE)
ROUNDS = 40


@pytest.fixture
def watched(monkeypatch):
    """Returns what `worker 1` answers -> who is lost and after how many questions."""
    monkeypatch.setattr(silence, "PAUSE_SECONDS", 0.0)

    def watch(*answers):
        ended = threading.Event()
        script = itertools.chain(answers, itertools.repeat(answers[-1]))
        asked = itertools.count(1)
        number = 0

        def ask(addresses, seconds):
            nonlocal number
            assert addresses == {"worker 1": "host:2", "worker 2": "host:3"}
            number = next(asked)
            if number == ROUNDS:
                ended.set()
            return {"worker 1": next(script), "worker 2": FIRST}

        monkeypatch.setattr(status_question, "ask", ask)
        with silence.Watch(CLUSTER, ended.set) as one:
            assert ended.wait(10)
        return one.lost, number

    return watch


@pytest.mark.parametrize(
    ("answers", "after"),
    [
        ([FIRST, REFUSED], 4),
        ([FIRST, REFUSED, REFUSED, BROKEN], 4),
        ([FIRST, REFUSED, REFUSED, FIRST, REFUSED], 7),
        ([REFUSED, BROKEN, FIRST, BROKEN], 6),
        ([FIRST, OTHER], 2),
        ([FIRST, REFUSED, OTHER], 3),
        ([SILENT], 4),
        ([FIRST, SILENT, SILENT, SILENT, FIRST, SILENT], 9),
    ],
)
def test_process_is_lost_after_so_many_questions(watched, answers, after):
    assert watched(*answers) == (["worker 1"], after)


@pytest.mark.parametrize(
    "answers",
    [
        # It has not started its server yet.
        [REFUSED],
        [BROKEN],
        [FIRST, MORE, FIRST],
        [FIRST, ERROR],
        [FIRST, *[REFUSED, REFUSED, FIRST] * ROUNDS],
        [FIRST, *[SILENT, SILENT, SILENT, FIRST] * ROUNDS],
    ],
)
def test_process_is_not_lost(watched, answers):
    assert watched(*answers)[0] == []


@pytest.mark.parametrize(
    ("before", "now", "lost"),
    [
        (REFUSED, REFUSED, ["worker 1"]),
        (FIRST, BROKEN, ["worker 1"]),
        (FIRST, OTHER, ["worker 1"]),
        # It may be one that had no time yet to start its server.
        (REFUSED, BROKEN, []),
        (FIRST, FIRST, []),
        (FIRST, SILENT, []),
    ],
)
def test_after_an_error_one_question_tells_who_is_lost(monkeypatch, before, now, lost):
    monkeypatch.setattr(silence, "_CLOSING_SECONDS", 0.0)
    watch = silence.Watch(CLUSTER, lambda: None)
    watch._heard({"worker 1": before, "worker 2": FIRST})
    monkeypatch.setattr(status_question, "ask", lambda *_: {"worker 1": now, "worker 2": FIRST})
    assert watch.find_lost(somebody=False) == lost
    silent = ["worker 1"] if now == SILENT else []
    assert watch.find_lost(somebody=True) == (lost or silent)
