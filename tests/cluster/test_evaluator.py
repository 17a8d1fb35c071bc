"""An evaluator beside a synchronous worker, as real processes over loopback."""

import csv
import json
import os
import signal
import sys

import pytest
import tiny_data

sys.path.insert(0, os.path.dirname(__file__))
from processes import MARKS, roles, said_by, start, wait_until

pytestmark = MARKS
# A chief that is gone is given up after three seconds, not thirty.
HASTY = """
from tfinspect.training import evaluator
from tfinspect_cli.main import main
evaluator.GONE_SECONDS = 3.0
main()
"""
SETTINGS = ("--depth", "8", "--width", "0.25", "--batch-size", "24", "--augment", "none")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("records"))
    counts = {"train": 48, "validation": 30, "test": 30}
    tiny_data.write_data(
        directory,
        {
            split: tiny_data.raw_records(*tiny_data.images(count, seed))
            for seed, (split, count) in enumerate(counts.items())
        },
    )
    return directory


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


def test_evaluator_ends_when_the_run_is_finished_and_when_nobody_trains_any_more(data, tmp_path):
    output = tmp_path / "run"
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), "--steps", "100000")
    configurations = roles(1, 0, True)
    processes = {
        "worker 0": start(configurations["worker 0"], *arguments),
        "evaluator 0": start(configurations["evaluator 0"], *arguments, program=("-c", HASTY)),
    }
    measured = output / "evaluator" / "metrics.csv"
    wait_until(lambda: len(rows(measured)) >= 2, processes.values())
    processes["worker 0"].kill()
    _, said = said_by(processes.values(), -signal.SIGKILL, 2)
    assert "worker 0 (localhost:" in said
    assert "has not answered for 3 s" in said
    accuracies = {
        record["step"]: record["validation_accuracy"]
        for record in json.loads((output / "backup" / "state.json").read_text())["records"]
    }
    for row in rows(measured):
        assert float(row["accuracy"]) == pytest.approx(accuracies[int(row["step"])], abs=1e-5)

    # What the run leaves when it is finished.
    (output / "result.json").write_text("{}")
    last = start(roles(1, 0, True)["evaluator 0"], "train", "--resume", "--output", str(output))
    said_by([last], 0)
    stored = {name.rpartition("-")[2] for name in os.listdir(output / "checkpoints")}
    steps = {row["step"] for row in rows(measured)}
    assert {name.removesuffix(".index") for name in stored if name.endswith(".index")} <= steps
    assert len(steps) == len(rows(measured))
