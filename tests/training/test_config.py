import dataclasses
import inspect
import json

import pytest

from tfinspect.errors import ConfigError, DataError
from tfinspect.training.config import TrainConfig, config_from, load_settings


def test_default_rate_is_halved_for_pre_activation_units():
    rates = {unit: TrainConfig(unit=unit, depth=20).peak_learning_rate for unit in ("v1", "v2")}
    assert rates == {"v1": 0.1, "v2": 0.05}
    assert TrainConfig(unit="bottleneck", depth=20).peak_learning_rate == 0.05


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
def test_default_rate_of_adaptive_optimizers_is_a_hundredth(optimizer):
    assert TrainConfig(optimizer=optimizer).peak_learning_rate == pytest.approx(1e-3)
    assert TrainConfig(optimizer=optimizer, unit="v2").peak_learning_rate == pytest.approx(5e-4)


def test_given_rate_is_kept_for_pre_activation_units():
    assert TrainConfig(unit="v2", learning_rate=0.3).peak_learning_rate == 0.3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"learning_rate": -0.1},
            r"learning_rate -0\.1 is not positive; the default is 0\.1 for v1",
        ),
        ({"learning_rate": float("nan")}, "learning_rate nan is not positive"),
        ({"unit": "v3"}, r"unit 'v3' is unknown; nearest: 'v"),
        ({"optimizer": "adamm"}, "optimizer 'adamm' is unknown; nearest: 'adam'"),
        ({"epochs": 2, "steps": 3}, r"both epochs \(2\) and steps \(3\) are given; give one"),
        ({"epochs": 0}, "epochs 0 is too small; give 1 or more"),
        ({"batch_size": 0}, "batch_size 0 is too small"),
        ({"momentum": 1.0}, r"momentum 1\.0 is out of range; give a value from 0 to below 1"),
        ({"weight_decay": -1e-4}, r"weight_decay -0\.0001 is negative; give 0 or more"),
        ({"boundaries": (3.0, 2.0)}, r"boundaries \[3\.0, 2\.0\] must be at most three ascending"),
        ({"boundaries": (1.0, float("inf"))}, "must be at most three ascending epochs"),
        ({"boundaries": (-1.0,)}, "must be at most three ascending epochs"),
        ({"seed": 2**70}, r"seed \d+ is too large; give one below 2\^32"),
        ({"width": 0.0}, r"width 0\.0 is not positive"),
    ],
)
def test_impossible_setting_is_refused_with_its_value(settings, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**settings)


def test_unknown_setting_names_the_nearest():
    with pytest.raises(
        ConfigError, match=r"no setting 'batchsize' \(in x\.yaml\); nearest: 'batch_s"
    ):
        config_from({"batchsize": 3}, "x.yaml")


@pytest.mark.parametrize("settings", [{"depth": "20"}, {"epochs": True}, {"boundaries": ["a"]}])
def test_setting_of_wrong_type_is_refused(settings):
    with pytest.raises(ConfigError, match="is of the wrong type; it must be"):
        config_from(settings, "x.yaml")


def test_settings_survive_json():
    config = TrainConfig(unit="v2", boundaries=(1.0, 2.0), ema_decay=0.9, steps=7)
    assert config_from(json.loads(json.dumps(config.to_dict())), "json") == config


@pytest.mark.parametrize("text", ["depth: 26\nunit: v2\n", '{"depth": 26, "unit": "v2"}'])
def test_settings_are_read_from_yaml_and_json(tmp_path, text):
    path = tmp_path / ("settings.json" if text.startswith("{") else "settings.yaml")
    path.write_text(text)
    assert load_settings(str(path)) == {"depth": 26, "unit": "v2"}


def test_settings_file_that_is_no_mapping_is_refused(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("- 1\n- 2\n")
    with pytest.raises(ConfigError, match="holds no settings; write lines such as 'depth: 20'"):
        load_settings(str(path))


def test_broken_settings_file_is_refused(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("depth: [20\n")
    with pytest.raises(ConfigError, match="neither valid YAML nor JSON"):
        load_settings(str(path))


def test_settings_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"depth: \xff\xfe")
    with pytest.raises(ConfigError, match="neither valid YAML nor JSON"):
        load_settings(str(path))


def test_settings_of_an_earlier_run_are_taken_from_its_description(tmp_path):
    path = tmp_path / "config.json"
    config = TrainConfig(depth=26, unit="v2")
    path.write_text(json.dumps({"network": "cifar_resnet26_v2", "config": config.to_dict()}))
    assert config_from(load_settings(str(path)), "config.json") == config


def test_exponents_without_a_point_are_numbers():
    assert config_from({"weight_decay": "1e-4"}, "x.yaml").weight_decay == 1e-4


def test_yaml_tags_that_build_objects_are_refused(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("depth: !!python/object/apply:os.getpid []\n")
    with pytest.raises(ConfigError, match="neither valid YAML nor JSON"):
        load_settings(str(path))


def test_missing_settings_file_is_an_error():
    with pytest.raises(DataError, match=r"cannot open 'absent\.yaml'"):
        load_settings("absent.yaml")


def test_every_setting_has_a_comment():
    source = inspect.getsource(TrainConfig).split("\n")
    for field in dataclasses.fields(TrainConfig):
        line = next(i for i, text in enumerate(source) if text.startswith(f"    {field.name}: "))
        assert source[line - 1].lstrip().startswith("#"), field.name
