import hashlib

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.artifacts import open_artifact
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError, NetworkError
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect.transfer.frozen import stored_digests
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.restore import LoadError, plan, restore


def _network(seed, classes=10):
    network = SlimModel(get_spec("cifar_resnet8_v1", width=0.5), classes, seed=seed)
    network.build_variables()
    return network


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    network = _network(seed=1)
    prefix = str(tmp_path_factory.mktemp("stored") / "model.ckpt-7")
    checkpoints.save(prefix, network.variables_by_name())
    return open_artifact(prefix), network.variables_by_name()


def test_every_value_is_loaded_bit_for_bit(stored):
    artifact, written = stored
    network = _network(seed=2)
    report = restore(network, artifact)
    assert report.counts() == {"loaded": len(written)}
    for name, variable in network.variables_by_name().items():
        np.testing.assert_array_equal(variable.numpy(), written[name].numpy(), strict=True)


def test_excluded_classifier_keeps_its_initial_values(stored):
    artifact, written = stored
    network = _network(seed=2, classes=3)
    before = network.variables_by_name()["resnet/logits/weights"].numpy()
    report = restore(network, artifact, LoadRules(("resnet/logits",)))
    after = network.variables_by_name()
    np.testing.assert_array_equal(after["resnet/logits/weights"].numpy(), before)
    np.testing.assert_array_equal(
        after["resnet/conv1/weights"].numpy(), written["resnet/conv1/weights"].numpy()
    )
    assert len(report.having("re-initialised")) == 2


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_other_floating_point_values_are_converted_and_the_report_says_so(stored, dtype, tmp_path):
    values = {name: one.numpy().astype(dtype) for name, one in stored[1].items()}
    checkpoints.save(str(tmp_path / "other.ckpt"), {n: tf.constant(v) for n, v in values.items()})
    network = _network(seed=2)
    artifact = open_artifact(str(tmp_path / "other.ckpt"))
    report = restore(network, artifact)
    assert {row.detail for row in report.rows} == {f"converted from {dtype} to float32"}
    digests = stored_digests(artifact, report, network)
    for name, variable in network.variables_by_name().items():
        expected = values[name].astype(np.float32)
        np.testing.assert_array_equal(variable.numpy(), expected, strict=True)
        assert digests[name] == hashlib.sha256(expected.tobytes()).hexdigest()


def test_integers_are_no_weights(stored, tmp_path):
    values = {name: tf.cast(one, tf.int32) for name, one in stored[1].items()}
    checkpoints.save(str(tmp_path / "integers.ckpt"), values)
    words = "cannot be loaded from .*the artifact has int32, the network float32"
    with pytest.raises(LoadError, match=words) as caught:
        plan(_network(seed=2), open_artifact(str(tmp_path / "integers.ckpt")))
    assert caught.value.report.counts() == {"dtype mismatch": len(values)}


def test_nothing_is_changed_when_one_variable_cannot_be_loaded(stored):
    artifact, _ = stored
    network = _network(seed=2, classes=3)
    before = {name: one.numpy() for name, one in network.variables_by_name().items()}
    with pytest.raises(LoadError, match="has 10 classes and the network 3") as caught:
        restore(network, artifact)
    for name, variable in network.variables_by_name().items():
        np.testing.assert_array_equal(variable.numpy(), before[name])
    assert {row.name for row in caught.value.report.failed} == {
        "resnet/logits/biases",
        "resnet/logits/weights",
    }


def test_plan_reads_no_value_and_changes_nothing(stored, monkeypatch):
    artifact, _ = stored
    monkeypatch.setattr(type(artifact), "read", lambda *_: pytest.fail("a value was read"))
    assert plan(_network(seed=2), artifact).counts().keys() == {"loaded"}


