import json
import os
import re

import h5py
import numpy as np
import pytest
import tensorflow as tf
from tiny_run import copy_run
from tiny_weights import NET, PIXELS, filled_network, preprocessed, tiny_weights

from tfinspect import open_artifact
from tfinspect.errors import ConfigError, NetworkError, RunError
from tfinspect.extraction import Request, extract, load_network, save
from tfinspect.model import load_model
from tfinspect.training import checkpoints
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.restore import LoadError

v1 = tf.compat.v1
LABELS = tuple(f"thing {number}" for number in range(10))
GRAPHS = {"meta-graph": "model.ckpt.meta", "frozen": "frozen.pb", "folded": "frozen.pb"}


@pytest.fixture(scope="module")
def loaded():
    return load_network(tiny_weights().v1, Request(NET, labels=LABELS))


@pytest.fixture(scope="module")
def saved(loaded, tmp_path_factory):
    """Directory by format; `folded` is a frozen graph without its normalizations."""
    base = tmp_path_factory.mktemp("extracted")
    for name in ("saved-model", "meta-graph", "frozen", "keras-weights", "checkpoint"):
        save(loaded, str(base / name), as_format=name)
    save(loaded, str(base / "folded"), as_format="frozen", fold=True)
    return base


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_loaded_back_give_the_networks_logits(saved, name):
    model = load_model(str(saved / name / GRAPHS[name]))
    np.testing.assert_allclose(model.logits(preprocessed()), tiny_weights().logits, atol=1e-4)


@pytest.mark.parametrize("name", GRAPHS)
def test_labels_and_preprocessing_beside_a_graph_are_taken(saved, name):
    model = load_model(str(saved / name / GRAPHS[name]))
    assert model.labels == LABELS
    np.testing.assert_array_equal(model.preprocess(PIXELS), preprocessed())


def test_saved_model_takes_pixels_and_files(saved):
    module = tf.saved_model.load(str(saved / "saved-model"))
    from_pixels = module.signatures["images"](images=tf.constant(PIXELS))
    np.testing.assert_allclose(from_pixels["logits"], tiny_weights().logits, atol=1e-4)
    encoded = [tf.io.encode_png(tf.cast(one, tf.uint8)).numpy() for one in PIXELS]
    from_files = module.signatures["serving_default"](encoded=tf.constant(encoded))
    np.testing.assert_allclose(from_files["logits"], tiny_weights().logits, atol=1e-4)
    likeliest = tiny_weights().logits.argmax(axis=1)
    assert [one.decode() for one in from_files["classes"].numpy()] == [LABELS[n] for n in likeliest]


def test_saver_of_tensorflow_1_restores_the_meta_graph(saved):
    prefix = str(saved / "meta-graph" / "model.ckpt")
    with tf.Graph().as_default() as graph, v1.Session() as session:
        v1.train.import_meta_graph(f"{prefix}.meta").restore(session, prefix)
        logits = session.run("resnet/logits/BiasAdd:0", {"images:0": preprocessed()})
        names = {one.op.name for one in v1.global_variables()}
        trainable = {one.op.name for one in v1.trainable_variables()}
    np.testing.assert_allclose(logits, tiny_weights().logits, atol=1e-4)
    assert names == tiny_weights().values.keys()
    assert {name.rpartition("/")[2] for name in names - trainable} == {
        "moving_mean",
        "moving_variance",
    }
    assert graph.get_collection("model_variables")


def test_frozen_graph_is_a_graph_def_of_inference_ops_alone(saved):
    graph_def = v1.GraphDef.FromString((saved / "frozen" / "frozen.pb").read_bytes())
    kinds = {node.op for node in graph_def.node}
    assert not {kind for kind in kinds if "Variable" in kind or "Assign" in kind}
    assert [node.name for node in graph_def.node if node.op == "Placeholder"] == ["images"]
    with tf.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(graph_def, name="")
        logits = session.run("resnet/logits/BiasAdd:0", {"images:0": preprocessed()})
    np.testing.assert_allclose(logits, tiny_weights().logits, atol=1e-4)


