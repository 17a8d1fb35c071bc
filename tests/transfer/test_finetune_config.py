"""The settings of a fine-tuning as a run keeps them."""

import json

from tfinspect.training.config import config_from
from tfinspect.transfer.finetune_config import NOT_TAKEN, FineTuneConfig

CONFIG = FineTuneConfig(data="photos", net="mobilenet_v1", width=0.5, image_size=(64, 96))


def test_settings_of_cifar_networks_and_of_train_alone_are_left_out():
    kept = CONFIG.to_dict()
    assert not kept.keys() & set(NOT_TAKEN)
    assert (kept["net"], kept["width"], kept["head_epochs"]) == ("mobilenet_v1", 0.5, 30)


def test_settings_come_back_from_json():
    stored = json.loads(json.dumps(CONFIG.to_dict()))
    assert config_from(stored, "config.json", FineTuneConfig) == CONFIG


def test_settings_of_an_older_run_are_still_read():
    stored = CONFIG.to_dict() | {"unit": "v1", "depth": 20}
    assert config_from(stored, "config.json", FineTuneConfig) == CONFIG
