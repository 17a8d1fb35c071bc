"""Numbers and their squares that others compute, in any order, or not at all."""

import itertools
import threading
import time

import pytest

from tfinspect.data import in_order
from tfinspect.data.in_order import Others
from tfinspect.errors import ClusterError, DataError


class Squares:
    """Others who send what they are told to; who computed what is noted."""

    def __init__(self, sent, *, hangs=False):
        self.sent, self.hangs = sent, hangs
        self.here, self.asked, self.waits = [], 0, threading.Event()

    def arrivals(self):
        for one in self.sent:
            if isinstance(one, Exception):
                raise one
            yield one, one * one
        if self.hangs:
            self.waits.wait(60)

    def compute(self, number):
        self.here.append(number)
        return number * number

    def ask(self):
        self.asked += 1

    def given(self, numbers, silence=0.1, patience=30.0):
        others = Others(self.arrivals, self.compute, self.ask, "the service")
        try:
            return list(in_order.in_order(others, numbers, silence, patience))
        finally:
            self.waits.set()


def squares(numbers):
    return [number * number for number in numbers]


@pytest.mark.parametrize("sent", list(itertools.permutations(range(3, 7)))[::5])
def test_any_order_becomes_theirs(sent):
    others = Squares(sent)
    assert others.given(range(3, 7)) == squares(range(3, 7))
    assert others.here == []


def test_what_is_lost_is_computed_here_when_enough_others_have_come():
    # 5 never comes, and nobody is silent: nothing is waited for.
    others = Squares([n for n in range(60) if n != 5])
    assert others.given(range(60), silence=30) == squares(range(60))
    assert others.here == [5]
    assert others.asked == 0


def test_what_is_lost_at_the_end_is_computed_here():
    others = Squares(range(8))
    assert others.given(range(10), silence=30) == squares(range(10))
    assert others.here == [8, 9]


def test_all_that_was_lost_is_computed_here_when_the_job_has_ended():
    others = Squares(range(23))
    assert others.given(range(200), silence=30, patience=0.0) == squares(range(200))
    assert others.here == list(range(23, 200))
    assert others.asked == 0


def test_what_comes_late_or_twice_is_dropped():
    late = [n for n in range(40) if n != 5] + [5, 5, *range(40, 50)]
    assert Squares(late).given(range(50)) == squares(range(50))


def test_silence_is_asked_about_once_and_then_not_waited_for_again():
    others = Squares(range(4), hangs=True)
    assert others.given(range(10), silence=0.5) == squares(range(10))
    assert others.here == list(range(4, 10))
    assert others.asked == 6


def test_others_who_send_nothing_any_more_are_an_error_after_a_time_not_a_count():
    others = Squares([0, 1], hangs=True)
    others.compute = lambda number: time.sleep(0.01) or others.here.append(number)
    begun = time.monotonic()
    with pytest.raises(ClusterError, match=r"the service has sent nothing for \d+ s, though"):
        others.given(itertools.count(), silence=0.1, patience=0.8)
    assert 0.8 < time.monotonic() - begun < 10
    assert others.here[:17] == list(range(2, 19))


def test_few_slow_values_computed_here_do_not_make_the_others_outlast_their_time():
    others = Squares([0], hangs=True)
    others.compute = lambda number: time.sleep(0.5) or others.here.append(number)
    with pytest.raises(ClusterError, match="has sent nothing for"):
        others.given(range(16), silence=0.1, patience=0.8)
    assert 1 <= len(others.here) <= 3


def test_others_who_send_again_after_a_silence_are_taken_again():
    others = Squares([])

    def arrivals():
        yield 0, 0
        # Fifty values are computed here meanwhile.
        while len(others.here) < 50:
            time.sleep(0.001)
        yield from ((number, number * number) for number in range(51, 400))

    others.arrivals = arrivals
    usual = others.compute
    others.compute = lambda number: time.sleep(0.005) or usual(number)
    assert others.given(range(400), silence=0.1) == squares(range(400))
    assert len(others.here) < 200


def test_others_who_cannot_be_reached_are_an_error_at_the_first_silence():
    class Gone(Squares):
        def ask(self):
            raise ClusterError("nobody answers")

    gone = Gone([0, 1], hangs=True)
    with pytest.raises(ClusterError, match="nobody answers"):
        gone.given(range(100))
    assert gone.here == []


def test_error_of_the_others_is_the_error():
    with pytest.raises(DataError, match="a broken record"):
        Squares([0, DataError("a broken record")]).given(range(3))


def test_any_error_of_the_others_is_handed_over():
    with pytest.raises(ZeroDivisionError):
        Squares([0, ZeroDivisionError()]).given(range(3))


def test_thread_ends_when_nobody_wants_more():
    before = threading.active_count()
    others = Squares(itertools.count())
    wanted = in_order.in_order(
        Others(others.arrivals, others.compute, others.ask, "x"), itertools.count()
    )
    assert next(wanted) == 0
    assert threading.active_count() == before + 1
    wanted.close()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread.daemon:
            thread.join(5)
    assert threading.active_count() == before
