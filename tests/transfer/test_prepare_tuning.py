"""What a fine-tuning refuses before it trains anything, and the cures that it names."""

import dataclasses
import os
import shutil

import pytest
import tiny_data
from transfer_images import SIZE, write_images

from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import ArtifactError, ConfigError, DataError, NetworkError
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect.training.cluster_run import Part
from tfinspect.training.run import Observer
from tfinspect.training.run_directory import RunDirectory
from tfinspect.transfer import batch_memory, cluster_finetune
from tfinspect.transfer.finetune import write_plan
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.prepare_tuning import prepare_images, prepare_tuning
from tfinspect.transfer.tuning_request import TuningRequest


@pytest.fixture(scope="module")
def prepared(pretrained, settings):
    return prepare_tuning(TuningRequest(pretrained), settings)


def test_classifier_alone_is_new(prepared):
    assert prepared.report.counts()["re-initialised"] == 2
    assert not prepared.report.failed


def test_table_says_what_is_frozen_in_which_mode(prepared):
    rows = {(row["stage"], row["scope"]): row for row in prepared.rows}
    assert rows["head", "resnet/stage1"]["trained"] == 0
    assert rows["head", "resnet/stage1"]["batch_norm"] == "inference"
    assert rows["head", "resnet/logits"]["batch_norm"] is None
    assert rows["all", "resnet/stage1"]["batch_norm"] == "batch statistics"
    assert rows["all", "resnet/stage1"]["learning_rate"] == pytest.approx(0.0001)


def test_table_adds_up_to_the_network(prepared):
    total = sum(row["variables"] for row in prepared.rows if row["stage"] == "head")
    assert total == len(prepared.model.variables_by_name())


@pytest.mark.parametrize(("given", "in_force"), [(16, 16), (None, 8)])
def test_memory_need_hold_one_process_part_of_a_batch_alone(
    settings, pretrained, monkeypatch, given, in_force
):
    # A batch may take a quarter of it.
    of_one_part = in_force // 2 * SIZE * SIZE * 3 * 4
    monkeypatch.setattr(batch_memory, "available_memory", lambda: 4 * of_one_part)
    request, config = TuningRequest(pretrained), dataclasses.replace(settings, batch_size=given)
    assert prepare_tuning(request, config, processes=2).config.batch_size == in_force
    with pytest.raises(ConfigError, match=f"a batch of {in_force} takes"):
        prepare_tuning(request, config)


