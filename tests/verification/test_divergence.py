import math

import numpy as np
import pytest

from tfinspect.verification.divergence import _compared


@pytest.mark.parametrize(
    ("first", "second", "largest", "relative"),
    [
        ([np.inf, 1], [np.inf, 1], 0, 0),
        ([-np.inf, 4], [-np.inf, 2], 2, 0.5),
        ([np.inf, 1], [-np.inf, 1], math.inf, math.inf),
        ([2, 1], [np.inf, 1], math.inf, math.inf),
        ([np.inf, np.inf], [np.inf, 1], math.inf, math.inf),
        ([2, -4], [2, -3], 1, 0.25),
        ([0, 0], [0, 3], 3, 3),
        ([], [], 0, 0),
    ],
)
def test_difference_is_that_of_the_values(first, second, largest, relative):
    found = _compared("logits", np.float32(first), np.float32(second), 0.1)
    assert (found.max_abs, found.relative) == (largest, relative)
    assert found.diverges == (relative > 0.1)


def test_value_that_is_no_number_diverges():
    assert _compared("logits", np.float32([np.nan]), np.float32([np.nan]), 0.1).diverges
    assert _compared("logits", np.float32([1]), np.float32([np.nan]), 0.1).diverges