@pytest.mark.parametrize("length", [0, 1000])
@pytest.mark.parametrize("load", [plan, restore])
def test_data_file_that_is_too_short_is_refused_before_anything_is_changed(
    stored, tmp_path, length, load
):
    prefix = tmp_path / "short.ckpt"
    checkpoints.save(str(prefix), stored[1])
    data = prefix.with_name("short.ckpt.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:length])
    network = _network(seed=2)
    before = {name: one.numpy() for name, one in network.variables_by_name().items()}
    words = rf"of 37 variables .* cannot be read. The first: .* of '{data}', which has {length:,}"
    with pytest.raises(ArtifactError, match=words):
        load(network, open_artifact(str(prefix)))
    for name, variable in network.variables_by_name().items():
        np.testing.assert_array_equal(variable.numpy(), before[name])


def test_missing_file_of_a_partitioned_variable_is_told_before_anything_is_changed(tmp_path):
    network, split = _network(seed=1), "resnet/conv1/weights"
    values = {name: one.numpy() for name, one in network.variables_by_name().items()}
    whole = values.pop(split)
    shape = " ".join(str(size) for size in whole.shape)
    for number, part in enumerate((whole[:1], whole[1:])):
        file = values if number == 0 else {}
        where = f"{shape} {number},{len(part)}:-:-:-"
        tf.raw_ops.SaveSlices(
            filename=str(tmp_path / f"v1-0000{number}-of-00002"),
            tensor_names=[*file, split],
            shapes_and_slices=[*[""] * len(file), where],
            data=[*file.values(), part],
        )
    artifact = open_artifact(str(tmp_path / "v1"))
    assert plan(_network(seed=2), artifact).counts() == {"loaded": 37}
    np.testing.assert_array_equal(artifact.read(split), whole)
    (tmp_path / "v1-00001-of-00002").unlink()
    network = _network(seed=2)
    before = {name: one.numpy() for name, one in network.variables_by_name().items()}
    for load in (plan, restore):
        with pytest.raises(ArtifactError, match=f"of 37 variables .* of 1 cannot .*'{split}' in"):
            load(network, open_artifact(str(tmp_path / "v1")))
    for name, variable in network.variables_by_name().items():
        np.testing.assert_array_equal(variable.numpy(), before[name], err_msg=name)


def test_short_data_of_what_is_not_loaded_is_no_error(stored, tmp_path):
    prefix = tmp_path / "short.ckpt"
    # The names are sorted in the file: this one lies last.
    checkpoints.save(str(prefix), stored[1] | {"zzz": tf.zeros(100)})
    data = prefix.with_name("short.ckpt.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:-400])
    assert restore(_network(seed=2), open_artifact(str(prefix))).counts() == {
        "loaded": 37,
        "unused": 1,
    }


def test_summary_says_loaded_only_when_it_was(stored):
    artifact, _ = stored
    network = _network(seed=2)
    assert "37 would be loaded; 19,458 parameters would be" in plan(network, artifact).summary()
    assert "37 loaded; 19,458 parameters loaded." in restore(network, artifact).summary()


def test_refusal_is_one_sentence_with_the_way_out(stored):
    artifact, _ = stored
    with pytest.raises(NetworkError, match="--exclude-scope"):
        restore(_network(seed=2, classes=3), artifact)


def test_missing_variable_is_answered_with_the_nearest_stored_name(tmp_path):
    values = _network(seed=1).variables_by_name()
    values["resnet/conv1/weight"] = values.pop("resnet/conv1/weights")
    checkpoints.save(str(tmp_path / "model.ckpt-1"), values)
    with pytest.raises(LoadError, match="1 of 37 variables") as caught:
        restore(_network(seed=2), open_artifact(str(tmp_path / "model.ckpt-1")))
    assert "'resnet/conv1/weights'" in str(caught.value)
    assert "nearest: 'resnet/conv1/weight'" in str(caught.value)


def test_values_of_moving_averages_are_taken_where_there_are_some(stored, tmp_path):
    _, written = stored
    values = {name: one.numpy() for name, one in written.items()}
    shadow = {
        f"{name}/ExponentialMovingAverage": value + 1
        for name, value in values.items()
        if not name.rpartition("/")[2].startswith("moving_")
    }
    checkpoints.save(str(tmp_path / "model.ckpt-1"), values | shadow)
    network = _network(seed=2)
    restore(network, open_artifact(str(tmp_path / "model.ckpt-1")), LoadRules(moving_average=True))
    for name, variable in network.variables_by_name().items():
        expected = shadow.get(f"{name}/ExponentialMovingAverage", values[name])
        np.testing.assert_array_equal(variable.numpy(), expected, err_msg=name)


def test_renamed_values_are_loaded(stored, tmp_path):
    _, written = stored
    values = {f"tower/{name}": one.numpy() for name, one in written.items()}
    checkpoints.save(str(tmp_path / "model.ckpt-1"), values)
    network = _network(seed=2)
    rules = LoadRules(rename=(("^", "tower/"),))
    restore(network, open_artifact(str(tmp_path / "model.ckpt-1")), rules)
    for name, variable in network.variables_by_name().items():
        np.testing.assert_array_equal(variable.numpy(), values[f"tower/{name}"], err_msg=name)


class _Stored:
    """An artifact that holds what a network has, and more."""

    path = "published.ckpt"

    def __init__(self, shapes):
        self.variables = [
            VariableEntry(name, shape, "float32", 1, 4) for name, shape in shapes.items()
        ]


class _Network:
    """As `plan` sees a network: its specification and its variables."""

    def __init__(self, spec, shapes):
        self.spec = spec
        self._shapes = shapes

    def variables_by_name(self):
        return {name: tf.TensorSpec(shape) for name, shape in self._shapes.items()}


def test_report_says_why_an_auxiliary_head_is_left_out():
    spec = get_spec("inception_resnet_v2").with_image_size(200)
    body = {"InceptionResnetV2/Conv2d_1a_3x3/weights": (3, 3, 3, 32)}
    head = {"InceptionResnetV2/AuxLogits/Logits/biases": (1001,)}
    report = plan(_Network(spec, body), _Stored(body | head))
    (row,) = report.having("unused")
    assert row.detail == "auxiliary head, left out at 200x200: it fits 299 alone"
    at_home = plan(_Network(spec.with_image_size(299), body), _Stored(body | head))
    assert at_home.having("unused")[0].detail == "the network has no such variable"
