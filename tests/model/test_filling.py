import numpy as np
import pytest

from tfinspect.model.filling import filled


@pytest.mark.parametrize(
    ("given", "size", "expected"),
    [
        ([1, 2], 4, [1, 2, 2, 2]),
        ([1, 2], 2, [1, 2]),
        ([], 2, [0, 0]),
    ],
)
def test_the_last_row_is_repeated(given, size, expected):
    np.testing.assert_array_equal(filled(np.array(given, np.int64), size), expected)
