"""Two processes with half of each batch do what one does with all of it."""

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_data
from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

sys.path.insert(0, os.path.dirname(__file__))
from equal_runs import PROGRAM
from processes import MARKS, configurations, said_by, start

from tfinspect.training import checkpoints

pytestmark = MARKS
# Every sixth batch has 21 examples: two processes have 11 and 10 of them, and one a filler.
EXAMPLES, BATCH, PER_EPOCH, STEPS = 141, 24, 6, 20
# Rates so small that every gradient is that of the initial weights.
STILL = {"learning_rate": 1e-30, "momentum": 0.0, "schedule": "constant", "steps": PER_EPOCH}
# At rates as large as the others' a difference of one rounding grows a hundredfold in 20 steps.
SYNC = {"sync_batch_norm": True, "learning_rate": 0.01}
FLOAT64 = {"precision": "float64"}
RUNS = {
    "frozen": {"frozen": True, "config": {}, "ends": True},
    "synchronized": {"frozen": False, "config": SYNC},
    "plain": {"frozen": False, "config": SYNC | {"sync_batch_norm": False}},
    "frozen in float64": {"frozen": True, "config": FLOAT64},
    "synchronized in float64": {"frozen": False, "config": FLOAT64 | {"sync_batch_norm": True}},
    "summarized": {
        "frozen": True,
        "config": FLOAT64
        | {"summarize": "Relu", "summarize_gradients": True, "summarize_every": 10},
    },
    "uneven step": {"frozen": True, "config": STILL},
    "uneven step, synchronized": {
        "frozen": False,
        "config": FLOAT64 | STILL | {"sync_batch_norm": True},
    },
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("records"))
    counts = {"train": EXAMPLES, "validation": 30, "test": 30}
    records = {
        split: tiny_data.raw_records(*tiny_data.images(count, seed))
        for seed, (split, count) in enumerate(counts.items())
    }
    tiny_data.write_data(directory, records)
    return directory


@pytest.fixture(scope="module")
def alone_and_together(data, tmp_path_factory):
    """Number of processes -> name of the run -> losses that each process reported, and its output.

    One process with the whole batch, and two with half of it each.
    """
    directory = tmp_path_factory.mktemp("runs")
    settings = {"data": data, "depth": 8, "width": 0.25, "batch_size": BATCH, "steps": STEPS}
    settings |= {"augment": "none", "learning_rate": 0.05}
    found = {}
    for count in (1, 2):
        outputs = {name: f"{directory}/{count}-{number}" for number, name in enumerate(RUNS)}
        wanted = [
            one | {"config": settings | one["config"], "output": outputs[name]}
            for name, one in RUNS.items()
        ]
        program = ("-c", PROGRAM)
        started = [start(t, json.dumps(wanted), program=program) for t in configurations(count)]
        said = said_by(started, 0)
        losses = [json.loads(text.splitlines()[-1]) for text in said]
        found[count] = {
            name: ([each[number] for each in losses], outputs[name])
            for number, name in enumerate(RUNS)
        }
    return found


def losses_of(found, name):
    [alone], _ = found[1][name]
    first, second = found[2][name][0]
    assert first == second, "both processes know the losses of the whole batch"
    assert len(alone) == len(first)
    return np.array(alone), np.array(first)


def values_of(found, name):
    pair = []
    for count in (1, 2):
        directory = os.path.join(found[count][name][1], "checkpoints")
        pair.append(checkpoints.read(checkpoints.latest(directory)))
    assert sorted(pair[0]) == sorted(pair[1])
    return pair


@pytest.mark.parametrize("name", ["frozen", "synchronized"])
def test_two_processes_have_the_losses_of_one_at_every_step(alone_and_together, name):
    alone, together = losses_of(alone_and_together, name)
    assert len(alone) == STEPS
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)


def test_processes_with_statistics_of_their_own_have_other_losses(alone_and_together):
    # Were it otherwise, the comparison with synchronized statistics would show nothing.
    alone, together = losses_of(alone_and_together, "plain")
    assert np.abs(together - alone).max() > 1e-4


def test_synchronized_statistics_of_one_process_are_those_of_the_fused_kernel(alone_and_together):
    [plain], _ = alone_and_together[1]["plain"]
    [ours], _ = alone_and_together[1]["synchronized"]
    np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["frozen in float64", "synchronized in float64"])
def test_all_variables_and_slots_are_those_of_one_process(alone_and_together, name):
    # A wrong weight, sum or L2 term would show as in float32. Rounding, and the ReLUs that it turns
    # on or off, which in float32 make differences of 1e-4 in slots, are 2^29 times smaller.
    alone, together = values_of(alone_and_together, name)
    for key, value in alone.items():
        np.testing.assert_allclose(together[key], value, rtol=0, atol=1e-12, err_msg=key)
    alone, together = losses_of(alone_and_together, name)
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "tolerance"), [("uneven step", 1e-5), ("uneven step, synchronized", 1e-11)]
)
def test_gradient_of_an_uneven_batch_is_that_of_the_whole_batch(
    alone_and_together, name, tolerance
):
    alone, together = values_of(alone_and_together, name)
    assert alone["global_step"] == PER_EPOCH, "the last batch is the uneven one"
    # Without momentum, the slot holds the last step's gradient.
    gradients = [key for key in alone if key.endswith("/Momentum")]
    assert len(gradients) > 10
    for key in gradients:
        distance = np.linalg.norm(together[key] - alone[key])
        assert distance <= tolerance * np.linalg.norm(alone[key]), key


def summaries_of(output):
    found = EventAccumulator(os.path.join(output, "events", "summaries"), {TENSORS: 0})
    found.Reload()
    return {
        (tag, event.step): make_ndarray(event.tensor_proto)
        for tag in found.Tags()[TENSORS]
        for event in found.Tensors(tag)
    }, sum(len(found.Tensors(tag)) for tag in found.Tags()[TENSORS])


def test_summaries_are_written_once_with_the_values_of_one_process(alone_and_together):
    outputs = [alone_and_together[count]["summarized"][1] for count in (1, 2)]
    files = [sorted(Path(output, "events").rglob("events.*")) for output in outputs]
    assert [len(each) for each in files] == [3, 3], "train, validation, summaries"
    (alone, _), (together, written) = map(summaries_of, outputs)
    assert written == len(together) == len(alone), "no value twice"
    assert {step for _, step in alone} == {10, 20}
    compared = set()
    for key in alone:
        if key[0].rpartition("/")[2] in ("mean", "std", "norm", "update_to_weight"):
            compared.add(key[0].split("/")[0])
            np.testing.assert_allclose(together[key], alone[key], rtol=1e-6, err_msg=str(key))
    assert compared == {"activations", "gradients"}


def test_two_processes_validate_every_example_once(alone_and_together):
    rows = []
    for count in (1, 2):
        path = os.path.join(alone_and_together[count]["frozen"][1], "metrics.csv")
        with open(path, encoding="utf-8") as stream:
            rows.append(list(csv.DictReader(stream)))
    for alone, together in zip(*rows, strict=True):
        assert together["validation_accuracy"] == alone["validation_accuracy"]
        assert together["accuracy"] == alone["accuracy"], "fillers are not counted"
        for name in ("loss", "validation_loss"):
            assert float(together[name]) == pytest.approx(float(alone[name]), abs=1e-5)
