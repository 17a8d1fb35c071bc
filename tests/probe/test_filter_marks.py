import numpy as np

from tfinspect.probe.filter_marks import FilterMarks, filter_marks

NORMAL = np.random.default_rng(5).standard_normal((8, 9)).astype(np.float32)


def test_healthy_filters_have_no_marks():
    assert filter_marks(NORMAL) == FilterMarks()


def test_dead_is_small_beside_the_others():
    filters = NORMAL.copy()
    filters[2] = 0
    filters[5] *= 1e-8
    assert filter_marks(filters).dead == (2, 5)
    assert filter_marks(NORMAL * np.float32(1e-8)).dead == ()


def test_all_zero_filters_are_all_dead_and_no_copies():
    assert filter_marks(np.zeros((3, 4))) == FilterMarks(dead=(0, 1, 2))


def test_dead_stays_dead_where_most_are():
    filters = np.zeros((5, 9), np.float32)
    filters[3] = 1
    assert filter_marks(filters).dead == (0, 1, 2, 4)


def test_duplicates_name_the_first_of_them():
    filters = NORMAL[[0, 1, 0, 2, 0]]
    assert filter_marks(filters).duplicated == ((2, 0), (4, 0))


def test_single_values_are_not_called_duplicated():
    assert filter_marks(np.ones((3, 1), np.float32)) == FilterMarks()


def test_values_that_are_no_numbers_are_counted_and_not_dead():
    filters = NORMAL.copy()
    filters[1, :3] = np.nan, np.inf, -np.inf
    filters[6] = np.nan
    assert filter_marks(filters) == FilterMarks(not_finite=12, broken=(1, 6))
