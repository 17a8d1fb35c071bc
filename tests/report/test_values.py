import numpy as np
import pytest
from oracle_files import CKPT_V2

from tfinspect.artifacts import open_artifact
from tfinspect.report.values import BINS, histogram, read_values


def test_histogram_counts_every_finite_value_where_numpy_does():
    value = np.random.RandomState(0).standard_normal((40, 50)).astype(np.float32)
    expected, _ = np.histogram(value.astype(np.float64), bins=BINS)
    assert histogram(value) == tuple(expected)


def test_values_that_are_not_finite_are_left_out():
    assert sum(histogram(np.array([0.0, 1.0, np.nan, np.inf, -np.inf]))) == 2


@pytest.mark.parametrize("value", [np.zeros((0,)), np.ones(5), np.array(3.0), np.full(2, np.nan)])
def test_without_a_spread_there_is_no_histogram(value):
    assert histogram(value) == ()


def test_extreme_values_do_not_overflow():
    assert sum(histogram(np.array([-1.7e308, 1.7e308, 0.0]))) == 3


def test_findings_are_those_of_health():
    from tfinspect import health

    artifact = open_artifact(CKPT_V2)
    entries = [entry for entry in artifact.variables if not entry.slot]
    described, findings = read_values(artifact, entries)
    assert findings == list(health(artifact))
    assert findings
    assert [one.entry for one in described] == entries
