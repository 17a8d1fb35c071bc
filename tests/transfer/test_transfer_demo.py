"""The demonstration of `make transfer-demo`: its data, its trainings, and its tables."""

import importlib.util
import os
import statistics
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "scripts" / "transfer_demo.py"
# Two networks on five seeds.
TUNED = [0.92, 0.91, 0.926, 0.906, 0.933]
SCRATCH = [0.96, 0.88, 0.644, 0.9, 0.926]


class _Here:
    """In the place of a pool of processes, which would not see what a test has changed."""

    def __init__(self, processes, mp_context):
        self.processes = processes

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    map = staticmethod(map)


@pytest.fixture
def demo(monkeypatch):
    """The script as a module, with a network and numbers of epochs that take seconds."""
    name = "transfer_demo"
    spec = importlib.util.spec_from_file_location(name, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # Its records are looked up by the name of its module.
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    small = {"DEPTH": 8, "NETWORK": "cifar_resnet8_v1", "EXAMPLES": 3, "BATCH_SIZE": 5}
    epochs = {"PRETRAINING_EPOCHS": 1, "HEAD_EPOCHS": 1, "TUNE_EPOCHS": 1}
    for constant, value in (small | epochs).items():
        assert hasattr(module, constant)
        monkeypatch.setattr(module, constant, value)
    monkeypatch.setattr(module, "ProcessPoolExecutor", _Here)
    return module


def _pictures(folder):
    """Path below a folder -> pixels."""
    return {
        str(path.relative_to(folder)): np.asarray(Image.open(path))
        for path in sorted(Path(folder).rglob("*.png"))
    }


def _places(pictures, split):
    return [name for name in pictures if name.startswith(f"{split}{os.sep}")]


def test_each_seed_draws_other_examples_and_keeps_the_test_images(demo, tmp_path):
    first, again, other = (
        _pictures(demo._write(tmp_path / name / "digits", range(5, 10), 3, seed))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    for digit in range(5, 10):
        prefix = os.path.join("train", str(digit)) + os.sep
        assert sum(name.startswith(prefix) for name in first) == 3
    assert first.keys() == again.keys()
    assert _places(first, "train") != _places(other, "train")
    assert _places(first, "test") == _places(other, "test")
    every = _pictures(demo._write(tmp_path / "d" / "digits", range(5, 10), None, 0))
    assert len(_places(every, "train")) > 400
    for name, pixels in first.items():
        np.testing.assert_array_equal(pixels, every[name])


@pytest.mark.slow
def test_both_sides_are_trained_for_each_seed_and_leave_no_run(demo, tmp_path, capsys):
    pretrained = demo._pretrain(tmp_path)
    rates = [(0.005, 0.01), (0.03,)]
    (tuned,), (scratch,) = demo._run(tmp_path, pretrained, rates, range(1))
    for result in (tuned, scratch):
        assert 0 <= result.test_accuracy <= 1
        assert not os.path.exists(result.directory)
    # 15 images, 5 a batch, two epochs on either side.
    assert (tuned.step, scratch.step) == (6, 6)
    told = capsys.readouterr().err
    assert "seed 0, fine-tuned, 0.005 then 0.01: validation" in told
    assert "seed 0, from scratch, 0.03: validation" in told


def _cells(line):
    return [part.strip() for part in line.split("  ") if part.strip()]


def _result(test=None, validation=None):
    return SimpleNamespace(test_accuracy=test, validation_accuracy=validation)


@pytest.fixture
def untrained(demo, monkeypatch):
    """What `_run` is asked for; it gives made-up results in the place of trainings."""
    asked = []
    monkeypatch.setattr(demo, "_pretrain", lambda work: "pretrained")
    monkeypatch.setenv("TFINSPECT_CACHE", os.environ["TFINSPECT_CACHE"])

    def run(work, pretrained, choices, seeds):
        asked.append((list(choices), seeds))
        return [[_result(one) for one in row] for row in (TUNED, SCRATCH)]

    monkeypatch.setattr(demo, "_run", run)
    return asked


def test_comparison_is_that_of_the_results(demo, untrained, capsys):
    demo.main(choose_rates=False)
    assert untrained == [([demo.TUNED_RATES, demo.SCRATCH_RATES], demo.SEEDS)]
    header, _, *lines = capsys.readouterr().out.splitlines()
    assert _cells(header) == ["network", "test accuracy", "standard deviation", "lowest", "highest"]
    difference = [one - two for one, two in zip(TUNED, SCRATCH, strict=True)]
    rows = {"fine-tuned": TUNED, "from scratch": SCRATCH, "difference": difference}
    assert [_cells(line) for line in lines] == [
        [name, *map("{:.1%}".format, _summary(values))] for name, values in rows.items()
    ]


def _summary(values):
    return statistics.mean(values), statistics.stdev(values), min(values), max(values)


def test_difference_is_of_the_same_seeds(demo, capsys):
    demo._print_comparison([[0.9, 0.5], [0.5, 0.9]])
    assert _cells(capsys.readouterr().out.splitlines()[-1]) == [
        "difference", "0.0%", "56.6%", "-40.0%", "40.0%",
    ]  # fmt: skip


def test_choice_shows_the_validation_accuracy_of_each_pair_of_rates(demo, capsys):
    results = [[_result(0.1, 0.8), _result(0.2, 0.9)], [_result(0.3, 0.5), _result(0.4, 0.6)]]
    demo._print_choice([(0.005, 0.01), (0.03,)], results)
    _, _, *lines = capsys.readouterr().out.splitlines()
    assert [_cells(line) for line in lines] == [
        ["fine-tuned", "0.005 then 0.01", "85.0%", "80.0%", "90.0%"],
        ["from scratch", "0.03", "55.0%", "50.0%", "60.0%"],
    ]


def test_rates_are_chosen_with_other_seeds_than_those_compared(demo):
    assert set(demo.SEEDS).isdisjoint(demo.CHOOSING_SEEDS)
    assert demo.TUNED_RATES in demo.TUNED_CANDIDATES
    assert demo.SCRATCH_RATES in demo.SCRATCH_CANDIDATES
