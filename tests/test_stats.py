import os
import shutil

import ml_dtypes
import numpy as np
import pytest
from graph_files import GRAPH, META_GRAPH
from oracle_files import CKPT_V2, broken_copy, copied

from tfinspect import stats
from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError
from tfinspect.health import health


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


@pytest.mark.parametrize("path", [META_GRAPH, GRAPH], ids=lambda path: path.name)
@pytest.mark.parametrize("asked", [stats.variable_stats, health])
def test_artifact_without_values_is_refused(path, asked):
    artifact = open_artifact(path)
    message = r"none of the \d+ variables has a value that can be read: .* open the checkpoint"
    with pytest.raises(ArtifactError, match=message):
        list(asked(artifact, artifact.variables))


def test_checkpoint_beside_a_meta_graph_is_named(tmp_path):
    prefix = copied(CKPT_V2, tmp_path)
    shutil.copy(META_GRAPH, f"{prefix}.meta")
    artifact = open_artifact(f"{prefix}.meta")
    with pytest.raises(ArtifactError, match=f"open '{prefix}'"):
        stats.require_values(artifact, artifact.variables)


def test_types_without_statistics_are_counted():
    artifact = open_artifact(CKPT_V2)
    note = stats.without_statistics(artifact.variables)
    assert note == (
        "3 of 51 variables have no statistics and were not looked at: they are complex128, "
        "complex64, string."
    )
    assert stats.without_statistics(artifact.variables[:0]) is None


@pytest.mark.parametrize("dtype", [np.float32, np.int64, ml_dtypes.bfloat16])
def test_values_that_lie_anywhere_have_the_same_statistics(dtype):
    value = np.arange(-3, 300_000).astype(dtype)
    data = np.frombuffer(b"\0" + value.tobytes(), np.uint8)[1:].view(dtype)
    assert not data.flags.aligned
    assert stats.value_stats(data) == stats.value_stats(value)


def test_large_doubles_have_statistics_though_their_squares_overflow():
    found = stats.value_stats(np.float64([3e200, -1e200, 0, np.inf]))
    small = stats.value_stats(np.float64([3.0, -1.0, 0, np.inf]))
    assert (found.min, found.max, found.inf, found.zeros) == (-1e200, 3e200, 1, 0.25)
    for name in ("mean", "std", "norm"):
        assert getattr(found, name) == pytest.approx(getattr(small, name) * 1e200, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e-320, 1e-130])
def test_small_doubles_have_statistics_though_their_squares_vanish(scale):
    value = np.float64([1, 3]) * scale
    found = stats.value_stats(value)
    assert (found.min, found.max) == (value[0], value[1])
    assert found.std == pytest.approx(scale, rel=1e-3, abs=0)
    assert found.norm == pytest.approx(np.sqrt(10) * scale, rel=1e-3, abs=0)


def test_smallest_value_beside_a_large_one_is_kept():
    assert stats.value_stats(np.float64([1e200, 5e-324, np.inf])).min == 5e-324


def test_broken_value_has_a_reason_and_the_rest_is_read(tmp_path):
    artifact = open_artifact(broken_copy(CKPT_V2, tmp_path, "tower_0/conv3/weights"))
    found = {entry.name: one for entry, one in stats.variable_stats(artifact, artifact.variables)}
    broken = found.pop("tower_0/conv3/weights")
    assert broken.mean is None
    assert "'tower_0/conv3/weights'" in broken.broken
    assert found["tower_0/conv1/weights"].mean is not None
    assert {one.broken for one in found.values()} == {None}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_shared_among_processes_they_are_the_same(tmp_path, calls_here):
    artifact = open_artifact(broken_copy(CKPT_V2, tmp_path, "tower_0/conv3/weights"))
    here = calls_here(stats, "_stats_of")
    alone = list(stats.variable_stats(artifact, artifact.variables))
    assert len(here) == len(alone)
    assert list(stats.variable_stats(artifact, artifact.variables, processes=3)) == alone
    assert len(here) < 2 * len(alone)


def test_value_that_was_cut_off_is_broken(tmp_path):
    prefix = copied(CKPT_V2, tmp_path)
    (data,) = tmp_path.glob("*.data-*")
    os.truncate(data, 700)
    artifact = open_artifact(prefix)
    found = {
        entry.readable: one for entry, one in stats.variable_stats(artifact, artifact.variables)
    }
    assert "which has 700" in found[False].broken
    assert (found[True].broken, found[True].mean is None) == (None, False)
