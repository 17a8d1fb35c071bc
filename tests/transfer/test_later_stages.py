"""A later stage begins like a run of its own: its optimizer does not count the stages before."""

import dataclasses
import json
import os

import numpy as np
import pytest
from transfer_stops import stop_at_step

from tfinspect.errors import TrainingInterruptedError
from tfinspect.training import checkpoints
from tfinspect.transfer.finetune import finetune, resume_finetuning
from tfinspect.transfer.tuning_request import TuningRequest

pytestmark = pytest.mark.slow
RATE = 1e-3
# Three batches of 16 from the 48 training images, in three epochs.
HEAD_STEPS = 9
SECOND = {
    "on images": {"trainable": "all", "augment": "crop"},
    "on features": {"trainable": ["resnet/stage3", "head"], "augment": "none"},
}


@pytest.fixture(params=SECOND)
def two_stages(request, settings, pretrained, tmp_path):
    """What starts a run whose first stage trains the head, and its second one more."""
    first = {"trainable": "head", "epochs": 3, "learning_rate": 0.01, "augment": "none"}
    second = {"epochs": 2, "learning_rate": RATE, **SECOND[request.param]}
    path = tmp_path / "stages.yaml"
    path.write_text(json.dumps([first, second]))
    config = dataclasses.replace(settings, schedule="constant", weight_decay=0.0)

    def start(name, **observing):
        output = str(tmp_path / name)
        finetune(TuningRequest(pretrained, stages_file=str(path)), config, output, **observing)
        return output

    return start, tmp_path


def stored(output, step):
    return checkpoints.read(os.path.join(output, "checkpoints", f"model.ckpt-{step}"))


def test_first_step_of_adam_is_as_long_as_the_rate(two_stages):
    """Closed form: from slots of zeros each weight moves by rate * g / (|g| + epsilon)."""
    start, directory = two_stages
    with pytest.raises(TrainingInterruptedError):
        start("run", observer=stop_at_step(HEAD_STEPS + 1))
    output = str(directory / "run")
    before, after = stored(output, HEAD_STEPS), stored(output, HEAD_STEPS + 1)
    trained = [name.removesuffix("/Adam") for name in after if name.endswith("/Adam")]
    moved = np.concatenate([np.abs(after[name] - before[name]).ravel() for name in trained])
    assert after["global_step"] == HEAD_STEPS + 1
    assert moved.max() == pytest.approx(RATE, rel=1e-3)
    assert np.median(moved) == pytest.approx(RATE, rel=1e-2)


def test_run_stopped_in_the_second_stage_goes_on_to_the_same_weights(two_stages):
    start, directory = two_stages
    whole = start("whole")
    with pytest.raises(TrainingInterruptedError):
        start("stopped", observer=stop_at_step(HEAD_STEPS + 2))
    resume_finetuning(str(directory / "stopped"))
    last = HEAD_STEPS + 6
    ours, theirs = stored(str(directory / "stopped"), last), stored(whole, last)
    assert sorted(ours) == sorted(theirs)
    assert ours["global_step"] == last
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
