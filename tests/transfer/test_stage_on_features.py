"""A stage on features against the same stage on the images, normalizations among what it trains."""

import dataclasses
import os

import numpy as np
import pytest

from tfinspect.training import checkpoints
from tfinspect.transfer import train_head
from tfinspect.transfer.finetune import finetune
from tfinspect.transfer.tuning_request import TuningRequest

pytestmark = pytest.mark.slow
SCOPES = ("resnet/stage3", "resnet/logits")


@pytest.fixture(scope="module")
def both(settings, pretrained, tmp_path_factory):
    """Runs of one stage with batch normalization, on features and on the images themselves."""
    config = dataclasses.replace(settings, augment="none", head_epochs=4)
    request = TuningRequest(pretrained, trainable_scopes=SCOPES)
    directory = tmp_path_factory.mktemp("runs")
    on_features = finetune(request, config, str(directory / "features"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(train_head, "cut", lambda *_: None)
        on_images = finetune(request, config, str(directory / "images"))
    return on_features, on_images


def stored(result, place):
    return checkpoints.read(checkpoints.latest(os.path.join(result.training.directory, place)))


def test_moving_statistics_are_those_of_the_stage_on_images(both, pretrained):
    ours, theirs = (stored(result, "checkpoints") for result in both)
    names = [name for name in theirs if name.startswith(SCOPES) and "/moving_" in name]
    before = checkpoints.read(pretrained)
    assert names
    for name in names:
        assert not np.array_equal(theirs[name], before[name])
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3, atol=1e-4, err_msg=name)


def test_validation_and_test_are_those_of_the_stage_on_images(both):
    ours, theirs = both
    assert ours.training.validation_accuracy == theirs.training.validation_accuracy
    assert ours.training.test_loss == pytest.approx(theirs.training.test_loss, rel=1e-3)
    losses = [
        np.genfromtxt(
            os.path.join(result.training.directory, "metrics.csv"), delimiter=",", names=True
        )["validation_loss"]
        for result in both
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
