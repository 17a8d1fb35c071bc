"""What one training step changes, and which rates a stage gives to which variables."""

import dataclasses

import numpy as np
import pytest

from tfinspect.errors import ConfigError
from tfinspect.nets import synchronized_batch_norm
from tfinspect.transfer.frozen import digests, prove
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.tuned_model import rate_factors

HEAD = Stage("head", ("resnet/logits",), 1, 0.1)
LAST = Stage("last", ("resnet/stage3", "resnet/logits"), 1, 0.1)


def step(model, seed=0):
    """Runs one step on noise and returns the names of the variables that it changed."""
    before = {name: one.numpy() for name, one in model.variables_by_name().items()}
    random = np.random.RandomState(seed)
    images = random.uniform(-1, 1, (4, 8, 8, 3)).astype(np.float32)
    model.train_on_batch(images, np.array([0, 1, 2, 0]))
    after = {name: one.numpy() for name, one in model.variables_by_name().items()}
    return {name for name in before if not np.array_equal(before[name], after[name])}


def test_head_stage_changes_the_head_alone(make_tuned, settings):
    model, _ = make_tuned(HEAD, settings)
    assert step(model) == {"resnet/logits/weights", "resnet/logits/biases"}


def test_statistics_move_in_trained_scopes_alone(make_tuned, settings):
    model, _ = make_tuned(LAST, settings)
    moved = {name for name in step(model) if "moving_" in name}
    assert moved
    assert all(name.startswith("resnet/stage3/") for name in moved)


def test_statistics_of_frozen_scopes_move_where_they_adapt(make_tuned, settings):
    model, _ = make_tuned(HEAD, settings, adapts=True)
    changed = step(model)
    assert "resnet/conv1/BatchNorm/moving_mean" in changed
    assert "resnet/conv1/BatchNorm/gamma" not in changed


def test_proof_names_a_tensor_that_moved(make_tuned, settings):
    model, _ = make_tuned(HEAD, settings)
    before = digests(model)
    variable = model.variables_by_name()["resnet/conv1/weights"]
    variable.assign(variable + 1e-7)
    proof = prove(model, HEAD, before, {})
    assert proof.changed == ("resnet/conv1/weights",)
    assert "CHANGED" in proof.sentence()


def test_proof_counts_what_was_compared_with_the_checkpoint(make_tuned, settings):
    model, _ = make_tuned(HEAD, settings)
    before = digests(model)
    stored = {"resnet/conv1/weights": before["resnet/conv1/weights"]}
    proof = prove(model, HEAD, before, stored)
    assert (proof.frozen, proof.with_checkpoint, proof.changed) == (35, 1, ())


def test_stage_of_a_scope_that_does_not_exist_trains_nothing(make_tuned, settings):
    wrong = dataclasses.replace(HEAD, scopes=("resnet/logit",))
    with pytest.raises(ConfigError, match=r"trains nothing in 'resnet/logit'.*'resnet/logits'"):
        make_tuned(wrong, settings)


def test_stage_of_moving_statistics_trains_nothing(make_tuned, settings):
    wrong = dataclasses.replace(HEAD, scopes=("resnet/conv1/BatchNorm/moving_mean",))
    with pytest.raises(ConfigError, match="no trainable variable"):
        make_tuned(wrong, settings)


def test_blocks_run_from_the_images_to_the_classifier(make_tuned, settings):
    model, _ = make_tuned(HEAD, settings)
    assert model.blocks() == ["resnet/conv1", "resnet/stage1", "resnet/stage2", "resnet/stage3"]


BLOCKS = ("net/a", "net/b")
NAMES = ("net/a/weights", "net/b/weights", "net/logits/weights")


def test_layer_decay_falls_with_the_distance_from_the_head():
    stage = dataclasses.replace(HEAD, layer_decay=0.5)
    assert rate_factors(stage, NAMES, BLOCKS) == dict(zip(NAMES, (0.25, 0.5, 1.0), strict=True))


def test_longest_scope_says_a_variables_rate():
    stage = dataclasses.replace(HEAD, rates=(("net", 0.1), ("net/logits", 2.0)))
    assert rate_factors(stage, NAMES, BLOCKS) == dict(zip(NAMES, (0.1, 0.1, 2.0), strict=True))


def test_equal_rates_need_no_factors():
    assert rate_factors(HEAD, NAMES, BLOCKS) is None


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_rate_factor_scales_the_step(make_tuned, settings, optimizer):
    config = dataclasses.replace(settings, optimizer=optimizer, weight_decay=0.0)
    whole = dataclasses.replace(HEAD, scopes=("",))
    half = dataclasses.replace(whole, rates=(("resnet/conv1", 0.5),))
    steps = []
    for stage in (whole, half):
        model, _ = make_tuned(stage, config)
        variable = model.variables_by_name()["resnet/conv1/weights"]
        before = variable.numpy()
        step(model)
        steps.append(variable.numpy() - before)
    np.testing.assert_allclose(steps[1], steps[0] / 2, atol=1e-7)


@pytest.mark.parametrize("scope", ["resnet/stage1", "resnet/stage"])
def test_rate_of_what_the_stage_does_not_train_is_refused(make_tuned, settings, scope):
    idle = dataclasses.replace(LAST, rates=(("resnet/stage3/unit1", 0.5), (scope, 0.5)))
    with pytest.raises(
        ConfigError, match=f"stage 'last' has a rate for '{scope}'.*'resnet/stage3'"
    ):
        make_tuned(idle, settings)


def test_one_process_normalizes_as_slim_does(make_tuned, settings, monkeypatch):
    """Statistics over all replicas are for clusters: alone, slim's own layer computes them."""

    def over_replicas(*_):
        raise AssertionError("a single process has nobody to share statistics with")

    monkeypatch.setattr(synchronized_batch_norm, "_normalized", over_replicas)
    model, _ = make_tuned(LAST, settings)
    assert any("moving_" in name for name in step(model))
    model.synchronizes_batch_norm = True
    model.make_train_function(force=True)
    with pytest.raises(AssertionError, match="nobody to share"):
        step(model)
