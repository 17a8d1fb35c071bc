"""A cluster of another size goes on with a run: every example of an epoch once, or a refusal."""

import os
import signal
import sys
import time

import numpy as np
import pytest
import tiny_data

sys.path.insert(0, os.path.dirname(__file__))
from lost_runs import PROGRAM, noted
from processes import configurations, start

from tfinspect.data import pipeline
from tfinspect.data.prepare import read_shards
from tfinspect.errors import RunError
from tfinspect.training.epoch_order import BY_PLACE, BY_RECORD, in_one_order, note_order
from tfinspect.training.progress import Progress

EXAMPLES, BATCH, PER_EPOCH = 141, 24, 6
# Of six shards four processes cannot have equally many examples.
UNEVEN = 4
# Nothing fits into memory, and the shards are read anew in every epoch.
STREAMED = """
import dataclasses
from tfinspect.training import loop
usual = loop.batches_of
loop.batches_of = lambda *given: dataclasses.replace(usual(*given), cache_bytes=0)
"""
SETTINGS = ("--depth", "8", "--width", "0.25", "--batch-size", str(BATCH), "--augment", "none")


class Same:
    def apply(self, images):
        return images


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_data.numbered_data(str(tmp_path_factory.mktemp("shards")), EXAMPLES, 6)


@pytest.fixture
def whole(data):
    return pipeline.Batches(
        data,
        read_shards(data),
        split="train",
        batch_size=BATCH,
        image_shape=(32, 32, 3),
        preprocessing=Same(),
        cache_bytes=0,
        keep_last=True,
    )


def seen(shares, steps):
    """Returns the examples that all processes have in some steps of the first epoch."""
    found = []
    for batches in shares:
        images = pipeline.training_dataset(
            batches, seed=3, epochs=1, start_step=steps.start, augment=False
        )
        weights = pipeline.step_weights(batches, epochs=1, start_step=steps.start)
        for (pixels, _), weight in zip(images.take(len(steps)), weights, strict=False):
            found += pixels.numpy()[weight.numpy() > 0, 0, 0, 0].astype(int).tolist()
    return found


def shared(whole, count, progress=None):
    parts = [pipeline.shared(whole, number, count) for number in range(count)]
    return parts if progress is None else [in_one_order(part, progress) for part in parts]


def begun(whole, count, steps):
    """Returns the progress of a run of so many processes, and the examples of its steps."""
    progress = Progress()
    parts = shared(whole, count, progress)
    progress.step = steps
    return progress, seen(parts, range(steps))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("before", [1, 2, UNEVEN, 6])
def test_epoch_has_every_example_once_or_is_not_gone_on_with(whole, before, count):
    progress, first = begun(whole, before, 2)
    if before not in (UNEVEN, count):
        with pytest.raises(RunError, match=rf"within epoch 1, whose.*by file, over {before} proc"):
            shared(whole, count, progress)
        # What is refused would not have been right.
        rest = seen(shared(whole, count), range(2, PER_EPOCH))
        assert sorted(first + rest) != list(range(EXAMPLES))
        return
    parts = shared(whole, count, progress)
    # An epoch that was cut up record by record is not dealt out by file in its middle.
    assert (parts[0].share.files is None) == (before == UNEVEN)
    rest = seen(parts, range(2, PER_EPOCH))
    assert sorted(first + rest) == list(range(EXAMPLES))


@pytest.mark.parametrize("count", [1, 3, UNEVEN])
def test_number_may_change_at_the_end_of_an_epoch(whole, count):
    progress, first = begun(whole, 2, PER_EPOCH)
    assert sorted(first) == list(range(EXAMPLES))
    parts = shared(whole, count, progress)
    assert sorted(seen(parts, range(PER_EPOCH))) == list(range(EXAMPLES))
    words = BY_RECORD if count == UNEVEN else f"by file, over {count} processes"
    assert progress.epoch_order == words


@pytest.mark.parametrize("orders", [(BY_PLACE, BY_RECORD), (BY_RECORD, BY_PLACE)])
def test_epoch_is_ended_with_parameter_servers_where_it_was_begun_with_them(whole, orders):
    progress = Progress(epoch_order=orders[0])
    note_order(whole, progress, orders[1])
    progress.step = 7
    with pytest.raises(RunError, match=r"within epoch 2, .* with parameter servers"):
        note_order(whole, progress, orders[0])
    assert progress.epoch_order == orders[1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_run_stopped_within_an_epoch_is_ended_by_as_many_and_every_example_comes_once(
    data, tmp_path, monkeypatch
):
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("PAUSE", "0.3")
    program = ("-c", STREAMED + PROGRAM)
    output = ("--output", str(tmp_path / "run"))
    command = ("train", *SETTINGS, "--data", data, "--epochs", "2", *output)
    processes = [start(text, *command, program=program) for text in configurations(2)]
    notes = [tmp_path / f"notes-worker-{number}" for number in (0, 1)]
    deadline = time.monotonic() + 120
    while not notes[0].exists() or len(noted(notes[0])) < 2:
        assert time.monotonic() < deadline
        assert [process.poll() for process in processes] == [None, None]
        time.sleep(0.02)
    processes[0].send_signal(signal.SIGTERM)
    said = [process.communicate(timeout=90)[0] for process in processes]
    assert [process.returncode for process in processes] == [130, 130], said
    assert "the training split is shared by file: this process reads" in said[1]

    monkeypatch.setenv("PAUSE", "0")
    resume = ("train", "--resume", *output)
    [text] = configurations(1)
    alone = start(text, *resume, program=program)
    told, _ = alone.communicate(timeout=90)
    assert alone.returncode == 2, told
    assert "within epoch 1, whose examples were shared by file, over 2 processes" in told
    assert "Start as many workers as before" in told

    again = [start(text, *resume, program=program) for text in configurations(2)]
    said = [process.communicate(timeout=90)[0] for process in again]
    assert [process.returncode for process in again] == [0, 0], said
    lines = [dict(noted(path)) for path in notes]
    for epoch in range(2):
        steps = range(epoch * PER_EPOCH + 1, (epoch + 1) * PER_EPOCH + 1)
        examples = np.concatenate([own[step] for own in lines for step in steps])
        assert sorted(examples) == list(range(EXAMPLES)), epoch
