import json
import zlib

import numpy as np
import pytest
import tensorflow as tf
from tiny_weights import NET, filled_network, tiny_weights

from tfinspect.errors import ConfigError
from tfinspect.extraction import Request, load_network, save
from tfinspect.model import load_model
from tfinspect.nets.registry import get_spec
from tfinspect.training import checkpoints
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.restore import LoadError
from tfinspect.verification import verify
from tfinspect.verification.pattern import pattern_image


def _stored(directory, **changed):
    """The weights with some values changed, as a checkpoint."""
    prefix = f"{directory}/changed.ckpt"
    checkpoints.save(prefix, tiny_weights().values | changed)
    return prefix


def _failed(found):
    return [check.check for check in found.checks if not check.passed]


@pytest.fixture(scope="module")
def verified():
    return verify(tiny_weights().v2, Request(NET))


def test_sound_checkpoint_passes_every_check(verified):
    assert verified.passed
    assert [check.check for check in verified.checks] == [
        "every variable loaded",
        "values finite",
        "variances positive",
        "deterministic",
        "logits depend on the image",
        "graph agrees with eager execution",
        "frozen graph agrees",
        "fingerprint",
    ]


def test_logits_are_the_models_for_the_pattern(verified):
    model = load_model(NET, checkpoint=tiny_weights().v2)
    images = get_spec(NET).preprocessing.apply(pattern_image(32, 32, 3))
    np.testing.assert_allclose(verified.golden.logits, model.logits(images), atol=1e-5)


def test_pattern_is_the_same_everywhere():
    pattern = pattern_image(299, 299, 3)
    assert (pattern.shape, pattern.min(), pattern.max()) == ((1, 299, 299, 3), 0, 255)
    assert np.array_equal(pattern, np.round(pattern))
    assert zlib.crc32(pattern.astype(np.uint8).tobytes()) == 2902605753


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("resnet/conv1/weights", np.full((3, 3, 3, 16), np.nan, np.float32), "values finite"),
        (
            "resnet/conv1/BatchNorm/moving_variance",
            np.full(16, -0.1, np.float32),
            "variances positive",
        ),
    ],
)
def test_broken_values_fail_their_check_and_are_named(tmp_path, name, value, check):
    found = verify(_stored(tmp_path, **{name: value}), Request(NET))
    assert check in _failed(found)
    assert any(f"'{name}'" in one.detail for one in found.checks)
    assert not found.passed


def test_weights_that_are_all_zero_fail(tmp_path):
    zeros = {"resnet/logits/weights": np.zeros((64, 10), np.float32)}
    assert _failed(verify(_stored(tmp_path, **zeros), Request(NET))) == [
        "logits depend on the image"
    ]


def test_classifier_with_initial_values_fails():
    found = verify(tiny_weights().v2, Request(NET, rules=LoadRules(("resnet/logits",))))
    assert _failed(found) == ["every variable loaded"]


def test_missing_variables_are_an_error():
    with pytest.raises(LoadError, match="cannot be loaded"):
        verify(tiny_weights().v2, Request("cifar_resnet14_v1"))


def test_golden_logits_are_compared(verified, tmp_path):
    path = str(tmp_path / "golden.json")
    verified.golden.write(path)
    assert verify(tiny_weights().v1, Request(NET), golden=path).passed
    logits = {"resnet/logits/biases": np.full(10, 0.5, np.float32)}
    assert _failed(verify(_stored(tmp_path, **logits), Request(NET), golden=path)) == [
        "golden logits agree"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": "vgg_a"}, "golden logits of 'vgg_a' at 32x32, and not of 'cifar_resnet8_v1'"),
        ({"pattern": 0}, "pattern 0 of another version"),
        ({"logits": "many"}, "holds no golden logits"),
    ],
)
def test_golden_logits_of_something_else_are_refused(verified, tmp_path, change, words):
    path = tmp_path / "golden.json"
    verified.golden.write(str(path))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ConfigError, match=words):
        verify(tiny_weights().v2, Request(NET), golden=str(path))


