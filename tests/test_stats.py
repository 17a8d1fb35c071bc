import ml_dtypes
import numpy as np
import pytest
from oracle_files import CKPT_V2

from tfinspect import stats
from tfinspect.artifacts import open_artifact


@pytest.mark.parametrize(
    "dtype",
    [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, np.int8],
    ids=str,
)
def test_statistics_are_those_of_numpy(dtype):
    value = (np.random.RandomState(0).standard_normal((300, 500)) * 3 + 5).astype(dtype)
    found, wide = stats.value_stats(value), value.astype(np.float64)
    assert (found.min, found.max) == (wide.min(), wide.max())
    assert found.mean == pytest.approx(wide.mean(), rel=1e-12)
    assert found.std == pytest.approx(wide.std(), rel=1e-9)
    assert found.norm == pytest.approx(np.linalg.norm(wide), rel=1e-12)
    assert found.zeros == np.mean(wide == 0)


def test_small_deviation_around_a_large_mean_is_kept():
    value = np.tile([1e8 - 0.5, 1e8 + 0.5], 100_000)
    assert stats.value_stats(value).std == pytest.approx(0.5, rel=1e-12)


def test_non_finite_values_are_counted_and_left_out():
    value = np.float32([np.nan, np.inf, -np.inf, 1, 3])
    found = stats.value_stats(value)
    assert (found.nan, found.inf, found.min, found.max, found.mean) == (1, 2, 1, 3, 2)


@pytest.mark.parametrize(("value", "nan"), [([], 0), ([np.nan], 1)])
def test_without_finite_values_there_is_no_mean(value, nan):
    found = stats.value_stats(np.float32(value))
    assert (found.min, found.mean, found.norm, found.nan) == (None, None, None, nan)


def test_large_integers_are_exact():
    found = stats.value_stats(np.int64([2**53 + 1, -(2**53) - 1]))
    assert (found.min, found.max) == (-(2**53) - 1, 2**53 + 1)


def test_strings_and_complex_numbers_have_no_statistics():
    artifact = open_artifact(CKPT_V2)
    entries = [artifact.entry(name) for name in ("extras/class_names", "extras/c64")]
    nothing = stats.VariableStats()
    assert [found for _, found in stats.variable_stats(artifact, entries)] == [nothing, nothing]


def test_row_has_the_stable_keys():
    row = stats.stats_row(stats.VariableStats())
    assert list(row) == ["min", "max", "mean", "std", "norm", "zeros", "nan", "inf"]
