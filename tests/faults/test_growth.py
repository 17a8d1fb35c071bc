"""A long run, scaled down: `benchmarks/long_run.py` has the figures of 100,000 steps."""

import gc
from pathlib import Path

import pytest
from fault_processes import TINY

from tfinspect.training import run
from tfinspect.training.config import config_from

pytestmark = pytest.mark.slow
EPOCHS = 16


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """How many objects Python has, and the names of the run's files, after each epoch."""
    output = tmp_path_factory.mktemp("long") / "run"
    found = []

    def look(record, total):
        gc.collect()
        names = sorted(str(path.relative_to(output)) for path in output.rglob("*"))
        found.append((len(gc.get_objects()), [name for name in names if "ckpt" not in name]))

    settings = TINY | {"epochs": EPOCHS}
    run.train(config_from(settings, "test"), str(output), observer=run.Observer(on_epoch=look))
    stored = [path.name for path in Path(output, "checkpoints").glob("*.index")]
    return found, stored


def test_objects_do_not_grow_with_the_steps(seen):
    objects = [count for count, _ in seen[0]]
    # An epoch has one record; a step leaves nothing.
    assert objects[-1] - objects[EPOCHS // 2] < 10 * EPOCHS


def test_files_do_not_grow_with_the_epochs(seen):
    names = [names for _, names in seen[0]]
    assert names[-1] == names[EPOCHS // 2]
    assert len(seen[1]) == run.TrainConfig().keep_checkpoints
