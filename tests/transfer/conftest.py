"""A checkpoint of a tiny network and folders of generated images, shared by the tests."""

import numpy as np
import pytest
from transfer_images import NETWORK, SIZE, write_images

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect.transfer.finetune_config import FineTuneConfig


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory):
    """Prefix of a checkpoint with ten classes, whose moving statistics are not the initial ones."""
    network = SlimModel(get_spec(NETWORK, width=0.5), 10, seed=1)
    for name, variable in network.variables_by_name().items():
        if name.endswith("moving_mean"):
            variable.assign(np.full(variable.shape, 0.1, np.float32))
    prefix = str(tmp_path_factory.mktemp("pretrained") / "model.ckpt-7")
    checkpoints.save(prefix, network.variables_by_name())
    return prefix


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder of three classes, 20 images each, one with a name in another script."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    return write_images(folder, {"dark": 20, "grün": 20, "明るい": 20})


@pytest.fixture(scope="session")
def settings(photos):
    """Settings of a run of a few seconds."""
    return FineTuneConfig(
        data=photos,
        net=NETWORK,
        width=0.5,
        image_size=(SIZE, SIZE),
        batch_size=16,
        head_epochs=3,
        tune_epochs=2,
        learning_rate=0.01,
        random_features=False,
    )


@pytest.fixture
def make_tuned():
    """Returns the maker of a tiny `TunedModel`, compiled for a stage."""
    from tfinspect.transfer.tuned_model import TunedModel
    from tfinspect.transfer.tuning import make_stage_trainer

    def make(stage, config, **options):
        spec = get_spec(NETWORK, width=0.5).with_image_size(SIZE)
        model = TunedModel(spec, 3, batch_norm_decay=0.5, **options)
        model.begin(stage)
        return model, make_stage_trainer(config, model, model)

    return make
