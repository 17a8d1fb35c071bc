"""The command that goes on with a cluster's run must ask for what the run was begun for."""

import dataclasses
import json
import shutil

import pytest

from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import ConfigError, DataError
from tfinspect.training import checkpoints
from tfinspect.training.cluster_run import Part
from tfinspect.training.run import Observer
from tfinspect.transfer import cluster_finetune
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.tuning_request import TuningRequest

CLUSTER = ClusterConfig({"worker": ("localhost:1", "localhost:2")}, "worker", 0)
STAGES = [{"trainable": "head", "epochs": 2}, {"trainable": "all", "epochs": 1}]


@pytest.fixture
def finetuned(settings, pretrained, tmp_path, monkeypatch):
    """Begins a run as the chief does, without others; returns what goes on with it."""
    monkeypatch.setattr(cluster_finetune, "_join", lambda *_: None)
    monkeypatch.setattr(cluster_finetune, "_run", lambda *_: "begun")
    monkeypatch.setattr(cluster_finetune, "_resume", lambda _: "gone on with")
    stages = tmp_path / "stages.json"
    stages.write_text(json.dumps(STAGES))
    request = TuningRequest(pretrained, LoadRules(("resnet/logits",)), stages_file=str(stages))
    output = str(tmp_path / "run")

    def start(**changes):
        part = Part(CLUSTER, output, 1.0, Observer(), goes_on=True)
        return cluster_finetune.finetune(dataclasses.replace(request, **changes), settings, part)

    assert start() == "begun"
    return start


@pytest.fixture
def other(pretrained, tmp_path):
    """Prefix of a checkpoint of the same names with other values."""
    values = checkpoints.read(pretrained)
    prefix = str(tmp_path / "other.ckpt")
    checkpoints.save(prefix, {name: value + 1 for name, value in values.items()})
    return prefix


def test_same_command_goes_on(finetuned):
    assert finetuned() == "gone on with"


def test_same_checkpoint_and_stages_may_lie_elsewhere(finetuned, pretrained, tmp_path):
    for end in (".index", ".data-00000-of-00001"):
        shutil.copy(pretrained + end, tmp_path / f"copy.ckpt{end}")
    copy = str(shutil.copy(tmp_path / "stages.json", tmp_path / "copy.json"))
    assert finetuned(checkpoint=str(tmp_path / "copy.ckpt"), stages_file=copy) == "gone on with"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"keep_classifier": True},
            "was begun with keep_classifier False, and this command says True; give the same",
        ),
        (
            {"rules": LoadRules(("resnet/logits", "resnet/stage3"))},
            r"was begun with exclude_scopes",
        ),
        ({"rules": LoadRules(("resnet/logits",), (("a", "b"),))}, r"was begun with rename \[\]"),
        ({"stages_file": None}, "was begun with other stages than this command asks for"),
        ({"stages_file": None, "trainable_scopes": ("resnet",)}, "was begun with other stages"),
    ],
)
def test_another_command_is_refused(finetuned, changes, words):
    with pytest.raises(ConfigError, match=words):
        finetuned(**changes)


def test_other_stages_in_the_same_file_are_refused(finetuned, tmp_path):
    (tmp_path / "stages.json").write_text(json.dumps(STAGES[:1]))
    with pytest.raises(ConfigError, match="was begun with other stages"):
        finetuned()


def test_another_checkpoint_is_refused_by_its_values(finetuned, pretrained, other):
    words = f"was begun with checkpoint '{pretrained}', and this command says '{other}'"
    with pytest.raises(ConfigError, match=words):
        finetuned(checkpoint=other)


def test_missing_stages_are_told(finetuned, tmp_path):
    with pytest.raises(DataError, match=r"none\.yaml"):
        finetuned(stages_file=str(tmp_path / "none.yaml"))


def test_run_that_does_not_tell_is_gone_on_with(finetuned, tmp_path):
    path = tmp_path / "run" / "config.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    del described["transfer"]["asked"]
    path.write_text(json.dumps(described), encoding="utf-8")
    assert finetuned(keep_classifier=True) == "gone on with"
