"""A classifier that is kept: its classes must be those of the data."""

import dataclasses
import glob
import shutil

import numpy as np
import pytest
import tiny_data
from tiny_run import copy_run
from transfer_images import NETWORK, write_images

from tfinspect.errors import ConfigError
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.prepare_tuning import prepare_tuning
from tfinspect.transfer.restore import restore
from tfinspect.transfer.tuning_request import TuningRequest

KEPT = {"keep_classifier": True}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Prefix of a checkpoint with as many classes as the images have."""
    prefix = str(tmp_path_factory.mktemp("three") / "model.ckpt-1")
    network = SlimModel(get_spec(NETWORK, width=0.5), 3, seed=4)
    checkpoints.save(prefix, network.variables_by_name())
    return prefix


def with_labels(settings, directory, labels):
    data = write_images(directory / "photos", dict.fromkeys(labels, 4))
    return dataclasses.replace(settings, data=data, batch_size=8)


def test_kept_classifier_has_the_values_of_the_checkpoint(three, settings):
    prepared = prepare_tuning(TuningRequest(three, **KEPT), settings)
    assert prepared.report.counts() == {"loaded": 37}
    restore(prepared.model, prepared.artifact, prepared.request.rules)
    stored = checkpoints.read(three)
    for name, variable in prepared.model.variables_by_name().items():
        np.testing.assert_array_equal(variable.numpy(), stored[name], err_msg=name)
    assert "does not name its 3 classes" in " ".join(prepared.notes)


def test_classifier_that_nobody_excluded_names_its_rule(three, settings):
    rows = prepare_tuning(TuningRequest(three), settings).report.having("re-initialised")
    assert {row.rule for row in rows} == {"new classifier"}


def test_other_number_of_classes_is_refused_with_the_cure(pretrained, settings):
    with pytest.raises(ConfigError, match="10 classes and the data 3; leave --keep-classifier out"):
        prepare_tuning(TuningRequest(pretrained, **KEPT), settings)


@pytest.mark.parametrize("scope", ["resnet/logits", "resnet/logits/biases", "resnet"])
def test_classifier_is_not_both_kept_and_excluded(three, settings, scope):
    with pytest.raises(ConfigError, match="both --keep-classifier and the excluded scope"):
        prepare_tuning(TuningRequest(three, LoadRules((scope,)), **KEPT), settings)


def test_other_scopes_may_be_excluded_beside_it(three, settings):
    rules = LoadRules(("resnet/stage3",))
    prepared = prepare_tuning(TuningRequest(three, rules, **KEPT), settings)
    new = {row.name for row in prepared.report.having("re-initialised")}
    assert new
    assert all(name.startswith("resnet/stage3/") for name in new)


def test_classes_of_a_run_are_compared_by_name(settings, tmp_path):
    run = copy_run(tmp_path)
    theirs = sorted(tiny_data.LABELS)
    ours = [*theirs[:-1], "zzz"]
    with pytest.raises(ConfigError, match=r"class \d of the checkpoint is"):
        prepare_tuning(TuningRequest(run.path, **KEPT), with_labels(settings, tmp_path, ours))


def test_run_with_the_classes_of_the_data_needs_no_word_or_offers_its_classifier(
    settings, tmp_path
):
    run = copy_run(tmp_path)
    config = dataclasses.replace(settings, data=run.data, image_size=None)
    assert prepare_tuning(TuningRequest(run.path, **KEPT), config).notes == ()
    (offer,) = prepare_tuning(TuningRequest(run.path), config).notes
    assert "--keep-classifier begins with it" in offer


def test_run_of_another_network_and_other_classes_is_one_sentence(settings, tmp_path):
    run = copy_run(tmp_path)
    config = dataclasses.replace(settings, net="mobilenet_v1", width=1.0, image_size=(32, 32))
    with pytest.raises(ConfigError, match=r"model\.ckpt-5' has 10 classes and the data 3; leave"):
        prepare_tuning(TuningRequest(run.path, **KEPT), config)


@pytest.mark.parametrize("changes", [KEPT, {}])
def test_checkpoint_beside_somebody_elses_config_is_no_run(three, settings, tmp_path, changes):
    for path in glob.glob(f"{three}.*"):
        shutil.copy(path, tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "resnet"}')
    prepared = prepare_tuning(TuningRequest(str(tmp_path), **changes), settings)
    assert prepared.report.counts()["loaded"] == (37 if changes else 35)
