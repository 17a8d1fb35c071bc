"""Summaries in training: what they hold, and that they change nothing."""

import dataclasses
import os
import signal
import types

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from tfinspect.data import pipeline
from tfinspect.data.prepare import prepare
from tfinspect.errors import ConfigError, TrainingInterruptedError
from tfinspect.event_file import EventFile
from tfinspect.model import load_model
from tfinspect.training import checkpoints, loop, run, summaries
from tfinspect.training.activation_pass import LayerActivation

PATTERN = "Relu|stage3"


@pytest.fixture(scope="module")
def short(tiny):
    """Four steps of two epochs, summaries at the second and fourth."""
    return dataclasses.replace(
        tiny, epochs=2, summarize=PATTERN, summarize_every=2, summarize_gradients=True
    )


@pytest.fixture(scope="module")
def summarized(short, tmp_path_factory):
    """A run that was stopped after its third step and gone on with."""
    output = str(tmp_path_factory.mktemp("runs") / "summarized")

    def stop(done, total):
        if done == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingInterruptedError):
        run.train(short, output, observer=run.Observer(on_step=stop))
    return run.resume(output).directory


@pytest.fixture(scope="module")
def events(summarized):
    return read(summarized)


def read(directory):
    found = EventAccumulator(os.path.join(directory, "events", "summaries"))
    found.Reload()
    return found


def last(events, tag):
    return make_ndarray(events.Tensors(tag)[-1].tensor_proto)


def stored(directory, step):
    return checkpoints.read(os.path.join(directory, "checkpoints", f"model.ckpt-{step}"))


@pytest.mark.slow
def test_weights_are_bit_for_bit_those_of_an_uninterrupted_run_without_summaries(
    short, summarized, tmp_path
):
    plain = dataclasses.replace(short, summarize=None, summarize_gradients=False)
    without = run.train(plain, str(tmp_path / "run")).directory
    ours, theirs = stored(summarized, 4), stored(without, 4)
    assert sorted(ours) == sorted(theirs)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert "summaries" not in os.listdir(os.path.join(without, "events"))


@pytest.mark.slow
def test_activations_are_those_of_the_step_for_the_first_validation_images(
    short, summarized, events
):
    data = prepare(short.data)
    batches = loop.batches_of(short.resolved(10_000), data, "validation")
    images = next(iter(pipeline.evaluation_dataset(batches)))[0][:16]
    name = "resnet/stage3/unit1/conv1/Relu"
    expected = load_model(summarized, prefer="latest").fetch([name], images)[name]
    tag = f"activations/{name}"
    assert [event.step for event in events.Tensors(f"{tag}/mean")] == [2, 4]
    assert last(events, f"{tag}/mean") == pytest.approx(expected.mean(), rel=1e-4)
    assert last(events, f"{tag}/std") == pytest.approx(expected.std(), rel=1e-4)
    assert last(events, f"{tag}/zeros") == pytest.approx(np.mean(expected == 0), abs=1e-4)
    assert last(events, tag)[:, 2].sum() == expected.size


@pytest.mark.slow
def test_every_matching_tensor_has_scalars_histogram_and_a_picture(events):
    tags = {tag for tag in events.Tags()["tensors"] if tag.startswith("activations/")}
    assert "activations/resnet/conv1/Relu/channels" in tags
    assert "activations/resnet/stage3/unit1/add" in tags
    names = {tag.removesuffix("/mean") for tag in tags if tag.endswith("/mean")}
    assert not [name for name in names if "Relu" not in name and "stage3" not in name]
    for name in names:
        numbers = {f"{name}/{key}" for key in ("std", "zeros", "dead")}
        assert numbers | {f"{name}/channels", name} <= tags


@pytest.mark.slow
def test_gradients_and_updates_are_those_of_the_step(short, summarized, events):
    name = "resnet/stage3/unit1/conv1/weights"
    before, after = stored(summarized, 3), stored(summarized, 4)
    update = np.linalg.norm(after[name] - before[name]) / np.linalg.norm(before[name])
    slots = [one[f"{name}/Momentum"].astype(np.float64) for one in (before, after)]
    gradient = slots[1] - short.momentum * slots[0]
    tag = f"gradients/{name}"
    assert [event.step for event in events.Tensors(f"{tag}/norm")] == [2, 4]
    assert last(events, f"{tag}/norm") == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    assert last(events, f"{tag}/update_to_weight") == pytest.approx(update, rel=1e-5)
    assert last(events, tag)[:, 2].sum() == gradient.size


@pytest.mark.parametrize(("step", "due"), [(18, False), (19, True)])
def test_last_step_of_a_short_run_is_summarized(tmp_path, step, due):
    config = types.SimpleNamespace(summarize_every=100, summarize_gradients=False)
    watched = types.SimpleNamespace(
        trainer=types.SimpleNamespace(config=config),
        run=types.SimpleNamespace(file=lambda name: str(tmp_path / name)),
        progress=types.SimpleNamespace(step=step),
        total_steps=20,
    )
    activations = {"net/Relu": LayerActivation(op_type="Relu", values=np.ones((2, 3)))}
    summaries.SummaryCallback(watched, lambda: activations).on_train_batch_end(0)
    assert (tmp_path / "events").exists() is due


def test_weights_of_zeros_have_no_update_ratio():
    assert summaries.update_ratio(np.ones(3), np.zeros(3)) is None
    assert summaries.update_ratio(np.full(4, 0.5), np.ones(4)) == 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            "resnet/stage1/unit1/conv1/Rellu",
            "is found in no name; nearest: 'resnet/stage1/unit1/co",
        ),
        ("Rellu", "is found in no name; .* Nearest parts of names: 'Relu'"),
        ("BatchNorm/gamma", "is found in no name"),
        ("(", "is no valid regular expression"),
        ("Relu|stage", "matches .* tensors, and at most 3 are summarized; give a narrower one"),
    ],
)
def test_pattern_that_does_not_fit_ends_the_run_before_its_first_step(
    short, tmp_path, monkeypatch, pattern, message
):
    monkeypatch.setattr("tfinspect.training.activation_pass.TENSORS", 3)
    wrong = dataclasses.replace(short, summarize=pattern)
    with pytest.raises(ConfigError, match=message):
        run.train(wrong, str(tmp_path / "run"))
    assert os.listdir(tmp_path) == []


def test_channels_are_drawn_each_in_its_own_range():
    activation = np.zeros((4, 4, 20), np.float32)
    activation[0, 0] = np.arange(20)
    grid = summaries.channel_grid(activation)
    # 8 tiles of 32 pixels, one pixel around each; the largest value of a channel is white.
    assert grid.shape in [(2 * 33 + 1, 4 * 33 + 1, 3), (3 * 33 + 1, 3 * 33 + 1, 3)]
    assert grid[2, 36].tolist() == [255, 255, 255]
    assert grid[20, 50].tolist() == [0, 0, 0]


def test_a_bounded_op_has_its_saturated_share_and_dead_channels(tmp_path):
    values = np.array([[0.0, 1.0], [0.0, 0.5]], np.float32)
    file = EventFile(str(tmp_path / "events" / "summaries"))
    summaries.write_activation(file, "net/gate", LayerActivation("Sigmoid", values), 1)
    file.flush()
    events = read(str(tmp_path))
    assert last(events, "net/gate/saturated") == pytest.approx(0.75)
    assert last(events, "net/gate/dead") == 1
