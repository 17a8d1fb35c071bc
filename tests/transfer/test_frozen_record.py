"""The proof that frozen tensors did not move outlasts an interruption, wherever it comes."""

import json
import os

import pytest
from transfer_stops import stop_at_step

from tfinspect.errors import RunError, TrainingInterruptedError
from tfinspect.training import checkpoints
from tfinspect.training.run_directory import RunDirectory
from tfinspect.transfer.finetune import finetune, resume_finetuning
from tfinspect.transfer.frozen_record import FrozenRecord
from tfinspect.transfer.tuning_request import TuningRequest

# Three batches of 16 from the 48 training images in each of two epochs.
FIRST_STAGE, BOTH_STAGES = 6, 12


@pytest.fixture
def stopped(settings, pretrained, tmp_path):
    """Stops a run after a step: the first stage trains the head, the second freezes it."""
    stages = [
        {"trainable": "head", "epochs": 2, "learning_rate": 0.01, "augment": "none"},
        {"trainable": "resnet/stage3", "epochs": 2, "learning_rate": 0.001, "augment": "crop"},
    ]
    path = tmp_path / "stages.yaml"
    path.write_text(json.dumps(stages))
    request = TuningRequest(pretrained, stages_file=str(path))

    def stop(step):
        output = str(tmp_path / "run")
        with pytest.raises(TrainingInterruptedError):
            finetune(request, settings, output, observer=stop_at_step(step))
        return output

    return stop


def read(output, name):
    with open(os.path.join(output, name), encoding="utf-8") as stream:
        return json.load(stream)


@pytest.mark.slow
@pytest.mark.parametrize("step", [FIRST_STAGE, BOTH_STAGES])
def test_stage_that_was_broken_off_at_its_end_is_proven_afterwards(stopped, step, pretrained):
    output = stopped(step)
    result = resume_finetuning(output)
    below = [name for name in checkpoints.read(pretrained) if "logits" not in name]
    head, last = result.proofs
    assert (head.frozen, head.with_checkpoint, head.changed) == (len(below), len(below), ())
    # Of the last stage's the new classifier's weights and biases have no counterpart there.
    assert (last.frozen - last.with_checkpoint, last.changed) == (2, ())
    assert read(output, "frozen.json") == [proof.to_dict() for proof in result.proofs]
    assert read(output, "result.json")["frozen"] == read(output, "frozen.json")


@pytest.mark.slow
def test_tensor_that_moved_before_the_interruption_is_found_after_it(stopped):
    output = stopped(FIRST_STAGE + 1)
    prefix = checkpoints.latest(os.path.join(output, "checkpoints"))
    values = checkpoints.read(prefix)
    values["resnet/logits/weights"] = values["resnet/logits/weights"] + 1
    checkpoints.save(prefix, values)
    assert resume_finetuning(output).proofs[1].changed == ("resnet/logits/weights",)


def test_start_of_another_stage_proves_nothing(tmp_path):
    record = FrozenRecord(RunDirectory(str(tmp_path)))
    with pytest.raises(RunError, match="start of stage 2, so that nothing could prove"):
        record.start(1)
    record.write_start(0, {"a": "0"})
    assert record.start(0) == {"a": "0"}
    with pytest.raises(RunError, match="start of stage 2"):
        record.start(1)