def test_in_a_cluster_the_workers_share_a_batch(settings, pretrained, monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr(cluster_finetune, "_join", lambda *_: None)
    monkeypatch.setattr(
        cluster_finetune, "prepare_tuning", lambda *_, processes: told.append(processes) or 1 / 0
    )
    addresses = tuple(f"host-{letter}:2222" for letter in "abcd")
    cluster = ClusterConfig({"worker": addresses}, "worker", 1)
    part = Part(cluster, str(tmp_path / "run"), 1.0, Observer())
    with pytest.raises(ZeroDivisionError):
        cluster_finetune.finetune(TuningRequest(pretrained), settings, part)
    assert told == [4]


def test_slims_flags_give_one_stage(pretrained, settings):
    request = TuningRequest(
        pretrained, LoadRules(("resnet/logits",)), trainable_scopes=("resnet/logits",)
    )
    (stage,) = prepare_tuning(request, settings).stages
    assert stage.scopes == ("resnet/logits",)


def test_auxiliary_head_is_left_out_of_slims_flags_with_a_note(settings, pretrained):
    # The names alone are looked at: the checkpoint of another network comes after.
    scopes = ("InceptionV3/AuxLogits",)
    config = dataclasses.replace(settings, net="inception_v3", width=1.0, image_size=(75, 75))
    with pytest.raises(ConfigError, match="leaves the auxiliary head out"):
        prepare_tuning(TuningRequest(pretrained, trainable_scopes=scopes), config)


def check_refused(settings, request, error, match, **changes):
    with pytest.raises(error, match=match) as caught:
        prepare_tuning(request, dataclasses.replace(settings, **changes))
    assert "\n" not in str(caught.value)


def test_data_of_one_class(settings, pretrained, tmp_path):
    data = write_images(tmp_path / "one", {"only": 5})
    check_refused(
        settings, TuningRequest(pretrained), DataError, "one class only.*add a class", data=data
    )


def test_fewer_images_than_a_split_needs(settings, pretrained, tmp_path):
    data = write_images(tmp_path / "few", {"a": 1, "b": 1})
    check_refused(settings, TuningRequest(pretrained), DataError, "too few images", data=data)


def test_fewer_training_images_than_classes(tmp_path):
    data = str(tmp_path / "shards")
    splits = ("train", "validation", "test")
    records = {split: tiny_data.raw_records(*tiny_data.images(3)) for split in splits}
    tiny_data.write_data(data, records)
    with pytest.raises(DataError, match="has 3 training images for 10 classes; add images"):
        prepare_images(FineTuneConfig(data=data, net="cifar_resnet8_v1"))


def test_batch_is_no_larger_than_the_few_images_there_are(settings, pretrained, tmp_path):
    data = tmp_path / "splits"
    write_images(data / "train", {"a": 1, "b": 1, "c": 0})
    (data / "train" / "c").rmdir()
    write_images(data / "validation", {"a": 1, "b": 1})
    write_images(data / "test", {"a": 1, "b": 1})
    prepared = prepare_tuning(
        TuningRequest(pretrained),
        dataclasses.replace(settings, data=str(data), batch_size=None),
    )
    assert prepared.config.batch_size == 2


def test_corrupt_image_is_named(settings, pretrained, tmp_path):
    data = write_images(tmp_path / "corrupt", {"a": 10, "b": 10})
    (tmp_path / "corrupt" / "a" / "03.png").write_bytes(b"no picture")
    cure = r"03\.png' .*remove or mend it, or leave such images out with --skip-corrupt\.$"
    check_refused(settings, TuningRequest(pretrained), DataError, cure, data=data)
    config = dataclasses.replace(settings, data=data, skip_corrupt=True, batch_size=8)
    assert "1 corrupt image is left out: a/03.png." in " ".join(
        prepare_tuning(TuningRequest(pretrained), config).notes
    )


def test_every_corrupt_image_is_named_in_the_run(settings, pretrained, tmp_path):
    data = write_images(tmp_path / "corrupt", {"a": 10, "b": 10})
    broken = [f"a/{number:02}.png" for number in range(7)]
    for path in broken:
        (tmp_path / "corrupt" / path).write_bytes(b"no picture")
    config = dataclasses.replace(settings, data=data, skip_corrupt=True, batch_size=4)
    prepared = prepare_tuning(TuningRequest(pretrained), config)
    note = f"7 corrupt images are left out: {', '.join(broken[:5])} and 2 more; "
    assert note + "skipped_images.txt in the run names all." in prepared.notes
    write_plan(prepared, RunDirectory(str(tmp_path)))
    assert (tmp_path / "skipped_images.txt").read_text().splitlines() == broken


def test_images_too_small_for_the_network_name_the_smallest(settings, pretrained):
    check_refused(
        settings,
        TuningRequest(pretrained),
        NetworkError,
        "at least 75x75",
        net="inception_v3",
        width=1.0,
        image_size=(60, 60),
    )


def test_checkpoint_of_another_network_is_recognised(settings, tmp_path):
    prefix = str(tmp_path / "model.ckpt-1")
    network = SlimModel(get_spec("cifar_resnet14_v2").with_image_size(SIZE), 10, seed=None)
    checkpoints.save(prefix, network.variables_by_name())
    check_refused(settings, TuningRequest(prefix), NetworkError, "cifar_resnet14_v2")


def test_checkpoint_of_other_classes_is_named_where_the_classifier_is_wanted(settings, pretrained):
    request = TuningRequest(pretrained, LoadRules(("resnet/stage3",)))
    check_refused(settings, request, NetworkError, "10 classes and the data have 3.*resnet/logits")


def test_truncated_checkpoint(settings, pretrained, tmp_path):
    for name in os.listdir(os.path.dirname(pretrained)):
        shutil.copy(os.path.join(os.path.dirname(pretrained), name), tmp_path)
    index = tmp_path / "model.ckpt-7.index"
    index.write_bytes(index.read_bytes()[:100])
    check_refused(
        settings, TuningRequest(str(tmp_path / "model.ckpt-7")), ArtifactError, "model.ckpt-7"
    )


def test_excluded_scope_that_matches_nothing(settings, pretrained):
    request = TuningRequest(pretrained, LoadRules(("resnet/logit",)))
    check_refused(settings, request, ConfigError, "'resnet/logits'")


def test_stage_that_trains_nothing(settings, pretrained):
    request = TuningRequest(pretrained, trainable_scopes=("resnet/Logits",))
    check_refused(settings, request, ConfigError, "trains nothing")


def test_both_ways_to_say_what_is_trained(settings, pretrained):
    request = TuningRequest(pretrained, LoadRules(), ("resnet/logits",), "stages.yaml")
    check_refused(settings, request, ConfigError, "give one")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_norm": "melt"}, "batch_norm 'melt' is unknown"),
        ({"class_weights": "even"}, "class_weights 'even' is unknown"),
        ({"head_epochs": -1}, "head_epochs -1 is negative"),
        ({"gradual": 0}, "gradual 0 is too small"),
        ({"layer_decay": 1.5}, "layer_decay 1.5 is out of range"),
        ({"tune_learning_rate": 0.0}, "tune_learning_rate 0.0 is not positive"),
        ({"batch_size": 100}, "larger than the training split"),
    ],
)
def test_settings_that_cannot_work(settings, pretrained, changes, message):
    with pytest.raises(ConfigError, match=message):
        prepare_tuning(TuningRequest(pretrained), dataclasses.replace(settings, **changes))