def test_folded_graph_has_no_normalization_left(saved):
    graph_def = v1.GraphDef.FromString((saved / "folded" / "frozen.pb").read_bytes())
    assert not [node.name for node in graph_def.node if "BatchNorm" in node.op]
    constants = {node.name for node in graph_def.node if node.op == "Const"}
    assert {"resnet/conv1/weights", "resnet/conv1/biases"} <= constants


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("keras-weights", "model.weights.h5"),
        ("checkpoint", "model.ckpt"),
        ("frozen", "frozen.pb"),
        ("meta-graph", "model.ckpt"),
    ],
)
def test_our_readers_list_and_read_every_variable_by_its_slim_name(saved, name, path):
    artifact = open_artifact(str(saved / name / path))
    found = {entry.name: artifact.read(entry.name) for entry in artifact.variables}
    assert found.keys() == tiny_weights().values.keys()
    for key, value in tiny_weights().values.items():
        np.testing.assert_array_equal(found[key], value)


def test_v1_checkpoint_becomes_a_v2_checkpoint_that_tensorflow_reads(saved):
    assert open_artifact(tiny_weights().v1).kind == "V1 checkpoint"
    reader = tf.train.load_checkpoint(str(saved / "checkpoint"))
    shapes = reader.get_variable_to_shape_map()
    assert {name: tuple(shape) for name, shape in shapes.items()} == {
        name: value.shape for name, value in tiny_weights().values.items()
    }


def test_dataset_of_keras_weights_is_at_the_variables_name(saved):
    with h5py.File(saved / "keras-weights" / "model.weights.h5") as file:
        np.testing.assert_array_equal(
            file["resnet/conv1/weights"], tiny_weights().values["resnet/conv1/weights"]
        )


def test_load_report_goes_along(saved):
    for directory in saved.iterdir():
        rows = json.loads((directory / "load_report.json").read_text())
        assert {row["status"] for row in rows} == {"loaded"}
        assert len(rows) == len(tiny_weights().values)


def test_network_can_end_at_an_end_point_whose_later_variables_are_unused(tmp_path):
    request = Request(NET, final_endpoint="stage2/unit1")
    result = extract(tiny_weights().v2, request, str(tmp_path / "out"), as_format="frozen")
    unused = {row.name.split("/")[1] for row in result.loaded.report.having("unused")}
    assert unused == {"stage3", "logits"}
    features = load_model(str(tmp_path / "out/frozen.pb")).logits(preprocessed())
    assert features.shape == (3, 16, 16, 32)
    expected = result.loaded.part.model.fetch("stage2/unit1", preprocessed())["stage2/unit1"]
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_saved_model_up_to_an_end_point_gives_features(tmp_path):
    request = Request(NET, final_endpoint="stage1/unit1")
    extract(tiny_weights().v2, request, str(tmp_path / "out"), as_format="saved-model")
    module = tf.saved_model.load(str(tmp_path / "out"))
    found = module.signatures["images"](images=tf.constant(PIXELS))
    assert {name: tuple(one.shape) for name, one in found.items()} == {"features": (3, 32, 32, 16)}


def test_other_image_size_is_the_graphs(tmp_path):
    request = Request(NET, image_size=(16, 24))
    extract(tiny_weights().v2, request, str(tmp_path / "out"), as_format="frozen")
    assert load_model(str(tmp_path / "out/frozen.pb")).image_shape == (16, 24, 3)


def test_run_of_ours_needs_no_network_name_and_brings_its_labels(tmp_path):
    run = copy_run(tmp_path)
    result = extract(run.path, Request(), str(tmp_path / "out"), as_format="frozen")
    model, original = load_model(str(tmp_path / "out/frozen.pb")), load_model(run.path)
    assert result.loaded.part.spec.width == 0.5
    assert model.labels == original.labels
    np.testing.assert_allclose(
        model.logits(preprocessed()), original.logits(preprocessed()), atol=1e-4
    )


