"""SIGINT and SIGTERM outside a stage's steps: what is said, what is kept, and going on."""

import os
import signal

import pytest

from tfinspect.errors import TrainingInterruptedError
from tfinspect.training.run import Observer
from tfinspect.training.run_directory import RunDirectory
from tfinspect.transfer.finetune import finetune, resume_finetuning
from tfinspect.transfer.stopped import telling_what_is_kept
from tfinspect.transfer.tuning_request import TuningRequest

pytestmark = pytest.mark.slow


def signalling(number, phase):
    """Returns an observer that sends a signal when a phase of the run begins, once."""
    left = [phase]

    def on_phase(text):
        if left and left[0] in text:
            left.clear()
            os.kill(os.getpid(), number)

    return Observer(on_phase=on_phase, on_data=lambda what, *_: on_phase(what))


@pytest.mark.parametrize(
    ("number", "phase", "step"),
    [
        (signal.SIGINT, "training stage 'all'", 9),
        (signal.SIGTERM, "writing curves and export", 15),
    ],
)
def test_stop_after_a_stage_keeps_its_checkpoint(
    pretrained, settings, tmp_path, number, phase, step
):
    output = str(tmp_path / "run")
    words = (
        f"the checkpoint after step {step} is kept, .* `tfinspect finetune --resume --output "
        f"{output}`"
    )
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TrainingInterruptedError, match=words):
        finetune(TuningRequest(pretrained), settings, output, observer=signalling(number, phase))
    assert signal.getsignal(signal.SIGTERM) == before
    with pytest.raises(TrainingInterruptedError, match=words):
        resume_finetuning(output, observer=signalling(number, phase))
    assert resume_finetuning(output).training.step == 15


@pytest.mark.parametrize(
    ("number", "phase"), [(signal.SIGINT, "features of train"), (signal.SIGTERM, "loading")]
)
def test_stop_before_the_first_checkpoint_begins_anew(
    pretrained, settings, tmp_path, monkeypatch, number, phase
):
    monkeypatch.setenv("TFINSPECT_CACHE", str(tmp_path / "cache"))
    output = str(tmp_path / "run")
    with pytest.raises(TrainingInterruptedError, match=r"nothing can be .*same command begins an"):
        finetune(TuningRequest(pretrained), settings, output, observer=signalling(number, phase))
    # The very same command is not refused.
    with pytest.raises(TrainingInterruptedError):
        finetune(TuningRequest(pretrained), settings, output, observer=signalling(number, phase))


def test_process_that_does_not_write_names_the_one_that_does(tmp_path):
    output = str(tmp_path)
    RunDirectory(output).write_json("backup/state.json", {})
    words = f"chief 0 keeps the run: .* --resume --output {output}` in all processes"
    with (
        pytest.raises(TrainingInterruptedError, match=words),
        telling_what_is_kept(output, "chief 0"),
    ):
        raise KeyboardInterrupt
