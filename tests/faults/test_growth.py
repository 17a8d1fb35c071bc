"""A long run, scaled down: `benchmarks/long_run.py` has the figures of 100,000 steps."""

import gc
import sys
from pathlib import Path

import pytest
from fault_processes import TINY

from tfinspect.training import run
from tfinspect.training.config import config_from

pytestmark = pytest.mark.slow
EPOCHS = 16


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """After each epoch: Python's objects, the run's files, blocks of memory, and the step."""
    output = tmp_path_factory.mktemp("long") / "run"
    found = []

    def look(record, total):
        gc.collect()
        names = sorted(str(path.relative_to(output)) for path in output.rglob("*"))
        kept = [name for name in names if "ckpt" not in name]
        found.append((len(gc.get_objects()), kept, sys.getallocatedblocks(), record.step))

    settings = TINY | {"epochs": EPOCHS, "batch_size": 2}
    run.train(config_from(settings, "test"), str(output), observer=run.Observer(on_epoch=look))
    stored = [path.name for path in Path(output, "checkpoints").glob("*.index")]
    return found, stored


def test_objects_do_not_grow_with_the_steps(seen):
    objects = [found[0] for found in seen[0]]
    # An epoch has one record; a step leaves nothing.
    assert objects[-1] - objects[EPOCHS // 2] < 10 * EPOCHS


def test_no_step_leaves_a_value(seen):
    *_, (_, _, before, first), (_, _, after, last) = seen[0][EPOCHS // 2], seen[0][-1]
    # Each step has a learning rate of its own, which TensorFlow would keep as a number of Python.
    assert after - before < (last - first) / 4


def test_files_do_not_grow_with_the_epochs(seen):
    names = [found[1] for found in seen[0]]
    assert names[-1] == names[EPOCHS // 2]
    assert len(seen[1]) == run.TrainConfig().keep_checkpoints