def test_excluded_classifier_has_initial_values_of_its_own_size(tmp_path):
    request = Request(NET, num_classes=4, rules=LoadRules(("resnet/logits",)))
    loaded = load_network(tiny_weights().v2, request)
    weights = loaded.part.variables_by_name()["resnet/logits/weights"].numpy()
    assert weights.shape == (64, 4)
    assert weights.std() > 0


def test_occupied_directory_is_refused_before_anything_is_loaded(tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    with pytest.raises(RunError, match="is not empty; choose another --output"):
        extract("nowhere", Request(NET), str(tmp_path), as_format="frozen")
    assert os.listdir(tmp_path) == ["kept.txt"]


def test_failed_load_writes_nothing(tmp_path):
    with pytest.raises(LoadError, match="fits 'cifar_resnet8_v1' best"):
        extract(tiny_weights().v2, Request("vgg_a"), str(tmp_path / "out"), as_format="frozen")
    assert os.listdir(tmp_path) == []


def test_failed_write_leaves_nothing(loaded, tmp_path, monkeypatch):
    def full(*_):
        raise RunError("no space")

    monkeypatch.setattr("tfinspect.training.checkpoints.save", full)
    with pytest.raises(RunError, match="no space"):
        save(loaded, str(tmp_path / "out"), as_format="checkpoint")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (Request(), ConfigError, "name it with --net"),
        (Request(NET, final_endpoint="stage1/unit9"), NetworkError, "nearest: 'stage1/unit1'"),
        (Request(NET, labels=("a", "b")), ConfigError, "2 labels for 10 classes; give 10"),
        # A background class belongs to the published classes alone.
        (
            Request("mobilenet_v1_025", 6, labels=tuple("abcde")),
            ConfigError,
            r"5 labels for 6 classes; give 6\.",
        ),
        (Request("inception_v3", image_size=(60, 60)), NetworkError, "at least 75x75"),
    ],
)
def test_what_cannot_be_built_is_refused(request_, error, words):
    with pytest.raises(error, match=words):
        load_network(tiny_weights().v2, request_)


@pytest.mark.parametrize(
    ("as_format", "fold", "words"),
    [("frozn", False, "nearest: 'frozen'"), ("checkpoint", True, "in frozen graphs alone")],
)
def test_format_that_cannot_be_is_refused(loaded, tmp_path, as_format, fold, words):
    with pytest.raises(ConfigError, match=words):
        save(loaded, str(tmp_path / "out"), as_format=as_format, fold=fold)


@pytest.mark.parametrize("rule", [("^", "network/"), ("^resnet/", "old/")])
def test_classes_are_those_of_the_renamed_weights(rule, tmp_path):
    values = filled_network(NET, classes=7).variables_by_name()
    stored = {re.sub(*rule, name, count=1): value for name, value in values.items()}
    checkpoints.save(f"{tmp_path}/model.ckpt", stored)
    request = Request(net=NET, rules=LoadRules(rename=(rule,)))
    loaded = load_network(f"{tmp_path}/model.ckpt", request)
    found = loaded.part.variables_by_name()
    for name, value in values.items():
        np.testing.assert_array_equal(found[name], value.numpy(), err_msg=name)


def test_checkpoint_beside_somebody_elses_config_is_no_run(tmp_path):
    save(load_network(tiny_weights().v1, Request(NET)), str(tmp_path), as_format="checkpoint")
    (tmp_path / "config.json").write_text('{"model_type": "resnet"}')
    assert not load_network(str(tmp_path), Request(NET)).report.failed
    with pytest.raises(ConfigError, match="does not say which network its weights are for"):
        load_network(str(tmp_path), Request())