def test_first_end_point_behind_a_changed_layer_is_named(tmp_path):
    name = "resnet/stage2/unit1/conv1/weights"
    other = _stored(tmp_path, **{name: 1.01 * tiny_weights().values[name]})
    found = verify(tiny_weights().v2, Request(NET), against=other)
    assert found.first_divergence.end_point == "stage2/unit1"
    assert [one.end_point for one in found.end_points if not one.diverges] == [
        "conv1",
        "stage1/unit1",
    ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    base = tmp_path_factory.mktemp("against")
    loaded = load_network(tiny_weights().v2, Request(NET))
    save(loaded, str(base / "saved-model"), as_format="saved-model")
    save(loaded, str(base / "folded"), as_format="frozen", fold=True)
    return base


@pytest.mark.parametrize("other", ["saved-model", "folded/frozen.pb"])
def test_exports_agree_at_every_end_point(exported, other):
    found = verify(tiny_weights().v2, Request(NET), against=str(exported / other))
    assert found.passed
    assert [one.end_point for one in found.end_points] == [
        "conv1",
        "stage1/unit1",
        "stage2/unit1",
        "stage3/unit1",
        "global_pool",
        "logits",
        "predictions",
    ]


def test_export_of_other_weights_diverges_at_the_first_layer(exported, tmp_path):
    checkpoints.save(f"{tmp_path}/w.ckpt", filled_network(NET, seed=8).variables_by_name())
    found = verify(f"{tmp_path}/w.ckpt", Request(NET), against=str(exported / "saved-model"))
    assert found.first_divergence.end_point == "conv1"


@pytest.mark.parametrize("as_format", ["frozen", "saved-model"])
def test_graph_that_ends_earlier_is_compared_up_to_its_end(tmp_path, as_format):
    part = load_network(tiny_weights().v2, Request(NET, final_endpoint="stage2/unit1"))
    save(part, str(tmp_path / "cut"), as_format=as_format)
    path = str(tmp_path / "cut" / ("frozen.pb" if as_format == "frozen" else ""))
    found = verify(tiny_weights().v2, Request(NET), against=path)
    assert [one.end_point for one in found.end_points] == ["conv1", "stage1/unit1", "stage2/unit1"]
    assert found.passed
    (note,) = found.notes
    assert note.startswith(f"'{path}' has no logits: it ends at 'stage2/unit1'")


def test_graph_that_ends_earlier_and_differs_diverges(tmp_path):
    name = "resnet/stage1/unit1/conv1/weights"
    other = _stored(tmp_path, **{name: 1.01 * tiny_weights().values[name]})
    save(
        load_network(other, Request(NET, final_endpoint="stage2/unit1")),
        str(tmp_path / "cut"),
        as_format="frozen",
    )
    path = str(tmp_path / "cut" / "frozen.pb")
    found = verify(tiny_weights().v2, Request(NET), against=path)
    assert found.first_divergence.end_point == "stage1/unit1"


def test_end_point_with_two_axes_is_not_taken_for_the_logits(tmp_path):
    part = load_network(tiny_weights().v2, Request(NET, final_endpoint="global_pool"))
    save(part, str(tmp_path / "cut"), as_format="frozen")
    path = str(tmp_path / "cut" / "frozen.pb")
    found = verify(tiny_weights().v2, Request(NET), against=path)
    assert found.passed
    assert "ends at 'global_pool'" in found.notes[0]


def test_graph_for_images_of_another_size_is_told_with_the_cure(tmp_path):
    part = load_network(tiny_weights().v2, Request(NET, image_size=(48, 40)))
    save(part, str(tmp_path / "large"), as_format="frozen")
    path = str(tmp_path / "large" / "frozen.pb")
    words = f"'{path}' takes images of 48x40x3, and '{NET}' was built for 32x32x3; build .* 48x40"
    with pytest.raises(ConfigError, match=words):
        verify(tiny_weights().v2, Request(NET), against=path)
    assert verify(tiny_weights().v2, Request(NET, image_size=(48, 40)), against=path).passed


def _graph_of(directory, network, classes=10):
    checkpoints.save(f"{directory}/o.ckpt", filled_network(network, classes).variables_by_name())
    loaded = load_network(f"{directory}/o.ckpt", Request(network))
    save(loaded, f"{directory}/other", as_format="saved-model")
    return f"{directory}/other"


@pytest.mark.parametrize("network", ["cifar_resnet14_v1", "cifar_resnet8_v2"])
def test_graph_of_another_network_is_named(tmp_path, network):
    path = _graph_of(tmp_path, network)
    found = verify(tiny_weights().v2, Request(NET), against=path)
    assert not found.passed
    assert found.notes == (
        f"by its variables '{path}' is of '{network}', another network than '{NET}'.",
    )


def test_weights_of_another_network_that_load_are_named(tmp_path):
    _graph_of(tmp_path, "cifar_resnet14_v1")
    found = verify(tiny_weights().v2, Request(NET), against=f"{tmp_path}/o.ckpt")
    assert "is of 'cifar_resnet14_v1'" in found.notes[0]


def test_other_number_of_classes_is_named(tmp_path):
    path = _graph_of(tmp_path, NET, classes=7)
    found = verify(tiny_weights().v2, Request(NET), against=path)
    assert found.first_divergence.end_point == "logits"
    assert found.notes == (f"'{path}' has 7 classes, and '{NET}' was built with 10.",)


def test_same_network_needs_no_note(exported):
    found = verify(tiny_weights().v2, Request(NET), against=str(exported / "folded/frozen.pb"))
    assert found.notes == ()


def test_graph_with_nothing_in_common_is_refused(tmp_path):
    images = tf.compat.v1.placeholder
    with tf.Graph().as_default() as graph:
        tf.identity(tf.nn.relu(images(tf.float32, [None, 32, 32, 3], "in"), "up"), "out")
    (tmp_path / "other.pb").write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(ConfigError, match=r"has none of the end points of .*its output 'out:0'"):
        verify(tiny_weights().v2, Request(NET), against=str(tmp_path / "other.pb"))


def test_other_weights_under_another_prefix_are_told_to_be_given_first(tmp_path):
    values = {f"tower/{name}": value for name, value in tiny_weights().values.items()}
    checkpoints.save(f"{tmp_path}/o.ckpt", values)
    words = r"of what --against gives, .*'\^=>tower/'.* give '.*o.ckpt' as CHECKPOINT"
    with pytest.raises(LoadError, match=words):
        verify(tiny_weights().v2, Request(NET), against=f"{tmp_path}/o.ckpt")
