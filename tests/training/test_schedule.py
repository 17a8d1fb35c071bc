import json
from pathlib import Path

import pytest

from tfinspect.training.config import TrainConfig
from tfinspect.training.schedule import make_schedule

ORACLE = Path(__file__).parents[1] / "oracle" / "cifar10_resnet" / "cifar.json"


def test_piecewise_rates_are_those_of_the_original_tutorial():
    steps = json.loads(ORACLE.read_text())["resnet20/three_steps"]
    expected = steps["learning_rate_at_global_step_for_learning_rate_0.1_batch_128"]
    schedule = make_schedule(TrainConfig(schedule="piecewise", steps=80_000), 351)
    for step, rate in expected:
        assert schedule(step) == pytest.approx(rate, rel=1e-6), step


def test_cosine_rises_to_the_peak_and_falls_to_zero():
    schedule = make_schedule(TrainConfig(epochs=5, warmup_epochs=1), 10)
    rates = [schedule(step) for step in range(50)]
    assert rates[:10] == pytest.approx([0.01 * (step + 1) for step in range(10)])
    assert max(rates) == rates[9] == rates[10] == pytest.approx(0.1)
    assert rates[30] == pytest.approx(0.05)
    assert sorted(rates[10:], reverse=True) == rates[10:]
    assert 0 < rates[-1] < 1e-3


def test_one_cycle_starts_low_peaks_once_and_ends_near_zero():
    schedule = make_schedule(TrainConfig(schedule="one-cycle", steps=100), 10)
    rates = [schedule(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1 / 25)
    assert rates[30] == pytest.approx(0.1) == max(rates)
    assert rates[-1] == pytest.approx(0.1 / 25e4)
    assert rates == sorted(rates[:31]) + sorted(rates[31:], reverse=True)


@pytest.mark.parametrize("name", ["cosine", "one-cycle", "piecewise", "constant"])
def test_run_of_one_step_has_a_positive_rate(name):
    assert make_schedule(TrainConfig(schedule=name, steps=1), 10)(0) > 0
