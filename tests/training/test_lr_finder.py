import csv
import dataclasses
import os

import numpy as np
import pytest

from tfinspect.errors import RunError
from tfinspect.training.lr_finder import find_learning_rate, smooth, suggest


@pytest.mark.parametrize("steepest", [1e-3, 3e-2, 0.3])
def test_suggestion_is_where_a_noisy_loss_falls_fastest(steepest):
    rates = np.geomspace(1e-5, 10, 100)
    fall = 2.0 / (1 + np.exp(-2 * np.log(rates / steepest)))
    rise = 50 * np.clip(np.log(rates / (30 * steepest)), 0, None)
    noise = np.random.RandomState(0).uniform(-0.02, 0.02, 100)
    # A first step that happens to be bad is no fall.
    noise[0] += 0.3
    assert suggest(rates, 3.0 - fall + rise + noise) == pytest.approx(steepest, rel=0.7)


def test_loss_that_only_rises_gives_a_low_rate():
    rates = np.geomspace(1e-5, 10, 50)
    assert suggest(rates, np.linspace(1, 2, 50)) < 1e-4


def test_smoothing_is_the_bias_corrected_exponential_average():
    values = [3.0, 1.0, 2.0]
    weights = [[1], [0.09, 0.1], [0.081, 0.09, 0.1]]
    expected = [np.average(values[: len(row)], weights=row) for row in weights]
    assert smooth(values) == pytest.approx(expected)


@pytest.mark.slow
def test_easy_first_batch_is_no_minimum():
    rates = np.logspace(-5, 0, 100)
    losses = 3 - 2 / (1 + (1e-2 / rates) ** 2) + 20 / (1 + (0.5 / rates) ** 4)
    expected = suggest(rates, losses)
    assert 1e-3 < expected < 1e-1
    assert suggest(rates, np.concatenate([[0.1], losses[1:]])) == expected


def test_finder_writes_its_curve_and_suggests_a_rate_of_it(tiny, tmp_path):
    config = dataclasses.replace(tiny, batch_size=32)
    found = find_learning_rate(config, str(tmp_path / "lr"))
    assert sorted(os.listdir(tmp_path / "lr")) == ["lr-finder.csv", "lr-finder.png"]
    with open(tmp_path / "lr" / "lr-finder.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(found.rates)
    assert found.suggestion in found.rates


def test_finder_refuses_the_directory_of_a_run(tiny, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(RunError, match="already holds a run"):
        find_learning_rate(tiny, str(tmp_path))
    assert os.listdir(tmp_path) == ["config.json"]
