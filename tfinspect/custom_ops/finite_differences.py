"""Central differences of a function of arrays at chosen places.

    derivative at x_i = sum_j c_j (f_j(x + h e_i) - f_j(x - h e_i)) / 2h

with fixed random factors c over all outputs, so that one number stands for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Index = tuple[int, ...]


@dataclass(frozen=True)
class Difference:
    """One difference quotient.

    Attributes:
      index: of the input's element.
      value: the quotient, float64.
      noise: how far rounding of the function's values may have moved it.
    """

    index: Index
    value: float
    noise: float


def projection(shapes: Sequence[tuple[int, ...]], seed: int) -> list[np.ndarray]:
    """Returns the factors c: float64 arrays of the given shapes, of absolute value 0.5 to 1.5."""
    random = np.random.default_rng(seed)
    return [random.uniform(0.5, 1.5, shape) * random.choice([-1.0, 1.0], shape) for shape in shapes]


def chosen_indices(shape: tuple[int, ...], most: int, seed: int) -> list[Index]:
    """Returns all indices of an array, or `most` of them: the same for the same arguments."""
    size = int(np.prod(shape))
    flat: Any = range(size)
    if size > most:
        flat = np.sort(np.random.default_rng(seed).choice(size, most, replace=False))
    return [tuple(int(axis) for axis in np.unravel_index(place, shape)) for place in flat]


def differences(
    function: Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]],
    inputs: Sequence[np.ndarray],
    place: int,
    indices: Sequence[Index],
    factors: Sequence[np.ndarray],
    rounding: float,
) -> list[Difference]:
    """Differentiates a function with respect to some elements of one input.

    Args:
      function: from all inputs to all outputs.
      inputs: float arrays; none is changed.
      place: of the input that is moved.
      indices: of its elements.
      factors: one array per output, from `projection`.
      rounding: relative error of the function's values.
    """
    found = []
    for index in indices:
        # At the cube root the errors of truncation, h^2, and of rounding, eps / h, are about equal.
        sides = [_moved(inputs, place, index, sign * np.cbrt(rounding)) for sign in (1, -1)]
        width = float(sides[0][place][index]) - float(sides[1][place][index])
        values = [function(side) for side in sides]
        value, noise = _quotient(values[0], values[1], factors, width)
        noise *= rounding
        found.append(Difference(index, value, noise))
    return found


def _moved(inputs: Sequence[np.ndarray], place: int, index: Index, step: float) -> list[np.ndarray]:
    moved = inputs[place].copy()
    moved[index] = float(moved[index]) + step * max(1.0, abs(float(moved[index])))
    return [*inputs[:place], moved, *inputs[place + 1 :]]


def _quotient(
    above: Sequence[np.ndarray],
    below: Sequence[np.ndarray],
    factors: Sequence[np.ndarray],
    width: float,
) -> tuple[float, float]:
    """Returns the quotient, and the share of a rounding error that moves it."""
    value = noise = 0.0
    for high, low, factor in zip(above, below, factors, strict=True):
        high, low = np.asarray(high, np.float64), np.asarray(low, np.float64)
        value += float(np.sum(factor * (high - low)))
        # Outputs that the element does not reach are equal on both sides, to the last bit.
        reached = high != low
        size = np.abs(factor) * np.maximum(np.abs(high), np.abs(low))
        noise += float(np.sum(size[reached]))
    return value / width, noise / abs(width)


def epsilon(dtype: Any) -> float:
    """Returns the distance from 1 to the next number of a float type, bfloat16 included."""
    import ml_dtypes

    info: Any = ml_dtypes.finfo
    return float(info(dtype).eps)
