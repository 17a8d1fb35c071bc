"""Rows of several arrays, against NumPy's own concatenation."""

import numpy as np
import pytest

from tfinspect.transfer.stacked_rows import StackedRows


@pytest.fixture
def parts():
    random = np.random.RandomState(0)
    return [random.uniform(size=(count, 2, 3)).astype(np.float16) for count in (4, 1, 5)]


@pytest.mark.parametrize("chosen", [[0], [3, 4, 5], [9, 0, 4, 4, 7], []])
def test_rows_are_those_of_the_concatenation(parts, chosen):
    whole, numbers = np.concatenate(parts), np.array(chosen, np.int32)
    stacked = StackedRows(parts)
    found = stacked[numbers]
    np.testing.assert_array_equal(found, whole[numbers])
    assert (found.dtype, stacked.dtype) == (whole.dtype, whole.dtype)
    assert stacked.shape == whole.shape


def test_row_beyond_the_last_is_an_error(parts):
    with pytest.raises(IndexError):
        StackedRows(parts)[np.array([10])]
