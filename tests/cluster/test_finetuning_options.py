"""Fine-tuning by two processes: synchronized statistics, stages that end early, shared files."""

import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import tiny_data
from transfer_images import SIZE

from tfinspect.data.manifest import write_manifest

sys.path.insert(0, os.path.dirname(__file__))
from processes import MARKS
from tuning_runs import PROGRAM, STEPS, make_place, start_tuning, told_by

pytestmark = MARKS
EXAMPLES, SHARDS, EPOCHS = 94, 4, 2
# Every batch is noted by its examples' first pixels, without fillers; nothing fits into memory.
STREAMED = """
import json, os
import tensorflow as tf
from tfinspect.cluster import tf_config
from tfinspect.data import batches, pipeline
from tfinspect.transfer import cluster_tuning
batches.Batches.fits_in_memory = property(lambda self: False)
pipeline._preprocess = lambda batches, images: tf.cast(images, tf.float32) / 255
usual_weights = cluster_tuning._weighted
def note(pixels, weights):
    numbers = [round(255 * float(p)) for p, w in zip(pixels, weights) if w > 0]
    name = tf_config.from_environment().name.replace(" ", "-")
    with open(f"{os.environ['NOTES']}-{name}", "a") as stream:
        stream.write(json.dumps(numbers) + "\\n")
def weighted(*args):
    def noted(images, labels, weights):
        tf.numpy_function(note, [images[:, 0, 0, 0], weights], [])
        return images, labels, weights
    return usual_weights(*args).map(noted)
cluster_tuning._weighted = weighted
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return make_place(tmp_path_factory.mktemp("finetuning"))


def both(place, directory, **settings):
    """Returns what one process tells, and what two tell, of the same settings."""
    started = {n: start_tuning(n, place, directory / str(n), **settings) for n in (1, 2)}
    return told_by(started[1])[0], told_by(started[2])


def test_synchronized_statistics_give_the_losses_of_one_process(place, tmp_path):
    settings = {"sync_batch_norm": True, "batch_norm": "adapt", "augment": "none"}
    settings |= {"head_epochs": 0, "tune_epochs": 2, "tune_learning_rate": 0.001}
    alone, (first, second) = both(place, tmp_path, **settings)
    assert first["losses"] == second["losses"]
    assert len(alone["losses"]) == 2 * STEPS
    np.testing.assert_allclose(first["losses"], alone["losses"], atol=1e-5, rtol=0)
    assert max(alone["losses"]) - min(alone["losses"]) > 0.05


def test_stages_end_early_after_as_many_epochs_as_in_one_process(place, tmp_path):
    # Too little is learned for the loss to change, and no statistics move: the first epoch of each
    # stage has its lowest loss.
    stages = [
        {"trainable": scopes, "epochs": 9, "learning_rate": 1e-30, "augment": augment}
        for scopes, augment in (
            ("head", "none"),
            (["resnet/stage1/unit1/conv1/weights", "head"], "crop"),
        )
    ]
    (tmp_path / "stages.json").write_text(json.dumps(stages))
    alone, together = both(place, tmp_path, stages=str(tmp_path / "stages.json"), patience=2)
    states = [tmp_path / count / "backup" / "state.json" for count in "12"]
    assert [len(json.loads(state.read_text())["records"]) for state in states] == [6, 6]
    assert len(alone["losses"]) == len(together[0]["losses"]) == 6 * STEPS
    # The chief alone trains the head.
    assert len(together[1]["losses"]) == 3 * STEPS


def test_files_are_shared_and_every_example_is_seen_once(place, tmp_path, monkeypatch):
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    splits = {}
    for split, count in (("train", EXAMPLES), ("validation", 20), ("test", 20)):
        pixels = np.random.RandomState(0).randint(0, 256, (count, 3, SIZE, SIZE), np.uint8)
        pixels[:, 0, 0, 0] = np.arange(count)
        splits[split] = tiny_data.raw_records(pixels, np.arange(count) % 10)
    data = str(tmp_path / "records")
    manifest = tiny_data.write_data(data, splits, image_shape=(SIZE, SIZE, 3), num_shards=SHARDS)
    counts = dict.fromkeys(tiny_data.LABELS, 2)
    counted = {n: replace(split, label_histogram=counts) for n, split in manifest.splits.items()}
    write_manifest(data, replace(manifest, splits=counted))
    settings = {"data": data, "head_epochs": 0, "tune_epochs": EPOCHS, "augment": "none"}
    told = told_by(start_tuning(2, place, tmp_path / "run", program=STREAMED + PROGRAM, **settings))
    words = "the training split is shared by file: this process reads 2 of 4 shards"
    assert all(words in process["said"] for process in told)
    notes = [(tmp_path / f"notes-worker-{number}").read_text().splitlines() for number in (0, 1)]
    steps = len(notes[0]) // EPOCHS
    assert steps == 8
    for epoch in range(EPOCHS):
        lines = [each[epoch * steps : (epoch + 1) * steps] for each in notes]
        own = [[number for line in each for number in json.loads(line)] for each in lines]
        assert sorted(own[0] + own[1]) == list(range(EXAMPLES))
        assert len(own[0]) == len(own[1])
